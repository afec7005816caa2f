"""JSON Schema of what goes into a type and what comes out of it, for OpenAPI and for programs that read documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from reconciler.documentation.wording import is_secret
from reconciler.spec.agent_type import AgentType
from reconciler.spec.field_schema import json_schema_of
from reconciler.spec.fields import Fields, FieldSpec

Schema = dict[str, Any]

_MOMENT: Schema = {"type": "string", "format": "date-time"}
SYSTEM_COLUMNS: dict[str, Schema] = {
    "id": {"type": "integer", "minimum": 1, "description": "Number of the row."},
    "task_id": {"type": ["string", "null"], "description": "The task that wrote the row."},
    "agent": {"type": ["string", "null"], "description": "The agent that wrote the row."},
    "type_version": {"type": "string", "description": "Version of the type with which it was written."},
    "created_at": _MOMENT | {"description": "When it was written first."},
    "deleted_at": {"anyOf": [_MOMENT, {"type": "null"}], "description": "When it was deleted, if it was."},
}
"""What every row has besides its own fields."""


def type_schemas(agent_type: AgentType) -> dict[str, Any]:
    """Of everything that goes into a type and comes out of it; `models` has a schema of the rows of each."""
    spec = agent_type.spec
    return {
        "input": given_schema(spec.input),
        "settings": given_schema(spec.settings),
        "output": output_schema(agent_type),
        "models": {model: row_schema(agent_type, model) for model in spec.models},
    }


def given_schema(fields: Fields) -> Schema:
    """Of values that somebody gives: what has a default or is not required may be left out."""
    schema = json_schema_of(fields)
    schema["required"] = [name for name, field in fields.items() if field.required and field.default is None]
    if not schema["required"]:
        del schema["required"]
    for name, field in fields.items():
        schema["properties"][name] |= _notes(field)
    return schema


def row_schema(agent_type: AgentType, model: str) -> Schema:
    """Of a row as results show it: every field is there."""
    fields = agent_type.spec.models[model].fields
    schema = json_schema_of(fields)
    for name, field in fields.items():
        if is_secret(field):
            schema["properties"][name]["x-sensitive"] = True
    schema["properties"] = deepcopy(SYSTEM_COLUMNS) | schema["properties"]
    schema["required"] = [*schema["properties"]]
    return schema


def output_schema(agent_type: AgentType) -> Schema:
    """Of what a task returns."""
    output = agent_type.spec.output
    if output is None:
        return {"type": "null", "description": "This type declares no output."}
    if output.model is not None:
        return row_schema(agent_type, output.model)
    return json_schema_of(output.fields or {})


def _notes(field: FieldSpec) -> Schema:
    notes: Schema = {"default": field.default} if field.default is not None and not is_secret(field) else {}
    return notes | ({"x-sensitive": True} if is_secret(field) else {})

"""OpenAPI 3.1 with the schemas of every type: what each agent's tasks take and give, and what its rows are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler import __version__
from reconciler.documentation.endpoints import Endpoint, all_endpoints, checked_base_url
from reconciler.documentation.markdown import prose
from reconciler.documentation.schemas import given_schema, output_schema, row_schema
from reconciler.documentation.typescript.naming import pascal, row_name
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.task import TaskState

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PROBLEM_TYPE = "application/problem+json"
FAILURES = {
    "400": "The request makes no sense.",
    "401": "No key, or not one that is in use.",
    "403": "The key's role is not enough.",
    "404": "There is no such thing.",
    "422": "It was understood, and is wrong: `errors` says where.",
    "429": "Too many requests.",
    "503": "The database, or the source, is out of reach.",
}


def openapi_document(types: Sequence[AgentType], agents: Sequence[Agent], base_url: str) -> dict[str, Any]:
    """A document that stands alone. Two models of an agent share one path, as they do on the server."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in all_endpoints(types, agents):
        operations = paths.setdefault(endpoint.path, {})
        known = operations.get(endpoint.method.lower())
        if known is None:
            operations[endpoint.method.lower()] = _operation(endpoint)
        elif endpoint.answer_example is not None:
            examples = known["responses"]["200"]["content"]["application/json"].setdefault("examples", {})
            examples[f"example{len(examples) + 1}"] = {"value": endpoint.answer_example}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "reconciler",
            "version": __version__,
            "description": "Agents, their tasks and their results.",
        },
        "servers": [{"url": checked_base_url(base_url)}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": component_schemas(types),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def component_schemas(types: Sequence[AgentType]) -> dict[str, Schema]:
    """Schemas by name: what all share, and `NameInput`, `NameOutput`, `NameModelRow` and more of every type."""
    schemas = {
        "Object": {"type": "object"},
        "Page": _page([{}]),
        "Problem": _PROBLEM,
        "SubmittedTask": _SUBMITTED,
        "Task": _task([_reference(f"{pascal(found.name)}Output") for found in types]),
    }
    for agent_type in types:
        schemas |= dict(_schemas_of(agent_type))
    return schemas


def _schemas_of(agent_type: AgentType) -> Iterator[tuple[str, Schema]]:
    prefix, spec = pascal(agent_type.name), agent_type.spec
    title = {"title": spec.title} if spec.title else {}
    yield f"{prefix}Input", given_schema(spec.input) | title
    yield f"{prefix}Settings", given_schema(spec.settings)
    yield f"{prefix}Output", output_schema(agent_type)
    settings = {name: field for name, field in spec.settings.items() if not field.sensitive}
    overrides = given_schema(settings)
    overrides.pop("required", None)
    yield (
        f"{prefix}TaskRequest",
        {
            "type": "object",
            "properties": {"input": _reference(f"{prefix}Input"), "settings": overrides},
            "required": ["input"],
        },
    )
    rows = {row_name(agent_type.name, model): row_schema(agent_type, model) for model in spec.models}
    yield from rows.items()
    if rows:
        yield f"{prefix}Results", _page([_reference(name) for name in rows])


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": prose(endpoint.summary),
        "tags": [endpoint.folder],
    }
    operation["parameters"] = [
        {
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "required": False,
            "schema": {"type": "integer", "minimum": 1} if parameter.name == "limit" else {"type": "string"},
        }
        for parameter in endpoint.query
    ]
    operation["parameters"] += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in endpoint.path_values
    ]
    if endpoint.body:
        operation["requestBody"] = {"required": True, "content": _json(endpoint.body, endpoint.body_example)}
    answer = {"description": "Done.", "content": _json(endpoint.answer, endpoint.answer_example)}
    operation["responses"] = {str(endpoint.status): answer} | {
        status: {
            "description": meaning,
            "content": {PROBLEM_TYPE: {"schema": _reference("Problem")}},
        }
        for status, meaning in FAILURES.items()
    }
    if not endpoint.needs_key:
        operation["security"] = []
    return operation


def _json(schema: str, example: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": _reference(schema)}
    if example is not None:
        content["examples"] = {"example": {"value": example}}
    return {"application/json": content}


def _page(items: list[Schema]) -> Schema:
    return {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": items[0] if len(items) == 1 else {"anyOf": items}},
            "next": {"type": ["string", "null"], "description": "Cursor of what follows, null at the end."},
        },
        "required": ["items", "next"],
    }


_STATES = [state.value for state in TaskState]
_SUBMITTED: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "state": {"enum": _STATES},
        "created": {"type": "boolean", "description": "False where its idempotency key was known."},
    },
    "required": ["id", "state", "created"],
}


def _task(outputs: list[Schema]) -> Schema:
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "agent": {"type": "string"},
            "state": {"enum": _STATES},
            "output": {"anyOf": [*outputs, {"type": "null"}]},
            "error_code": {"type": ["string", "null"]},
            "error_message": {"type": ["string", "null"]},
        },
        "required": ["id", "agent", "state"],
    }


_PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: what programs tell errors apart by."},
        "detail": {"type": "string"},
        "hint": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["type", "title", "status", "code", "detail"],
}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}

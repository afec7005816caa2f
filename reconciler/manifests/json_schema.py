"""The manifest language as JSON Schema (draft 2020-12), for completion in editors and to constrain models.

Made from the spec models, so it cannot fall behind them. It says what can be said of a value by itself;
whether references, expressions and grants hold is the reader's to judge. Optional keys without a value,
which the reader takes for keys that are not there, are not in the schema.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from reconciler.errors import UsageError
from reconciler.spec.codec import SPEC_OF
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import did_you_mean
from reconciler.spec.state import KIND_OF

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_KINDS = {
    "AgentType": ("Agent type", "The contract of a kind of agent: its tables, tools and pipeline."),
    "Agent": ("Agent", "A deployed instance of a type, with its settings, secrets and schedule."),
    "Policy": ("Policy", "What any type may ask for at most."),
}
_SHORTHANDS = {"FieldSpec": "Field", "ItemSpec": "Item"}
"""Models that may also be written as just the name of a type, and what the two forms are called together."""
_MESSAGES = {"Deprecation": "Deprecated"}
"""Models that may also be written as just their message."""
_EXACTLY_ONE = {
    "Step": ("tool", "agent", "parallel"),
    "SecretSource": ("env", "file"),
    "Output": ("model", "fields"),
}
_NOT_ALONE = {
    "FieldSpec": {FieldType.ENUM, FieldType.REFERENCE},
    "ItemSpec": {FieldType.ENUM, FieldType.REFERENCE, FieldType.LIST, FieldType.BINARY},
}
"""Types that need more than their name, or that items of a list cannot have."""


def json_schema(kind: str | None = None) -> dict[str, Any]:
    """The schema of one kind of manifest (`AgentType`, `Agent`, `Policy`), or of any of them."""
    if kind is not None and kind not in KIND_OF:
        raise UsageError(f"there is no kind `{kind}`", hint=did_you_mean(kind, KIND_OF))
    kinds = [kind] if kind else list(KIND_OF)
    definitions = _definitions(kinds)
    for name in kinds:
        title, description = _KINDS[name]
        definitions[name] |= {"title": title, "description": description}
    branches = [{"$ref": _reference(name)} for name in kinds]
    return {
        "$schema": DIALECT,
        "title": f"{_KINDS[kind][0]} manifest" if kind else "Manifest",
        **(branches[0] if kind else {"oneOf": branches}),
        "$defs": dict(sorted(definitions.items())),
    }


def _definitions(kinds: list[str]) -> dict[str, dict[str, Any]]:
    models: list[tuple[type[BaseModel], Literal["validation"]]]
    models = [(SPEC_OF[KIND_OF[name]], "validation") for name in kinds]
    _, generated = models_json_schema(models, by_alias=True)
    definitions: dict[str, dict[str, Any]] = {n: _tidied(schema) for n, schema in generated["$defs"].items()}
    for model, name in _SHORTHANDS.items():
        if model in definitions:
            definitions[name] = _with_shorthand(model)
    for model, name in _MESSAGES.items():
        if model in definitions:
            message = definitions[model]["properties"]["message"]
            definitions[name] = {"anyOf": [message, {"$ref": _reference(model)}]}
    for model, keys in _EXACTLY_ONE.items():
        if model in definitions:
            definitions[model]["oneOf"] = [{"required": [key]} for key in keys]
    if "ModelSpec" in definitions:
        groups = definitions["ModelSpec"]["properties"]["unique"]
        groups["items"] = {"anyOf": [groups["items"]["items"], groups["items"]]}
    return definitions


def _with_shorthand(model: str) -> dict[str, Any]:
    names = [type_.value for type_ in FieldType if type_ not in _NOT_ALONE[model]]
    return {
        "anyOf": [
            {"enum": names, "description": "Just the type, where nothing else is to be said."},
            {"$ref": _reference(model)},
        ]
    }


def _tidied(schema: Any) -> Any:
    """A generated schema without what only programs want to see: titles made of names, and nulls."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidied(value) for key, value in schema.items() if key not in ("title", "properties")}
    if "properties" in schema:  # a property may be called `title`
        tidied["properties"] = {name: _tidied(value) for name, value in schema["properties"].items()}
    if isinstance(tidied.get("default"), dict) or tidied.get("default", "") is None:
        del tidied["default"]
    if "anyOf" in tidied:
        branches = [branch for branch in tidied["anyOf"] if branch != {"type": "null"}]
        tidied |= {"anyOf": branches}
        if len(branches) == 1:
            tidied = branches[0] | {key: value for key, value in tidied.items() if key != "anyOf"}
    if "pattern" in tidied:
        # Not every engine that reads schemas knows `\\d`.
        tidied["pattern"] = tidied["pattern"].replace(r"\d", "[0-9]")
    if "$ref" in tidied:
        model = tidied["$ref"].rpartition("/")[2]
        tidied["$ref"] = _reference((_SHORTHANDS | _MESSAGES).get(model, model))
    return _with_names_checked(tidied)


def _with_names_checked(schema: dict[str, Any]) -> dict[str, Any]:
    """Pydantic's `patternProperties` alone would let keys that are no names pass unchecked."""
    if "patternProperties" not in schema:
        return schema
    ((pattern, value),) = schema.pop("patternProperties").items()
    names = schema.get("propertyNames", {}) | {"pattern": pattern}
    return schema | {"propertyNames": names, "additionalProperties": value}


def _reference(name: str) -> str:
    return f"#/$defs/{name}"

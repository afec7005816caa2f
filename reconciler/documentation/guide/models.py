"""The kinds of manifests and everything below them, from the JSON Schema that their models give of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from reconciler.documentation.markdown import code, prose, table
from reconciler.documentation.page import anchor
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.base import FIELD_NAME, NAME_LENGTH, TYPE_NAME
from reconciler.spec.codec import SPEC_OF
from reconciler.spec.fields import APPLIES_TO, FieldType

Schema = dict[str, Any]

UNSAID: dict[str, str] = {
    "Agent.apiVersion": "Always `reconciler/v1`.",
    "Agent.kind": "Always `Agent`.",
    "Agent.metadata": "Its name and labels.",
    "Agent.spec": "What it is.",
    "AgentSpec.type": "The type it is an instance of.",
    "AgentSpec.enabled": "Whether it takes tasks.",
    "AgentSpec.settings": "A value for each setting of the type that has no default.",
    "AgentSpec.secrets": "Where each secret of the type comes from.",
    "AgentType.apiVersion": "Always `reconciler/v1`.",
    "AgentType.kind": "Always `AgentType`.",
    "AgentType.metadata": "Its name and labels.",
    "AgentType.spec": "What it is.",
    "AgentTypeSpec.title": "Its name for people.",
    "AgentTypeSpec.description": "What it is for.",
    "AgentTypeSpec.owner": "Whom to ask.",
    "AgentTypeSpec.settings": "Typed values that each agent fills in.",
    "AgentTypeSpec.secrets": "Names of secrets; agents say where each comes from.",
    "AgentTypeSpec.input": "What a task is given.",
    "AgentTypeSpec.models": "What it keeps: one table each.",
    "AgentTypeSpec.output": "What a task returns.",
    "AgentTypeSpec.tools": "The tools it may use, and within which bounds. What is not listed is not allowed.",
    "AgentTypeSpec.limits": "What one task may use at most.",
    "AgentTypeSpec.pipeline": "What a task does, step by step.",
    "AgentTypeSpec.deletion_policy": "What becomes of its tables when the type goes.",
    "AgentTypeSpec.tests": "Runs with known inputs, for `reconcile test`.",
    "CheckSpec.name": "What errors call it.",
    "Deprecation.message": "Why, and what to use instead.",
    "Expectation.output": "Fields of the output; others are not looked at.",
    "Expectation.rows": "How many rows of each model there are at the end.",
    "Expectation.called": "Ids of the steps that ran, in order.",
    "Expectation.error": "The code with which the task ends.",
    "Fallback.tool": "The tool that is called instead.",
    "Fallback.with": "Its parameters.",
    "Grant.name": "The tool's name.",
    "Grant.recipients": "Mail addresses, or `*@domain`, that it may write to.",
    "Grant.paths": "Files and folders it may read.",
    "Grant.limits": "Its budget.",
    "GrantLimits.calls": "Calls within one task.",
    "GrantLimits.tokens": "Tokens of language models within one task.",
    "GrantLimits.rate": "Calls of all tasks of an agent over time.",
    "GrantLimits.bytes": "Bytes moved within one task.",
    "IndexSpec.fields": "The fields that are looked up together, in this order.",
    "ItemSpec.type": "What kind of value each item is.",
    "ItemSpec.values": "The allowed values of an enum.",
    "ItemSpec.min": "Smallest allowed number.",
    "ItemSpec.max": "Largest allowed number.",
    "ItemSpec.max_length": "Most characters.",
    "ItemSpec.pattern": "Linear regular expression each text must match.",
    "ItemSpec.format": "Well-known shape of each text.",
    "Limits.tasks_per_minute": "Tasks of one agent that begin within a minute.",
    "PolicyLimits.tasks_per_minute": "Tasks of one agent that begin within a minute.",
    "ManifestTest.name": "What it proves, as a sentence.",
    "ManifestTest.input": "The task's input.",
    "ManifestTest.settings": "Settings of the agent.",
    "ManifestTest.mocks": "Step -> what it answers, or `{error: CODE}`. Steps that reach outside need one.",
    "ManifestTest.expect": "What must come of it.",
    "Metadata.name": "Unique among those of its kind.",
    "Metadata.labels": "Free words to find it by.",
    "ModelSpec.fields": "Its columns.",
    "ModelSpec.indexes": "Indexes over several fields.",
    "ModelSpec.checks": "Conditions that every row keeps.",
    "ModelSpec.description": "What a row is.",
    "Output.model": "The row of this model that a step wrote.",
    "Output.fields": "Fields of its own, taken from a step's result.",
    "Policy.apiVersion": "Always `reconciler/v1`.",
    "Policy.kind": "Always `Policy`.",
    "Policy.metadata": "Its name and labels.",
    "Policy.spec": "What it allows.",
    "PolicySpec.tools": "Which tools may be granted.",
    "PolicySpec.recipients": "If given, only these recipients may be granted.",
    "PolicySpec.limits": "The most a type may ask for.",
    "PolicySpec.destructive": "Whether what is dropped is parked, or dropping is refused.",
    "PolicySpec.incidents": "What follows from incidents.",
    "SecretSource.env": "Name of an environment variable.",
    "SecretSource.file": "Path of a file.",
    "Step.id": "Its name; later steps read its result as `steps.ID`.",
    "Step.retry": "When it is tried again.",
    "Step.fallback": "What is called when it has failed for good.",
    "ToolRules.deny": "These tools may not be granted.",
}
"""What the models leave unsaid of themselves."""


def model_lines() -> Iterator[str]:
    yield from ("## The language", "")
    yield f"Names of types and agents match {code(TYPE_NAME)}, those of models and fields {code(FIELD_NAME)};"
    yield f"each has at most {NAME_LENGTH} characters. An unknown key is an error. Every table also has the columns"
    yield f"{', '.join(code(name) for name in SYSTEM_FIELDS)}, which no field may be named as."
    yield ""
    for name, schema in model_data().items():
        yield f"### {name}"
        yield ""
        if schema["description"]:
            yield prose(schema["description"])
            yield ""
        rows = [
            (
                code(key),
                _linked(f["type"]),
                "yes" if f["required"] else f["default"] and code(f["default"]),
                f["meaning"],
            )
            for key, f in schema["fields"].items()
        ]
        yield from table(("Key", "Value", "Required, or default", "Meaning"), rows)
    yield from _field_types()


@cache
def model_data() -> dict[str, Any]:
    """Every model by name: its description, and of each key the type, whether it must be given, and what it means."""
    found: dict[str, Any] = {}
    for name, schema in _schemas().items():
        required = schema.get("required", [])
        found[name] = {
            "description": " ".join(schema.get("description", "").split()),
            "fields": {
                key: {
                    "type": _type(value),
                    "required": key in required,
                    "default": _default(value),
                    "meaning": value.get("description") or UNSAID.get(f"{name}.{key}", ""),
                }
                for key, value in schema["properties"].items()
            },
        }
    return found


@cache
def _definitions() -> dict[str, Schema]:
    """The kinds first, then what they are made of, by name."""
    kinds: dict[str, Schema] = {}
    parts: dict[str, Schema] = {}
    for model in SPEC_OF.values():
        schema = model.model_json_schema(by_alias=True)
        parts |= schema["$defs"]
        kinds[model.__name__] = schema
    return kinds | dict(sorted(parts.items()))


def _schemas() -> dict[str, Schema]:
    return {name: schema for name, schema in _definitions().items() if "properties" in schema}


def _type(schema: Schema) -> str:
    """The type in words; names of other models stand in angle brackets, for `_linked`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        values = _definitions()[name].get("enum")
        return f"<{name}>" if values is None else " or ".join(map(code, values))
    if "anyOf" in schema:
        return " or ".join(
            dict.fromkeys(_type(part) for part in schema["anyOf"] if part.get("type") != "null")
        )
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return " or ".join(code(value) for value in schema["enum"])
    if "examples" in schema:
        return "such as " + " or ".join(code(str(example)) for example in schema["examples"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties") or next(
            iter(schema.get("patternProperties", {}).values()), None
        )
        return f"name -> {_type(inner)}" if isinstance(inner, dict) else "object"
    return str(schema.get("type", "any value"))


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default is None or isinstance(default, (dict, list)):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def _linked(words: str) -> str:
    for name in _schemas():
        words = words.replace(f"<{name}>", f"[{name}](#{anchor(name)})")
    return words


def _field_types() -> Iterator[str]:
    yield from ("### Types of fields", "")
    yield "`type`, `required`, `description`, `sensitive` and `renamed_from` go with every type; the others with some:"
    yield ""
    rows = [
        (code(kind.value), ", ".join(code(name) for name, kinds in APPLIES_TO.items() if kind in kinds))
        for kind in FieldType
    ]
    yield from table(("Type", "Attributes"), rows)

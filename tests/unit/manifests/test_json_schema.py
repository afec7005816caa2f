"""The JSON Schema accepts what the reader accepts, and refuses what it refuses of a value by itself."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.errors import UsageError
from reconciler.manifests.document import read
from reconciler.manifests.json_schema import json_schema
from reconciler.spec.codec import SPEC_OF

LANGUAGE = Path(__file__).parents[2] / "cases" / "language" / "all_kinds.yaml"
KINDS = ["AgentType", "Agent", "Policy"]


def manifests() -> dict[str, dict[str, Any]]:
    return {d.value["kind"]: d.value for d in read(LANGUAGE.read_bytes(), "all.yaml").documents}


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_the_schema_is_one_of_draft_2020_12_whose_references_all_lead_somewhere(kind: str | None) -> None:
    schema = json_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {f"#/$defs/{name}" for name in schema["$defs"]} >= set(_references(schema))


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_the_language_is_valid(kind: str) -> None:
    assert list(Draft202012Validator(json_schema(kind)).iter_errors(manifests()[kind])) == []
    assert list(Draft202012Validator(json_schema()).iter_errors(manifests()[kind])) == []
    others = [other for other in KINDS if other != kind]
    assert not any(Draft202012Validator(json_schema(other)).is_valid(manifests()[kind]) for other in others)


EDITS: list[tuple[str, str, Any, bool]] = [
    ("AgentType", "spec/input/sender", "string", True),
    ("AgentType", "spec/input/sender", "sting", False),
    ("AgentType", "spec/input/sender", "enum", False),
    ("AgentType", "spec/input/sender", {"type": "list", "items": "text"}, True),
    ("AgentType", "spec/input/sender", {"type": "text", "lenght": 5}, False),
    ("AgentType", "spec/input/Sender", "string", False),
    ("AgentType", "spec/input/" + "s" * 41, "string", False),
    ("AgentType", "spec/title", "T", True),
    ("AgentType", "spec/titel", "T", False),
    ("AgentType", "spec/version", "1.2", False),
    ("AgentType", "spec/version", "10.20.30", True),
    ("AgentType", "spec/limits/timeout", "1h30m", True),
    ("AgentType", "spec/limits/timeout", 90, True),
    ("AgentType", "spec/limits/timeout", "soon", False),
    ("AgentType", "spec/limits/memory", "256 MB", False),
    ("AgentType", "spec/models/analysis/unique", ["category", ["sender", "urgency"]], True),
    ("AgentType", "spec/pipeline/0", {"id": "a", "tool": "x"}, True),
    ("AgentType", "spec/pipeline/0", {"id": "a", "parallel": [{"id": "b", "agent": "c"}]}, True),
    ("AgentType", "spec/pipeline/0", {"id": "a"}, False),
    ("AgentType", "spec/pipeline/0", {"id": "a", "tool": "x", "agent": "y"}, False),
    ("AgentType", "metadata/name", "Email Analysis", False),
    ("Agent", "spec/secrets/imap_password", {"file": "/run/secrets/imap"}, True),
    ("Agent", "spec/secrets/imap_password", {"env": "A", "file": "/a"}, False),
    ("Agent", "spec/secrets/imap_password", "hunter2", False),
    ("Agent", "spec/enabled", "yes", False),
    ("Policy", "spec/destructive", "purge", False),
    ("Policy", "kind", "Agent", False),
    ("Policy", "apiVersion", "reconciler/v2", False),
]


@pytest.mark.parametrize(("kind", "where", "value", "valid"), EDITS)
def test_schema_and_spec_models_judge_alike(kind: str, where: str, value: Any, valid: bool) -> None:
    manifest = copy.deepcopy(manifests()[kind])
    *parents, last = where.split("/")
    holder: Any = manifest
    for part in parents:
        holder = holder[int(part)] if isinstance(holder, list) else holder[part]
    holder[int(last) if isinstance(holder, list) else last] = value
    assert Draft202012Validator(json_schema(kind)).is_valid(manifest) is valid
    assert _is_valid(kind, manifest) is valid


def test_every_key_of_the_models_has_its_place_and_no_pattern_needs_more_than_character_classes() -> None:
    definitions = json_schema()["$defs"]
    step = {"id", "tool", "with", "agent", "input", "parallel", "when", "for_each", "as", "concurrency"}
    assert set(definitions["Step"]["properties"]) == step | {"timeout", "retry", "fallback", "on_error"}
    assert definitions["AgentTypeSpec"]["properties"]["title"]["type"] == "string"
    assert not any("\\d" in pattern for pattern in _values(definitions, "pattern"))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        json_schema("Agnet")
    assert refused.value.hint == "did you mean `Agent`?"


def _is_valid(kind: str, manifest: dict[str, Any]) -> bool:
    from pydantic import ValidationError

    from reconciler.spec.state import KIND_OF

    try:
        SPEC_OF[KIND_OF[kind]].model_validate(manifest, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def _references(node: Any) -> list[str]:
    return [value for value in _values(node, "$ref") if isinstance(value, str)]


def _values(node: Any, key: str) -> list[Any]:
    """All values that a key has anywhere inside; those of properties that are called like it left out."""
    if isinstance(node, list):
        return [value for part in node for value in _values(part, key)]
    if not isinstance(node, dict):
        return []
    own = [node[key]] if isinstance(node.get(key), str) else []
    return own + [value for part in node.values() for value in _values(part, key)]

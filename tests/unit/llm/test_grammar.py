"""What of a schema is sent to those who make a grammar of it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.llm.grammar import grammar_schema

KEPT_WHOLE: list[dict[str, Any]] = [
    {"type": "string", "minLength": 1, "maxLength": 600},
    {"type": "string", "enum": ["a", "b"]},
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"type": "string", "format": "date-time"},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,4}$"},
    {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,2})?$"},
    {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 20},
    {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    {"type": ["object", "array", "string", "number", "boolean", "null"]},
    {
        "type": "object",
        "properties": {"pattern": {"type": "boolean"}},
        "required": ["pattern"],
        "additionalProperties": False,
    },
]

LOOSENED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "string", "maxLength": 4000}, {"type": "string"}),
    ({"type": "string", "pattern": "crash"}, {"type": "string"}),
    ({"type": "string", "pattern": r"^\d+$"}, {"type": "string"}),
    ({"type": "string", "pattern": "^a|b$"}, {"type": "string"}),
    ({"type": "string", "pattern": "^(?i)a$"}, {"type": "string"}),
    ({"type": "string", "pattern": "^a{1,500}$"}, {"type": "string"}),
    ({"type": "string", "format": "email"}, {"type": "string"}),
    ({"type": "integer", "minimum": -(2**63), "maximum": 9}, {"type": "integer", "maximum": 9}),
    ({"type": "number", "minimum": 0.5}, {"type": "number"}),
    (
        {"type": "array", "items": {"type": "string", "maxLength": 100}, "maxItems": 50},
        {"type": "array", "items": {"type": "string"}, "maxItems": 50},
    ),
    ({"anyOf": [{"type": "string", "pattern": "x"}]}, {"anyOf": [{"type": "string"}]}),
]


@pytest.mark.parametrize("schema", KEPT_WHOLE)
def test_what_grammars_can_say_is_kept(schema: dict[str, Any]) -> None:
    assert grammar_schema(schema) == schema


@pytest.mark.parametrize(("schema", "expected"), LOOSENED)
def test_what_grammars_are_not_known_to_take_is_left_out(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert grammar_schema(schema) == expected
    assert grammar_schema({"type": "object", "properties": {"a": schema}})["properties"]["a"] == expected

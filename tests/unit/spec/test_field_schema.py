"""JSON Schema of fields against an independent judge, and against the rules of fields."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from reconciler.spec.field_schema import json_schema_of, portable_pattern, value_schema
from reconciler.spec.fields import Fields, FieldSpec
from reconciler.spec.literals import check_literal
from reconciler.spec.normal import normal
from reconciler.spec.patterns import matches

Case = tuple[dict[str, Any], Any]


def fields_of(specs: dict[str, Any]) -> Fields:
    return TypeAdapter(Fields).validate_python(specs)


def admits(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def as_json(value: Any) -> Any:
    """A value as it is written: decimals as the text of their digits."""
    return json.loads(json.dumps(value, default=lambda number: format(number, "f")))


def test_an_object_has_all_fields_in_order_and_no_others() -> None:
    fields = fields_of(
        {
            "category": {
                "type": "enum",
                "values": ["bug", "other"],
                "required": True,
                "description": "What about?",
            },
            "urgency": {"type": "integer", "min": 1, "max": 5, "required": True},
            "due": {"type": "date", "description": "If it says so."},
        }
    )
    assert json_schema_of(fields) == {
        "type": "object",
        "properties": {
            "category": {"type": "string", "enum": ["bug", "other"], "description": "What about?"},
            "urgency": {"type": "integer", "minimum": 1, "maximum": 5},
            "due": {
                "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
                "description": "If it says so.",
            },
        },
        "required": ["category", "urgency", "due"],
        "additionalProperties": False,
    }


REFUSED: list[Case] = [
    ({"type": "string"}, 1),
    ({"type": "string", "max_length": 3}, "abcd"),
    ({"type": "string", "min_length": 3}, "ab"),
    ({"type": "text", "pattern": r"^\d+$"}, "12a"),
    ({"type": "integer"}, "1"),
    ({"type": "integer"}, 2**63),
    ({"type": "integer", "min": 1.5}, 1),
    ({"type": "number", "max": 1}, 1.5),
    ({"type": "decimal", "precision": 5, "scale": 2}, "1000"),
    ({"type": "decimal", "precision": 5, "scale": 2}, "1.005"),
    ({"type": "decimal", "precision": 2, "scale": 2}, "1"),
    ({"type": "decimal", "min": 0}, "-1"),
    ({"type": "decimal"}, "ten"),
    ({"type": "boolean"}, 1),
    ({"type": "enum", "values": ["a"]}, "b"),
    ({"type": "json"}, None),
    ({"type": "list"}, "a"),
    ({"type": "list", "max_length": 1}, [1, 2]),
    ({"type": "list", "min_length": 1}, []),
    ({"type": "list", "items": {"type": "integer", "max": 3}}, [1, 4]),
    ({"type": "list", "items": "string"}, [None]),
    ({"type": "binary"}, "äää"),
    ({"type": "binary", "max_length": 3}, "AAAAAAAA"),
    ({"type": "reference", "model": "x"}, 0),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_what_the_rules_refuse_the_schema_refuses(field: dict[str, Any], value: Any) -> None:
    spec = FieldSpec.model_validate(field | {"required": True})
    assert any(check_literal(value, spec, ()))
    assert not admits(value_schema(spec), value)


bounds = st.tuples(st.integers(-50, 50), st.integers(0, 100)).map(lambda pair: (pair[0], sum(pair)))
lengths = st.tuples(st.integers(0, 5), st.integers(1, 5)).map(lambda pair: (pair[0], sum(pair)))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def numeric(draw: st.DrawFn) -> Case:
    low, high = draw(bounds)
    kind = draw(st.sampled_from(["integer", "number"]))
    values = st.integers(low, high) if kind == "integer" else st.floats(low, high)
    return {"type": kind, "min": low, "max": high}, draw(values)


@st.composite
def decimal(draw: st.DrawFn) -> Case:
    precision = draw(st.integers(1, 12))
    scale = draw(st.integers(0, precision))
    digits = draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    field = {"type": "decimal", "precision": precision, "scale": scale}
    return field, Decimal(digits).scaleb(-scale)


@st.composite
def textual(draw: st.DrawFn) -> Case:
    low, high = draw(lengths)
    value = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=low, max_size=high))
    return {"type": draw(st.sampled_from(["string", "text"])), "min_length": low, "max_length": high}, value


@st.composite
def listed(draw: st.DrawFn) -> Case:
    low, high = draw(lengths)
    items = draw(st.lists(st.integers(-9, 9), min_size=low, max_size=high))
    return {
        "type": "list",
        "items": {"type": "integer", "min": -9, "max": 9},
        "min_length": low,
        "max_length": high,
    }, items


plain: st.SearchStrategy[Case] = st.one_of(
    st.tuples(st.just({"type": "boolean"}), st.booleans()),
    st.tuples(st.just({"type": "date"}), st.dates().map(str)),
    st.tuples(st.just({"type": "datetime"}), st.datetimes().map(lambda moment: moment.isoformat() + "Z")),
    st.tuples(st.just({"type": "uuid"}), st.uuids().map(str)),
    st.tuples(st.just({"type": "enum", "values": ["a", "ß"]}), st.sampled_from(["a", "ß"])),
    st.tuples(st.just({"type": "reference", "model": "m"}), st.integers(1, 2**63 - 1)),
    st.tuples(st.just({"type": "json"}), st.recursive(st.booleans() | texts, st.lists)),
    st.tuples(st.just({"type": "string", "format": "slug"}), st.sampled_from(["a", "a-1"])),
    st.tuples(st.just({"type": "string", "format": "hostname"}), st.just("bücher.example")),
)
cases = st.one_of(numeric(), decimal(), textual(), listed(), plain)


@given(cases)
def test_a_value_that_fits_is_admitted(case: Case) -> None:
    spec, value = case
    field = FieldSpec.model_validate(spec | {"required": True})
    assert [*check_literal(value, field, ())] == []
    assert admits(value_schema(field), as_json(normal(value, field)))


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), cases, min_size=1, max_size=4), st.data()
)
def test_objects_of_fitting_values_are_admitted_and_incomplete_ones_are_not(
    members: dict[str, Case], data: st.DataObject
) -> None:
    optional = data.draw(st.sets(st.sampled_from([*members])))
    fields = fields_of(
        {name: spec | {"required": name not in optional} for name, (spec, _) in members.items()}
    )
    schema = json_schema_of(fields)
    jsonschema.Draft202012Validator.check_schema(schema)
    values = {name: as_json(normal(value, fields[name])) for name, (_, value) in members.items()}
    assert admits(schema, values)
    assert admits(schema, values | dict.fromkeys(optional))
    for name in members:
        assert not admits(schema, {other: value for other, value in values.items() if other != name})
        assert admits(schema, values | {name: None}) == (name in optional)
    assert not admits(schema, values | {"another": 1})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(texts, parts, max_size=2),
    max_leaves=5,
)
judged_alike = st.one_of(
    numeric().map(lambda case: case[0]),
    decimal().map(lambda case: case[0]),
    textual().map(lambda case: case[0]),
    listed().map(lambda case: case[0]),
    st.sampled_from([{"type": "boolean"}, {"type": "enum", "values": ["a", "b"]}, {"type": "json"}]),
)


@given(judged_alike, anything | st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{1,4})?", fullmatch=True))
def test_whatever_is_admitted_fits(spec: dict[str, Any], value: Any) -> None:
    field = FieldSpec.model_validate(spec | {"required": True})
    whole_float = isinstance(value, float) and value.is_integer()  # for JSON Schema 1.0 is an integer
    if not whole_float and admits(value_schema(field), value):
        assert [*check_literal(value, field, ())] == []


PATTERNS = [
    (r"^\d{3}-\w+$", "^[0-9]{3}-[A-Za-z0-9_]+$"),
    (r"[\d.]+", "[0-9.]+"),
    (r"\S+@\S+", r"[^ \t\n\r\f\v]+@[^ \t\n\r\f\v]+"),
    (r"^a\\d\.$", r"^a\\d\.$"),
    (r"^[^\s]+$", r"^[^ \t\n\r\f\v]+$"),
    ("^(?:ab|c)+$", "^(?:ab|c)+$"),
]


@pytest.mark.parametrize(("pattern", "portable"), PATTERNS)
def test_shorthands_are_spelled_out(pattern: str, portable: str) -> None:
    assert portable_pattern(pattern) == portable


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in PATTERNS])
@given(text=st.text("019_ab.@- \t\\d", max_size=8))
def test_a_portable_pattern_matches_what_the_pattern_matches(pattern: str, text: str) -> None:
    portable = portable_pattern(pattern)
    assert portable is not None
    assert (re.search(portable, text) is not None) == matches(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [r"^\p{L}+$", "(?i)a", r"[^\D]", "[]a]", "[[:alpha:]]", "a{,3}", "(?P<x>a)", "[a--b]", r"\Aa", "a++"],
)
def test_a_pattern_that_others_read_otherwise_is_left_out(pattern: str) -> None:
    assert portable_pattern(pattern) is None
    assert "pattern" not in value_schema(FieldSpec(type="string", pattern=pattern))

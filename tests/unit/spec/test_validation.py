"""Values against fields: the compiled validator, the rules behind it, and that the two agree."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic_core import SchemaValidator, ValidationError

from reconciler.errors import InvalidInput
from reconciler.spec.field_validators import object_schema
from reconciler.spec.fields import Fields, FieldSpec, FieldType, StringFormat
from reconciler.spec.findings import pointer
from reconciler.spec.literals import check_given
from reconciler.spec.normal import normal
from reconciler.spec.validation import FieldsValidator, ValuesInvalid, validator_of


def fields_of(**fields: Any) -> Fields:
    return TypeAdapter(Fields).validate_python(fields)


MAIL = fields_of(
    sender={"type": "string", "format": "email", "required": True},
    urgency={"type": "integer", "min": 1, "max": 5, "default": 1},
    amount={"type": "decimal", "precision": 9, "scale": 2},
    tags={"type": "list", "items": "string", "default": ["new"]},
    note="text",
)


def codes(values: Any, **options: Any) -> list[str]:
    with pytest.raises(ValuesInvalid) as caught:
        validator_of(MAIL).validate(values, **options)
    return [f"{finding.code} {pointer(finding.path)}" for finding in caught.value.findings]


# --- what comes back ----------------------------------------------------------------------------------


def test_defaults_stand_in_for_what_is_missing_and_nothing_else_does() -> None:
    validated = validator_of(MAIL).validate({"sender": "a@example.com"})
    assert validated == {"sender": "a@example.com", "urgency": 1, "tags": ["new"]}


def test_a_complete_object_has_every_field() -> None:
    validated = validator_of(MAIL).complete({"sender": "a@example.com"})
    assert validated == {
        "sender": "a@example.com",
        "urgency": 1,
        "amount": None,
        "tags": ["new"],
        "note": None,
    }


def test_a_selected_object_leaves_out_what_is_not_declared() -> None:
    selected = FieldsValidator(fields_of(a="number", b="string")).select({"a": 1, "more": object()})
    assert selected == {"a": 1.0, "b": None}
    with pytest.raises(ValuesInvalid, match="must be a number"):
        FieldsValidator(fields_of(a="number")).select({"a": "x", "more": 1})


def test_a_partial_object_has_what_was_given() -> None:
    assert validator_of(MAIL).validate({"amount": "1.5"}, partial=True) == {"amount": Decimal("1.50")}


def test_none_is_a_value_of_what_is_not_required_and_no_default_replaces_it() -> None:
    assert validator_of(MAIL).validate({"sender": "a@example.com", "urgency": None})["urgency"] is None


def test_two_objects_share_no_default() -> None:
    validator = validator_of(MAIL)
    validator.validate({"sender": "a@example.com"})["tags"].append("spoilt")
    assert validator.validate({"sender": "a@example.com"})["tags"] == ["new"]


NORMAL: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "number"}, 3, 3.0),
    ({"type": "number"}, Decimal("0.5"), 0.5),
    ({"type": "decimal", "precision": 5, "scale": 2}, 1.5, Decimal("1.50")),
    ({"type": "decimal"}, "-0", Decimal("0.000000")),
    ({"type": "datetime"}, "2025-12-31T23:59:00+02:00", "2025-12-31T21:59:00Z"),
    ({"type": "datetime"}, "2025-12-31 23:59:00.5", "2025-12-31T23:59:00.500000Z"),
    ({"type": "date"}, "2025-12-31", "2025-12-31"),
    ({"type": "uuid"}, "{6F9619FF8B86D011B42D00CF4FC964FF}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    ({"type": "list", "items": "decimal"}, ["1"], [Decimal("1.000000")]),
    ({"type": "json"}, {"a": [1, None]}, {"a": [1, None]}),
]


@pytest.mark.parametrize(("field", "given", "expected"), NORMAL)
def test_a_value_is_written_in_one_way(field: dict[str, Any], given: Any, expected: Any) -> None:
    validated = FieldsValidator(fields_of(value=field)).validate({"value": given})["value"]
    assert (validated, repr(validated)) == (expected, repr(expected))


# --- what is wrong ------------------------------------------------------------------------------------


def test_every_finding_is_told_not_only_the_first() -> None:
    assert codes({"urgency": 9, "tags": ["a", 1], "notes": "x"}) == [
        "value-range /urgency",
        "value-type /tags/1",
        "unknown-value /notes",
        "missing-value ",
    ]


def test_findings_call_values_by_their_noun() -> None:
    assert codes({"notes": "x"}, noun="input") == ["unknown-input /notes", "missing-input "]


def test_what_may_be_missing_must_still_fit() -> None:
    assert codes({"sender": "nobody"}, partial=True) == ["value-format /sender"]


def test_no_object_no_values() -> None:
    assert codes(["sender"]) == ["value-type "]


def test_a_misspelt_name_is_told_the_right_one() -> None:
    with pytest.raises(ValuesInvalid) as caught:
        validator_of(MAIL).validate({"sender": "a@example.com", "urgancy": 1})
    assert caught.value.findings[0].hint == "did you mean `urgency`?"


@pytest.mark.parametrize("attribute", ["sensitive", "encrypted"])
def test_what_is_sensitive_is_not_quoted(attribute: str) -> None:
    fields = fields_of(pin={"type": "string", "max_length": 4, "pattern": "^[0-9]+$", attribute: True})
    with pytest.raises(ValuesInvalid) as caught:
        validator_of(fields).validate({"pin": "a1b2"})
    error = caught.value
    shown = (error.message, error.hint, *(f"{each.message} {each.hint}" for each in error.discreet))
    assert not any("a1b2" in text for text in shown)
    assert "a1b2" in error.findings[0].message
    assert error.discreet[0].code == "value-pattern"


def test_as_the_end_of_a_task_it_says_where() -> None:
    with pytest.raises(ValuesInvalid) as caught:
        validator_of(MAIL).validate({"sender": "a@example.com", "tags": [1]})
    error = caught.value.as_run_error(InvalidInput, "input")
    assert (error.code, error.where) == ("invalid_input", "input/tags/0")


def test_a_validator_is_kept_with_its_fields() -> None:
    assert validator_of(MAIL) is validator_of(MAIL)
    assert validator_of({**MAIL}) is not validator_of(MAIL)


# --- compiled and ruled alike ---------------------------------------------------------------------------

NUMBERS = (
    st.integers(-(2**65), 2**65) | st.integers(-6, 6) | st.floats() | st.sampled_from([10**400, 2**53 + 1])
)
TEXTS = st.text(max_size=6) | st.sampled_from(
    [
        "a@example.com",
        "https://example.com/",
        "10.0.0.1",
        "::1",
        "2024-02-29",
        "2023-02-29",
        "2024-02-29T12:00:00Z",
        "2024-02-29 12:00",
        "0001-01-01T00:00+02:00",
        "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
        "1.50",
        "-0",
        "1e9999",
        "nan",
        "AAAA",
        "\ud800",
        "a",
    ]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.decimals(allow_nan=True, places=3)
VALUES = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
BOUNDS = st.integers(-6, 6) | st.floats(-6, 6) | st.sampled_from([2**53 + 1, 0.1, 1e300, 10**400])


@st.composite
def attributes(draw: st.DrawFn, kind: FieldType, *, item: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind.value}
    if kind in (FieldType.INTEGER, FieldType.NUMBER, FieldType.DECIMAL):
        low, high = sorted((draw(BOUNDS), draw(BOUNDS)))
        made |= draw(st.sampled_from([{}, {"min": low}, {"max": high}, {"min": low, "max": high}]))
    if kind in (FieldType.STRING, FieldType.TEXT):
        made |= draw(st.sampled_from([{}, {"max_length": 3}, {"pattern": "^[a-c0-9]*$"}, {"pattern": "("}]))
        made |= draw(st.sampled_from([{}, *({"format": form.value} for form in StringFormat)]))
    if kind is FieldType.ENUM:
        made["values"] = ["a", "b", "1.50"]
    if kind is FieldType.REFERENCE:
        made["model"] = "thread"
    if item:
        return made
    if kind is FieldType.DECIMAL:
        made |= draw(st.sampled_from([{}, {"precision": 4, "scale": 2}, {"precision": 3}]))
    if kind in (FieldType.LIST, FieldType.BINARY):
        made |= draw(st.sampled_from([{}, {"min_length": 1, "max_length": 3}]))
    if kind is FieldType.LIST:
        inner = draw(st.sampled_from([None, *_ITEMS]))
        made |= {"items": draw(attributes(inner, item=True))} if inner else {}
    return made | {"required": draw(st.booleans())}


_ITEMS = [kind for kind in FieldType if kind not in (FieldType.LIST, FieldType.REFERENCE, FieldType.BINARY)]


@given(st.sampled_from(FieldType).flatmap(attributes), VALUES)
@example({"type": "number", "max": 2**53 + 1}, 2**53 + 2)
@example({"type": "number"}, 10**400)
@example({"type": "decimal", "min": 0.1}, "0.1")
@example({"type": "list", "items": "json"}, [None])
@example({"type": "text"}, "\ud800")
def test_compiled_and_ruled_validation_agree(field: dict[str, Any], value: Any) -> None:
    fields = fields_of(value=field)
    values = {"value": value}
    fits = not [*check_given(values, fields, (), "value")]
    try:
        compiled = SchemaValidator(object_schema(fields, "defaults")).validate_python(values)["value"]
    except ValidationError:
        assert not fits
    else:
        assert fits
        assert _same(compiled, normal(value, fields["value"]))


@given(st.sampled_from(FieldType).flatmap(attributes), VALUES)
def test_what_has_been_validated_stays_as_it_is(field: dict[str, Any], value: Any) -> None:
    validator = FieldsValidator(fields_of(value=field))
    try:
        once = validator.validate({"value": value})
    except ValuesInvalid:
        return
    assert _same(validator.validate(once)["value"], once["value"])


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return repr(left) == repr(right)


def test_a_field_spec_of_every_type_can_be_compiled() -> None:
    needs: dict[FieldType, dict[str, Any]] = {
        FieldType.ENUM: {"values": ["a"]},
        FieldType.REFERENCE: {"model": "thread"},
    }
    fields = {
        kind.value: FieldSpec.model_validate({"type": kind.value, **needs.get(kind, {})})
        for kind in FieldType
    }
    assert validator_of(fields).complete({}) == dict.fromkeys(fields)

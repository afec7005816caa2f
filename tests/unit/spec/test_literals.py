"""Values written in manifests against their fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from reconciler.spec.fields import FieldSpec, StringFormat
from reconciler.spec.findings import pointer
from reconciler.spec.formats import has_format
from reconciler.spec.literals import check_literal

FITTING: list[tuple[dict[str, Any], Any]] = [
    ({"type": "string"}, ""),
    ({"type": "string", "max_length": 3, "min_length": 3}, "ÄÖÜ"),
    ({"type": "string", "pattern": "^[a-z]+$"}, "abc"),
    ({"type": "integer"}, -(2**63)),
    ({"type": "integer", "min": 1, "max": 5}, 5),
    ({"type": "number"}, 3),
    ({"type": "decimal", "precision": 5, "scale": 2}, "999.99"),
    ({"type": "decimal", "precision": 5, "scale": 2}, "1.5000"),
    ({"type": "decimal", "precision": 5, "scale": 2}, 0.1),
    ({"type": "decimal", "precision": 38, "scale": 0}, "12345678901234567890123456789012345678"),
    ({"type": "decimal"}, "0e9999"),
    ({"type": "boolean"}, False),
    ({"type": "date"}, "2024-02-29"),
    ({"type": "datetime"}, "2024-02-29T12:00:00Z"),
    ({"type": "datetime"}, "2024-02-29 12:00"),
    ({"type": "uuid"}, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    ({"type": "enum", "values": ["a", "b"]}, "b"),
    ({"type": "json"}, {"a": [1, None]}),
    ({"type": "list"}, [1, "a"]),
    ({"type": "list", "items": "integer", "max_length": 2}, [1, 2]),
    ({"type": "binary", "max_length": 3}, "AAAA"),
    ({"type": "reference", "model": "x"}, 1),
    ({"type": "integer"}, None),
]

UNFIT: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 1, "value-type "),
    ({"type": "string", "max_length": 3}, "abcd", "value-length "),
    ({"type": "string", "min_length": 3}, "ab", "value-length "),
    ({"type": "string", "pattern": "^[a-z]+$"}, "abc1", "value-pattern "),
    ({"type": "string", "format": "email"}, "a@", "value-format "),
    ({"type": "integer"}, True, "value-type "),
    ({"type": "integer"}, 1.0, "value-type "),
    ({"type": "integer"}, "1", "value-type "),
    ({"type": "integer"}, 2**63, "value-range "),
    ({"type": "integer", "min": 1}, 0, "value-range "),
    ({"type": "number", "max": 1}, 1.5, "value-range "),
    ({"type": "number"}, "1.5", "value-type "),
    ({"type": "number"}, float("nan"), "value-type "),
    ({"type": "decimal", "precision": 5, "scale": 2}, "1000", "value-range "),
    ({"type": "decimal", "precision": 5, "scale": 2}, "1.005", "value-range "),
    (
        {"type": "decimal", "precision": 38, "scale": 0},
        "123456789012345678901234567890123456789",
        "value-range ",
    ),
    ({"type": "decimal"}, "1e9999", "value-range "),
    ({"type": "decimal"}, "nan", "value-type "),
    ({"type": "decimal"}, "ten", "value-type "),
    ({"type": "decimal", "min": 0}, "-0.5", "value-range "),
    ({"type": "boolean"}, "true", "value-type "),
    ({"type": "boolean"}, 1, "value-type "),
    ({"type": "date"}, "2023-02-29", "value-type "),
    ({"type": "date"}, "20240229", "value-type "),
    ({"type": "date"}, "2024-02-29T00:00", "value-type "),
    ({"type": "datetime"}, "2024-02-29", "value-type "),
    ({"type": "datetime"}, "2024-02-29T25:00", "value-type "),
    ({"type": "uuid"}, "6f9619ff", "value-type "),
    ({"type": "enum", "values": ["a", "b"]}, "c", "value-not-allowed "),
    ({"type": "enum", "values": ["a", "b"]}, ["a"], "value-not-allowed "),
    ({"type": "list"}, "a", "value-type "),
    ({"type": "list", "max_length": 1}, [1, 2], "value-length "),
    ({"type": "list", "items": {"type": "integer", "max": 3}}, [1, 4], "value-range /1"),
    ({"type": "list", "items": "string"}, ["a", None], "value-missing /1"),
    ({"type": "binary"}, "äää", "value-type "),
    ({"type": "binary", "max_length": 2}, "AAAA", "value-length "),
    ({"type": "reference", "model": "x"}, 0, "value-type "),
    ({"type": "reference", "model": "x"}, "1", "value-type "),
    ({"type": "integer", "required": True}, None, "value-missing "),
]


@pytest.mark.parametrize(("field", "value"), FITTING)
def test_a_value_that_fits_is_not_talked_about(field: dict[str, Any], value: Any) -> None:
    assert [*check_literal(value, FieldSpec.model_validate(field), ())] == []


@pytest.mark.parametrize(("field", "value", "expected"), UNFIT)
def test_a_value_that_does_not_fit_is_told(field: dict[str, Any], value: Any, expected: str) -> None:
    findings = check_literal(value, FieldSpec.model_validate(field), ())
    assert [f"{f.code} {pointer(f.path)}" for f in findings] == [expected]


FORMATS = [
    (
        "email",
        ["a@example.com", "a.b+c@mail.example.com"],
        ["a", "@example.com", "a b@example.com", "a@b@c", "*@example.com", "a@.com", "a\n@example.com"],
    ),
    (
        "uri",
        ["https://example.com/a?b#c", "mailto:a@example.com", "urn:x:y"],
        ["example.com", "https://", "https://a b", "http://[::1", "http://a:99999"],
    ),
    (
        "hostname",
        ["example.com", "localhost", "bücher.example"],
        ["-a.example", "a..b", "10.0.0.1", "http://a", ""],
    ),
    ("ipv4", ["10.0.0.1"], ["10.0.0", "10.0.0.256", "::1", "010.0.0.1"]),
    ("ipv6", ["::1", "2001:db8::1"], ["10.0.0.1", ":::", "g::"]),
    ("slug", ["a", "a-1-b"], ["A", "a--b", "-a", "a_b", "a\n"]),
]


@pytest.mark.parametrize(("form", "right", "wrong"), FORMATS)
def test_formats_tell_right_from_wrong(form: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not has_format(text, StringFormat(form))] == []
    assert [text for text in wrong if has_format(text, StringFormat(form))] == []


@given(st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{1,6})?", fullmatch=True), st.integers(1, 9), st.integers(0, 6))
def test_decimals_are_judged_as_pydantic_judges_them(text: str, precision: int, scale: int) -> None:
    scale = min(scale, precision)
    assume(Decimal(text) != 0)  # pydantic counts the 0 as a digit
    # Trailing zeros carry no digits here, as in a database; pydantic counts them.
    plain = format(Decimal(text).normalize(), "f")
    digits = Field(max_digits=precision, decimal_places=scale)
    fits = [*check_literal(text, FieldSpec(type="decimal", precision=precision, scale=scale), ())] == []
    assert fits == _accepts(Annotated[Decimal, digits], Decimal(plain))


@given(
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(max_size=5),
    st.integers(-5, 5),
    st.integers(-5, 5),
)
def test_whole_numbers_are_judged_as_pydantic_judges_them(value: Any, low: int, high: int) -> None:
    low, high = min(low, high), max(low, high)
    fits = [*check_literal(value, FieldSpec(type="integer", min=low, max=high), ())] == []
    assert fits == _accepts(Annotated[int, Field(ge=low, le=high, strict=True)], value)


@given(st.text(max_size=6), st.integers(0, 3), st.integers(3, 6))
def test_texts_are_judged_as_pydantic_judges_them(value: str, least: int, most: int) -> None:
    field = FieldSpec(type="string", min_length=least, max_length=most, pattern="^[a-c]*")
    fits = [*check_literal(value, field, ())] == []
    assert fits == _accepts(
        Annotated[str, Field(min_length=least, max_length=most, pattern="^[a-c]*")], value
    )


def _accepts(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True

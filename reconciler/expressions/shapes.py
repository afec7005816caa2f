"""What is known of a value before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from reconciler.expressions.values import NOUNS, Kind
from reconciler.spec.fields import Fields, FieldSpec, FieldType


@dataclass(frozen=True, slots=True)
class Shape:
    """`type` is a FieldType's value, or "any", "object" or "null".

    `fields` of an object and `items` of a list are None where nothing is known of them. `optional`: may be
    none. `values`: the only texts it can be.
    """

    type: str
    fields: Mapping[str, Shape] | None = None
    items: Shape | None = None
    optional: bool = False
    values: frozenset[str] | None = None

    def with_optional(self, optional: bool) -> Shape:
        """The same, but it may be none, or may not."""
        if self.optional is optional:
            return self
        return Shape(self.type, self.fields, self.items, optional, self.values)


ANY = Shape("any")
NULL = Shape("null", optional=True)
TEXT = Shape("string")
BOOLEAN = Shape("boolean")
INTEGER = Shape("integer")
NUMBER = Shape("number")

_ALL: frozenset[Kind] = frozenset(NOUNS)
_TEXT: frozenset[Kind] = frozenset({"text"})
_NUMBER: frozenset[Kind] = frozenset({"number"})
# Dates travel as ISO texts between steps and as dates inside Python.
_DATE: frozenset[Kind] = frozenset({"date", "text"})

_KINDS: Mapping[str, frozenset[Kind]] = {
    "string": _TEXT,
    "text": _TEXT,
    "enum": _TEXT,
    "uuid": _TEXT,
    "binary": _TEXT,
    "integer": _NUMBER,
    "number": _NUMBER,
    "decimal": _NUMBER,
    "reference": _NUMBER,
    "boolean": frozenset({"boolean"}),
    "date": _DATE,
    "datetime": _DATE,
    "list": frozenset({"list"}),
    "object": frozenset({"object"}),
    "null": frozenset({"none"}),
}
_WHOLE = frozenset({"integer", "reference"})


def kinds(shape: Shape) -> frozenset[Kind]:
    """The kinds its values may be of, leaving aside none where it is merely optional."""
    return _KINDS.get(shape.type, _ALL)


# Most fields are of a plain type: their shapes are made once.
_PLAIN = {kind: Shape(kind.value) for kind in FieldType}
_PLAIN_OPTIONAL = {kind: Shape(kind.value, optional=True) for kind in FieldType}


def shape_of_field(field: FieldSpec) -> Shape:
    """Optional is what may be left out and has no default."""
    optional = not field.required and field.default is None
    if field.values is None and field.items is None:
        return (_PLAIN_OPTIONAL if optional else _PLAIN)[field.type]
    items = None
    if field.items is not None:
        items = Shape(field.items.type.value, values=_values(field.items.values))
    return Shape(field.type.value, items=items, optional=optional, values=_values(field.values))


def shape_of_fields(fields: Fields) -> Shape:
    return Shape("object", {name: shape_of_field(field) for name, field in fields.items()})


def shape_of_constant(value: str | int | float | bool | None) -> Shape:
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case str():
            return Shape("string", values=frozenset({value}))
        case int():
            return INTEGER
        case float():
            return NUMBER
    assert_never(value)


def _values(values: list[str] | None) -> frozenset[str] | None:
    return frozenset(values) if values else None


def either(left: Shape, right: Shape) -> Shape:
    """The shape of a value that is one or the other."""
    if left is right or left == right:
        return left
    optional = left.optional or right.optional
    if left.type == "null":
        return right.with_optional(True)
    if right.type == "null":
        return left.with_optional(True)
    values = left.values | right.values if left.values and right.values else None
    if left.type == right.type:
        fields = left.fields if left.fields == right.fields else None
        items = either(left.items, right.items) if left.items and right.items else None
        return Shape(left.type, fields, items, optional, values)
    if kinds(left) == kinds(right) == _NUMBER:
        return Shape(number_type(left, right), optional=optional)
    if kinds(left) == kinds(right) == _TEXT:
        return Shape("string", optional=optional, values=values)
    return Shape("any", optional=optional)


def number_type(left: Shape, right: Shape) -> str:
    """The type of a sum."""
    types = {left.type, right.type}
    if types <= _WHOLE:
        return "integer"
    return "decimal" if "decimal" in types else "number"

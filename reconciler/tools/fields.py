"""Field specs inside a tool's parameters, such as the `output` of a language model."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from reconciler.expressions.scope import Shape, shape_of_field
from reconciler.spec.fields import Fields


@cache
def _adapter() -> TypeAdapter[Fields]:
    return TypeAdapter(Fields)


_latest: tuple[Any, Fields | None] = (None, None)
"""A value and what it means: each call is looked at twice in a row, for what is wrong and for what it gives."""


def declared_fields(value: Any) -> Fields | None:
    """The field specs a parameter's value means; None where it is none or a broken one."""
    global _latest
    if not isinstance(value, dict) or not value:
        return None
    known, fields = _latest
    if known is not value:
        try:
            fields = _adapter().validate_python(value)
        except ValidationError:
            fields = None
        _latest = (value, fields)
    return fields


def complete_shape(fields: Fields) -> Shape:
    """An object that has every one of the fields, whether required or not."""
    shapes = {name: shape_of_field(field) for name, field in fields.items()}
    return Shape("object", {n: Shape(s.type, s.fields, s.items, values=s.values) for n, s in shapes.items()})

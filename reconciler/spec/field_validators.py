"""Fields -> a schema of pydantic's validator, which accepts what `literals` accepts.

It may refuse a little more (the rules are then asked themselves), and must never accept more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

from pydantic_core import core_schema
from pydantic_core.core_schema import CoreSchema

from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec
from reconciler.spec.formats import has_format
from reconciler.spec.literals import INTEGER_MAX, INTEGER_MIN, check_literal, wrong_with
from reconciler.spec.normal import Field, normal
from reconciler.spec.patterns import pattern_problem

Filling = Literal["nothing", "defaults", "everything"]
"""What is put in for what is missing: nothing, whatever it is; the defaults; the defaults, and None where there is
none."""

Others = Literal["forbid", "ignore"]


def object_schema(fields: Fields, filling: Filling, *, others: Others = "forbid") -> CoreSchema:
    """Of an object with these fields. `others`: what becomes of those that are not among them."""
    members = {name: _member(field, filling) for name, field in fields.items()}
    return core_schema.typed_dict_schema(members, extra_behavior=others, strict=True)


def _member(field: FieldSpec, filling: Filling) -> core_schema.TypedDictField:
    schema = _value(field)
    if not field.required:
        schema = core_schema.nullable_schema(schema)
    if filling == "nothing":
        return core_schema.typed_dict_field(schema, required=False)
    if field.default is not None:
        return core_schema.typed_dict_field(_with_default(schema, field), required=False)
    if filling == "everything" and not field.required:
        schema = core_schema.with_default_schema(schema, default=None)
    return core_schema.typed_dict_field(schema, required=field.required)


def _with_default(schema: CoreSchema, field: FieldSpec) -> CoreSchema:
    if any(check_literal(field.default, field, ())):
        return schema  # manifests are refused for it; without the default the rules will say what is wrong
    default = normal(field.default, field)
    if isinstance(default, (list, dict)):
        return core_schema.with_default_schema(schema, default_factory=lambda: deepcopy(default))
    return core_schema.with_default_schema(schema, default=default)


def _value(field: Field) -> CoreSchema:
    return _SCHEMAS.get(field.type, _judged)(field)


def _judged(field: Field) -> CoreSchema:
    """The rules themselves, for types that pydantic writes or reads differently."""

    def judge(value: Any) -> Any:
        if value is None or wrong_with(value, field) is not None:
            raise ValueError("unfit")
        return normal(value, field)

    return core_schema.no_info_plain_validator_function(judge)


def _text(field: Field) -> CoreSchema:
    least = field.min_length if isinstance(field, FieldSpec) else None
    # A text without any bound would not be looked at, and could hold half a surrogate pair.
    schema: CoreSchema = core_schema.str_schema(
        strict=True,
        min_length=least or 0,
        max_length=field.max_length,
        pattern=field.pattern if field.pattern and not pattern_problem(field.pattern) else None,
    )
    form = field.format
    if form is None:
        return schema

    def shaped(text: str) -> str:
        if not has_format(text, form):
            raise ValueError("unfit")
        return text

    return core_schema.no_info_after_validator_function(shaped, schema)


def _integer(field: Field) -> CoreSchema:
    if not (_finite(field.min) and _finite(field.max)):
        return _judged(field)
    least = INTEGER_MIN if field.min is None else max(INTEGER_MIN, math.ceil(field.min))
    most = INTEGER_MAX if field.max is None else min(INTEGER_MAX, math.floor(field.max))
    return core_schema.int_schema(strict=True, ge=least, le=most)


def _number(field: Field) -> CoreSchema:
    if not all(bound is None or _is_float(bound) for bound in (field.min, field.max)):
        return _judged(field)
    return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=field.min, le=field.max)


def _finite(bound: int | float | None) -> bool:
    return bound is None or isinstance(bound, int) or math.isfinite(bound)


def _is_float(bound: int | float) -> bool:
    """Whether the bound keeps its value as a float, which is what pydantic compares with."""
    try:
        return math.isfinite(bound) and float(bound) == bound
    except OverflowError:
        return False


def _boolean(field: Field) -> CoreSchema:
    return core_schema.bool_schema(strict=True)


def _enum(field: Field) -> CoreSchema:
    return core_schema.literal_schema([*(field.values or ())])


def _json(field: Field) -> CoreSchema:
    return _judged(field) if isinstance(field, ItemSpec) or field.required else core_schema.any_schema()


def _list(field: Field) -> CoreSchema:
    if not isinstance(field, FieldSpec):
        return _judged(field)
    items = core_schema.any_schema() if field.items is None else _value(field.items)
    return core_schema.list_schema(
        items, strict=True, min_length=field.min_length, max_length=field.max_length
    )


def _reference(field: Field) -> CoreSchema:
    return core_schema.int_schema(strict=True, ge=1, le=INTEGER_MAX)


_SCHEMAS: dict[FieldType, Callable[[Field], CoreSchema]] = {
    FieldType.STRING: _text,
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.ENUM: _enum,
    FieldType.JSON: _json,
    FieldType.LIST: _list,
    FieldType.REFERENCE: _reference,
}

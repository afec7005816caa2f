"""Values that a field does not take: of another type, beyond its bounds, against its pattern."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from reconciler.documentation.mock.values import fitting_value
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.literals import check_literal, decimal_digits


def unfit_values(field: FieldSpec, random: Random) -> list[Any]:
    """Every kind of mistake that can be made with the field, one value each. Empty for `json` that may be null."""
    return [value for value in _mistakes(field, random) if any(check_literal(value, field, ()))]


def _mistakes(field: FieldSpec, random: Random) -> Iterator[Any]:
    if field.required:
        yield None
    yield {"not": "this"}
    yield True if field.type is not FieldType.BOOLEAN else "true"
    yield "not a value of this type\u0000"
    yield from _beyond_bounds(field)
    yield from _beyond_length(field, random)
    if field.type is FieldType.DATE:
        yield "2026-02-30"
    if field.type is FieldType.DATETIME:
        yield "2026-02-30T12:00:00Z"


def _beyond_bounds(field: FieldSpec) -> Iterator[Any]:
    if field.type is FieldType.DECIMAL:
        precision, scale = decimal_digits(field)
        yield "9" * (precision - scale + 1)
        yield "0." + "1" * (scale + 1)
    if field.min is not None:
        yield math.floor(field.min) - 1
    if field.max is not None:
        yield math.ceil(field.max) + 1


def _beyond_length(field: FieldSpec, random: Random) -> Iterator[Any]:
    least, most = field.min_length, field.max_length
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            if most is not None and most < 100_000:
                yield "x" * (most + 1)
            if least:
                yield "x" * (least - 1)
        case FieldType.LIST:
            item = fitting_value(field.items, random) if field.items else "x"
            if most is not None and most < 1000:
                yield [item] * (most + 1)
            if least and least < 1000:
                yield [item] * (least - 1)
        case FieldType.BINARY:
            if most is not None and most < 100_000:
                yield "AAAA" * (most // 3 + 1)

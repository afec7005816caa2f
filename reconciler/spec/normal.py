"""One way to write each value: what a value that fits its field looks like when it comes back from the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from reconciler.spec.exact import exact
from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec
from reconciler.spec.formats import utc_text
from reconciler.spec.literals import decimal_digits

Field = FieldSpec | ItemSpec


def normal(value: Any, field: Field) -> Any:
    """`value` fits the field, or is None. Numbers become floats, decimals Decimals of the field's scale, moments UTC,
    UUIDs lower case with hyphens; lists are copied."""
    if value is None:
        return None
    if field.type is FieldType.LIST:
        items = field.items if isinstance(field, FieldSpec) else None
        return [*value] if items is None else [normal(item, items) for item in value]
    normalise = _NORMAL.get(field.type)
    return value if normalise is None else normalise(value, field)


def _number(value: int | float | Decimal, field: Field) -> float:
    return float(value)


def _decimal(value: int | float | str | Decimal, field: Field) -> Decimal:
    _, scale = decimal_digits(field)
    return exact(value, scale)


def _datetime(value: str, field: Field) -> str:
    return utc_text(datetime.fromisoformat(value))


def _uuid(value: str, field: Field) -> str:
    return str(UUID(value))


_NORMAL: dict[FieldType, Callable[[Any, Field], Any]] = {
    FieldType.NUMBER: _number,
    FieldType.DECIMAL: _decimal,
    FieldType.DATETIME: _datetime,
    FieldType.UUID: _uuid,
}

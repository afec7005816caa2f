"""SQLAlchemy column types of the field types: how a Python value is stored, alike on both databases.

Values in Python: str, int, float, Decimal, bool, date, aware datetime (UTC), UUID, JSON values, bytes. The
storage forms are those `ddl` declares. What one of the two databases could not keep as it is, neither gets:
UnfitValue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine

from reconciler.database.decimal_type import ExactDecimal
from reconciler.database.rows.cipher import NO_KEY, Place
from reconciler.database.storable import UnfitValue, check_json, check_text
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

IDENTITY: TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""Of `id`: SQLite numbers rows by itself only where the type is spelled INTEGER."""

_INTEGERS = range(-(2**63), 2**63)


class PlainText(TypeDecorator[str]):
    """A text. PostgreSQL knows no NUL character, and neither database half a surrogate pair."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, max_length: int | None = None) -> None:
        """`max_length`, in characters, is PostgreSQL's varchar(n); SQLite has a CHECK for it."""
        super().__init__()
        self.max_length = max_length

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        bounded = self.max_length is not None and dialect.name == "postgresql"
        return sa.String(self.max_length) if bounded else sa.Text()

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise UnfitValue("not a text")
        check_text(value)
        return value


class Whole(TypeDecorator[int]):
    """An integer of 64 bits."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        return sa.Integer() if dialect.name == "sqlite" else sa.BigInteger()

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:
        if value is not None and not (isinstance(value, int) and value in _INTEGERS):
            raise UnfitValue("not an integer of 64 bits")
        return value

    def coerce_compared_value(self, op: operators.OperatorType | None, value: Any) -> TypeEngine[Any]:
        # An integer may be compared with any number, but only hold an integer.
        return self if isinstance(value, int) else self.impl_instance.coerce_compared_value(op, value)


class FiniteNumber(TypeDecorator[float]):
    """A float, not NaN or infinite: SQLite would keep NaN as NULL. Zero has no sign: SQLite drops it."""

    impl = sa.Double
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        return sa.Float() if dialect.name == "sqlite" else sa.Double()

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> float | None:
        if value is None:
            return None
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise UnfitValue("not a finite number")
        return number + 0.0


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. A naive one is refused: nobody knows which zone it means."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        return sa.DateTime(timezone=dialect.name != "sqlite")

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.utcoffset() is None:
            raise UnfitValue("a datetime needs a time zone", hint="such as 2026-01-31T12:00:00+00:00")
        try:
            utc = value.astimezone(UTC)
        except OverflowError:
            raise UnfitValue("in UTC this datetime is outside the years 1 to 9999") from None
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonValue(TypeDecorator[Any]):
    """Objects, lists, texts, finite numbers, true, false and null below the top; None is NULL.

    PostgreSQL keeps numbers, not their notation: 1e300 comes back as the integer it is.
    """

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        json = JSONB if dialect.name == "postgresql" else sa.JSON
        return json(none_as_null=True)

    def coerce_compared_value(self, op: operators.OperatorType | None, value: Any) -> TypeEngine[Any]:
        # The index in `Model.data["a"]` is a text, not JSON.
        return self.impl_instance.coerce_compared_value(op, value)

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if value is not None:
            check_json(value)
        # What SQLite is given as a JSON that looks like a number, it keeps as a number.
        if isinstance(value, int) and value not in _INTEGERS:
            raise UnfitValue("a JSON number by itself has 64 bits at most")
        return value


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of an encrypted field that is not sealed yet, and cannot be stored so."""

    value: Any

    def __repr__(self) -> str:
        return "Plain(***)"


class Encrypted(TypeDecorator[Any]):
    """Sealed bytes. What was not sealed must never be stored: without a key there is no way to write."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        if value is None or isinstance(value, bytes):
            return value
        return NO_KEY.encrypt(b"", _NOWHERE)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        return None if value is None else bytes(value)


_NOWHERE = Place("", "", 0)


def type_of(column: Column) -> TypeEngine[Any]:
    """The SQLAlchemy type of a declared column."""
    return Encrypted() if column.encrypted else type_unencrypted(column)


def type_unencrypted(column: Column) -> TypeEngine[Any]:
    """The type of the values themselves, wherever they are kept."""
    if column.type is FieldType.STRING:
        return PlainText(column.max_length)
    if column.type is FieldType.DECIMAL:
        return ExactDecimal(column.precision or 18, column.scale or 0)
    return _TYPES[column.type]


_TYPES: dict[FieldType, TypeEngine[Any]] = {
    FieldType.TEXT: PlainText(),
    FieldType.ENUM: PlainText(),
    FieldType.INTEGER: Whole(),
    FieldType.REFERENCE: Whole(),
    FieldType.NUMBER: FiniteNumber(),
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.DATE: sa.Date(),
    FieldType.DATETIME: UtcDateTime(),
    FieldType.UUID: sa.Uuid(),
    FieldType.JSON: JsonValue(),
    FieldType.LIST: JsonValue(),
    FieldType.BINARY: sa.LargeBinary(),
}

"""SQLAlchemy column types of the field types: how a Python value is stored, alike on both databases.

Values in Python: str, int, float, Decimal, bool, date, aware datetime (UTC), UUID, JSON values, bytes.
The storage forms are those `ddl` declares; the tests build every type both ways and compare.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Dialect,
    Double,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from reconciler.errors import DatabaseError
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

IDENTITY: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC. A naive one is refused: nobody knows which zone it means."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime needs a time zone, such as 2026-01-31T12:00:00+00:00")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal without loss. SQLite has no exact number beyond 64 bits: there it is text of the declared scale."""

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        exact = Decimal(value).quantize(Decimal(1).scaleb(-self.scale), rounding=ROUND_HALF_EVEN)
        return format(exact, "f") if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Encrypted(TypeDecorator[Any]):
    """A value that must never be stored in the clear; without a configured key neither write nor read is possible."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        raise DatabaseError(
            "an encrypted field cannot be written without an encryption key",
            hint="configure a key, or leave the field empty",
        )

    def process_result_value(self, value: Any, dialect: Dialect) -> None:
        if value is not None:
            raise DatabaseError("an encrypted field cannot be read without its key", hint="configure the key")


def type_of(column: Column) -> TypeEngine[Any]:
    """The SQLAlchemy type of a declared column."""
    if column.encrypted:
        return Encrypted()
    match column.type:
        case FieldType.STRING:
            return Text().with_variant(String(column.max_length), "postgresql") if column.max_length else Text()
        case FieldType.TEXT | FieldType.ENUM:
            return Text()
        case FieldType.INTEGER | FieldType.REFERENCE:
            return BigInteger().with_variant(Integer(), "sqlite")
        case FieldType.NUMBER:
            return Double().with_variant(Float(), "sqlite")
        case FieldType.DECIMAL:
            return ExactDecimal(column.precision or 18, column.scale or 0)
        case FieldType.BOOLEAN:
            return Boolean()
        case FieldType.DATE:
            return Date()
        case FieldType.DATETIME:
            return UtcDateTime()
        case FieldType.UUID:
            return Uuid()
        case FieldType.JSON | FieldType.LIST:
            return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
        case FieldType.BINARY:
            return LargeBinary()

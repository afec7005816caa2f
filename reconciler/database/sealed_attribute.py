"""Encrypted fields of mapped classes: an attribute that is plain in Python, and sealed for its row in the database.

What is assigned stays plain until the row is written: only then its id is known, which a new row gets beforehand
here. What was loaded is opened when it is read, so that a key that is missing hinders nobody who does not need it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapper

from reconciler.database.rows.cipher import Cipher, Place
from reconciler.database.rows.storage import opened, sealed
from reconciler.database.sql_text import quote
from reconciler.database.types import Plain, type_unencrypted
from reconciler.spec.fields import FieldType
from reconciler.spec.formats import utc_text
from reconciler.spec.tables import Column, Table

SUFFIX = "__sealed"
"""Behind a field's name, it names the attribute that holds what is stored."""


class SealedAttribute:
    """The descriptor of one field. On the class it is the column of sealed bytes."""

    def __init__(self, table: Table, column: Column, cipher: Cipher) -> None:
        self._table, self._column, self._cipher = table, column, cipher
        self._names = frozenset(one.name for one in table.columns)
        self.stored_as = f"{column.name}{SUFFIX}"
        self._python = _PYTHON.get(column.type, _as_it_is)
        self._checked = type_unencrypted(column)

    def __get__(self, row: Any, owner: type) -> Any:
        if row is None:
            return getattr(owner, self.stored_as)
        value = getattr(row, self.stored_as)
        if value is None:
            return None
        if isinstance(value, Plain):
            return value.value
        return self._python(opened(value, self._column, self._cipher, self._place(row.id)))

    def __set__(self, row: Any, value: Any) -> None:
        setattr(row, self.stored_as, None if value is None else Plain(value))

    def seal(self, row: Any, dialect: sa.Dialect) -> None:
        """Before the row is written; its id is known. May raise UnfitValue."""
        value = getattr(row, self.stored_as)
        if isinstance(value, Plain):
            normal = self._normal(value.value, dialect)
            setattr(row, self.stored_as, sealed(normal, self._cipher, self._place(row.id)))

    def _normal(self, value: Any, dialect: sa.Dialect) -> Any:
        """The value as rows of tasks have it, refused where an unencrypted column would refuse it."""
        processed = self._checked.dialect_impl(dialect).bind_processor(dialect)
        if processed is not None:
            processed(value)
        normalise = _NORMAL.get(self._column.type)
        return value if normalise is None else normalise(value)

    def _place(self, row_id: int) -> Place:
        return Place(self._table.name, self._column.name, row_id, self._names)


@dataclass(frozen=True, slots=True)
class _Sealing:
    table: Table
    attributes: tuple[SealedAttribute, ...]

    def before_insert(self, mapper: Mapper[Any], connection: sa.Connection, row: Any) -> None:
        if row.id is None and any(getattr(row, one.stored_as) is not None for one in self.attributes):
            row.id = _next_id(connection, self.table.name)
        self.before_update(mapper, connection, row)

    def before_update(self, mapper: Mapper[Any], connection: sa.Connection, row: Any) -> None:
        for attribute in self.attributes:
            attribute.seal(row, connection.dialect)


def seal_when_written(mapped: type, table: Table, attributes: tuple[SealedAttribute, ...]) -> None:
    """Have the attributes of a mapped class sealed whenever one of its rows is written."""
    sealing = _Sealing(table, attributes)
    sa.event.listen(mapped, "before_insert", sealing.before_insert)
    sa.event.listen(mapped, "before_update", sealing.before_update)


def _next_id(connection: sa.Connection, table: str) -> int:
    """An id that no other row gets."""
    if connection.dialect.name == "postgresql":
        sql = sa.text("SELECT nextval(pg_get_serial_sequence(:name, 'id'))")
        return int(connection.execute(sql, {"name": quote(table)}).scalar_one())
    connection.execute(
        sa.text(
            f"INSERT INTO sqlite_sequence (name, seq) SELECT :name, (SELECT coalesce(max(id), 0) FROM {quote(table)})"
            " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :name)"
        ),
        {"name": table},
    )
    sql = sa.text("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = :name RETURNING seq")
    return int(connection.execute(sql, {"name": table}).scalar_one())


def _as_it_is(value: Any) -> Any:
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


_PYTHON: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.NUMBER: float,
    FieldType.DATE: date.fromisoformat,
    FieldType.DATETIME: datetime.fromisoformat,
    FieldType.UUID: UUID,
    FieldType.BINARY: base64.b64decode,
}
_NORMAL: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.NUMBER: lambda value: float(value) + 0.0,
    FieldType.DATE: date.isoformat,
    FieldType.DATETIME: utc_text,
    FieldType.UUID: str,
    FieldType.BINARY: _base64,
}

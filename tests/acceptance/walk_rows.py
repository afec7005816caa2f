"""Rows of a schema walk: random valid ones written through the mapped classes, and what the database really holds.

What is read is compared only with what the same database held before, so values stay in the form they are stored in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.database.dynamic_model import Models
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.records import ArchiveRecord
from reconciler.database.sql_text import quote
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Table

Draw = Callable[[st.SearchStrategy[Any]], Any]
Contents = dict[int, dict[str, Any]]
"""Row by id, value by column."""

_TEXTS = [
    "",
    "a",
    "7",
    "007",
    "-1",
    "1.5",
    "true",
    "x",
    "it's",
    "%s :x ?",
    "2024-02-29",
    "a longer text",
    "ü" * 9,
]
_POOLS: Mapping[FieldType, list[Any]] = {
    FieldType.STRING: _TEXTS,
    FieldType.TEXT: _TEXTS,
    FieldType.INTEGER: [0, 1, 7, -3, 42, 99, 2**53 + 1],
    FieldType.NUMBER: [0.0, 1.0, 1.5, -2.25, 7.0, 1e20, 0.1],
    FieldType.DECIMAL: [Decimal(text) for text in ("0", "1.5", "-2.25", "7", "999.99", "12345")],
    FieldType.BOOLEAN: [True, False],
    FieldType.DATE: [date(2024, 2, 29), date(1999, 12, 31)],
    FieldType.DATETIME: [datetime(2024, 2, 29, tzinfo=UTC), datetime(1999, 12, 31, 23, 59, 59, 250000, UTC)],
    FieldType.UUID: [UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), UUID(int=7)],
    FieldType.JSON: [{}, {"a": [1, "'"]}, [1.5, None], "text", 7],
    FieldType.LIST: [[], ["a", 1]],
    FieldType.BINARY: [b"", b"ab", b"\0\xff'%s"],
}


@dataclass(frozen=True)
class Rows:
    """The rows of the database at `url`."""

    url: str

    def write(self, draw: Draw, tables: Mapping[str, Table], known: Mapping[str, Contents]) -> None:
        """Insert a random row, or change or delete one; what the database refuses is not written."""
        if not tables:
            return
        name = draw(st.sampled_from(sorted(tables)))
        action = draw(st.sampled_from(["insert", "insert", "insert", "update", "delete"]))
        ids = sorted(known[name])
        # Ciphers are bytes, which only the application could make; any will do here.
        writable = {n: t.evolve(columns=tuple(map(_as_bytes, t.columns))) for n, t in tables.items()}
        model = Models(writable.values())[name]
        values = {
            column.name: _value(draw, column, known)
            for column in tables[name].columns
            if draw(st.booleans()) or not column.nullable
        }
        try:
            with Session(self._engine()) as session, session.begin():
                if action == "insert":
                    session.add(model(**values))
                elif ids:
                    row = session.get_one(model, draw(st.sampled_from(ids)))
                    if action == "delete":
                        session.delete(row)
                    for column, value in values.items():
                        setattr(row, column, value)
        except sa.exc.IntegrityError:
            return

    def _engine(self) -> sa.Engine:
        engine = sa.create_engine(
            self.url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool
        )
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA foreign_keys = ON"))
        return engine


def contents(connection: Connection, tables: Iterable[Table]) -> dict[str, Contents]:
    """The rows of live tables."""
    return {
        table.name: _read(connection, quote(table.name), [c.name for c in table.columns]) for table in tables
    }


def parked(connection: Connection) -> dict[int, tuple[ArchiveRecord, Contents]]:
    """What lies in the archive, by its number; a column's values are all under the name it had."""
    found = {}
    open_entries = records.archives(connection)
    places = {
        entry.table: _archived(connection, entry.stored_as)
        for entry in reversed(open_entries)
        if entry.column is None
    }
    for entry in open_entries:
        if entry.column is None:
            definition = Table.model_validate_json(entry.definition)
            rows = _read(connection, places[entry.table], [c.name for c in definition.columns])
        else:
            place = places.get(entry.table, quote(entry.table))
            values = _read(connection, place, [entry.stored_as])
            rows = {number: {entry.column: row[entry.stored_as]} for number, row in values.items()}
        found[entry.id] = (entry, rows)
    return found


def _archived(connection: Connection, stored_as: str) -> str:
    return quote(stored_as) if connection.dialect == "sqlite" else f"{ARCHIVE_SCHEMA}.{quote(stored_as)}"


def _read(connection: Connection, place: str, columns: list[str]) -> Contents:
    # Named through the table: SQLite would take a quoted name that is no column for a text.
    names = ", ".join(f"t.{quote(name)}" for name in ("id", *columns))
    return {
        row[0]: dict(zip(columns, row[1:], strict=True))
        for row in connection.execute(f"SELECT {names} FROM {place} AS t")
    }


def _as_bytes(column: Column) -> Column:
    return (
        column.model_copy(update={"type": FieldType.BINARY, "encrypted": False, "default": None})
        if column.encrypted
        else column
    )


def _value(draw: Draw, column: Column, known: Mapping[str, Contents]) -> Any:
    if column.encrypted:
        pool: list[Any] = [b"cipher", b"\0"]
    elif column.references is not None:
        pool = sorted(known.get(column.references.table, {}))
    elif column.values:
        pool = list(column.values)
    else:
        pool = [value for value in _POOLS[column.type] if _fits(value, column)]
    if column.nullable:
        pool = [*pool, None]
    return draw(st.sampled_from(pool)) if pool else None


def _fits(value: Any, column: Column) -> bool:
    size = len(value) if isinstance(value, (str, bytes)) else 0
    if isinstance(value, Decimal):
        whole = (column.precision or 0) - (column.scale or 0)
        if abs(value) >= 10**whole or value != round(value, column.scale or 0):
            return False
    return not (
        (column.min_length is not None and size < column.min_length)
        or (column.max_length is not None and size > column.max_length)
        or (column.minimum is not None and value < column.minimum)
        or (column.maximum is not None and value > column.maximum)
    )

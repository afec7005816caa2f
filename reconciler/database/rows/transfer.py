"""Rows of a table on their way out of one database and into another: JSON-like values with all system fields and ids.

Values of encrypted fields pass as they are stored, sealed for a table, a column and a row that are the same where they
arrive, unless a cipher is given to open them, or to seal them anew.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.ddl import foreign_key_name
from reconciler.database.rows.cipher import Cipher, Place
from reconciler.database.rows.storage import loaded_moment, loading, opened, sealed, stored_moment, storing
from reconciler.database.sql_text import Dialect, quote
from reconciler.database.storable import UnfitValue
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.tables import Column, Table

MASK = "***"
"""What stands for a value that is not shown."""

ROWS_AT_ONCE = 500
PARAMETERS_AT_ONCE = 30_000
"""PostgreSQL takes 65,535 in one statement."""

_MOMENTS = ("created_at", "deleted_at")


class TableTransfer:
    """One table of one database. `cipher` None: what is encrypted passes sealed. `masked` are columns whose values are
    replaced by MASK on their way out."""

    def __init__(
        self,
        table: Table,
        dialect: Dialect,
        *,
        cipher: Cipher | None = None,
        masked: frozenset[str] = frozenset(),
    ) -> None:
        self.table, self.dialect = table, dialect
        self._cipher, self._masked = cipher, masked
        self.columns: Mapping[str, Column] = {c.name: c for c in table.columns if c.foreign is None}
        self.names: tuple[str, ...] = (*SYSTEM_FIELDS, *self.columns)

    def rows(self, connection: Connection, agent: str = "") -> Iterator[dict[str, Any]]:
        """By id; those of one agent with `agent`. May raise UnfitValue, as `cipher` does."""
        convert = [self._out(name) for name in self.names]
        where, params = (" WHERE agent = ?", (agent,)) if agent else ("", ())
        sql = f"SELECT {', '.join(map(quote, self.names))} FROM {quote(self.table.name)}{where} ORDER BY id"
        for row in connection.stream(sql, params):
            row_id = row[0]
            yield {
                name: value if value is None or way is None else way(value, row_id)
                for name, value, way in zip(self.names, row, convert, strict=True)
            }

    def insert(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Inside a transaction. Raises UnfitValue, KeyError or ValueError for what is no row of this table."""
        ways = self._inward
        stored = [
            [
                None if (value := row[name]) is None else way(value, row["id"]) if way is not None else value
                for name, way in ways
            ]
            for row in rows
        ]
        one = f"({', '.join('?' * len(self.names))})"
        into = f"INSERT INTO {quote(self.table.name)} ({', '.join(map(quote, self.names))}) VALUES "
        if self.dialect == "sqlite":
            connection.execute_many(into + one, stored)
            return
        size = max(1, min(ROWS_AT_ONCE, PARAMETERS_AT_ONCE // len(self.names)))
        for start in range(0, len(stored), size):
            part = stored[start : start + size]
            connection.execute(into + ", ".join([one] * len(part)), [value for row in part for value in row])

    @property
    def references(self) -> list[str]:
        """Names of the table's foreign keys."""
        return [
            foreign_key_name(self.table.name, column.name)
            for column in self.columns.values()
            if column.references is not None
        ]

    def _out(self, name: str) -> Callable[[Any, int], Any] | None:
        if name in _MOMENTS:
            return lambda value, _: loaded_moment(value)
        column = self.columns.get(name)
        if column is None:
            return None
        if name in self._masked:
            return lambda value, _: MASK
        if column.encrypted:
            return self._opened(column) if self._cipher is not None else _encoded
        if column.type in _UNCHANGED[self.dialect]:
            return None
        way = loading(column, self.dialect)
        return lambda value, _: way(value)

    @cached_property
    def _inward(self) -> list[tuple[str, Callable[[Any, int], Any] | None]]:
        return [(name, self._in(name)) for name in self.names]

    def _in(self, name: str) -> Callable[[Any, int], Any] | None:
        if name in _MOMENTS:
            return lambda value, _: stored_moment(datetime.fromisoformat(value), self.dialect)
        column = self.columns.get(name)
        if column is None:
            return None
        if column.encrypted:
            return self._sealed(column) if self._cipher is not None else _decoded
        way = storing(column, self.dialect)
        if column.type.value == "decimal":
            return lambda value, _: str(value)
        return lambda value, _: way(value)

    def _opened(self, column: Column) -> Callable[[Any, int], Any]:
        cipher = self._cipher
        assert cipher is not None
        return lambda value, row_id: opened(value, column, cipher, self._place(column, row_id))

    def _sealed(self, column: Column) -> Callable[[Any, int], Any]:
        cipher = self._cipher
        assert cipher is not None
        return lambda value, row_id: sealed(value, cipher, self._place(column, row_id))

    def _place(self, column: Column, row_id: int) -> Place:
        return Place(self.table.name, column.name, row_id, frozenset(self.columns))


def raise_sequence(connection: Connection, table: str, least: int) -> None:
    """No id up to `least` is given to a new row any more. Inside a transaction."""
    if least <= 0:
        return
    if connection.dialect == "postgresql":
        connection.execute(
            "SELECT setval(sequence::regclass, greatest(?::bigint,"
            " coalesce(pg_sequence_last_value(sequence::regclass), 1)))"
            " FROM (SELECT pg_get_serial_sequence(?, 'id') AS sequence) AS of_table",
            (least, quote(table)),
        )
        return
    known = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    if not known:
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, least))
    elif known[0][0] < least:
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (least, table))


def defer_references(connection: Connection, tables: Sequence[TableTransfer]) -> None:
    """Until `check_references`, rows may refer to rows that are yet to come. Inside a transaction."""
    if connection.dialect == "sqlite":
        connection.execute("PRAGMA defer_foreign_keys = ON")
        return
    for table in tables:
        for name in table.references:
            connection.execute(
                f"ALTER TABLE {quote(table.table.name)} ALTER CONSTRAINT {quote(name)} DEFERRABLE INITIALLY DEFERRED"
            )


def check_references(connection: Connection, tables: Sequence[TableTransfer]) -> None:
    """Raises ConstraintViolated here, or on SQLite when the transaction is committed."""
    if connection.dialect == "sqlite":
        return
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        for name in table.references:
            connection.execute(
                f"ALTER TABLE {quote(table.table.name)} ALTER CONSTRAINT {quote(name)} NOT DEFERRABLE"
            )


def _encoded(value: Any, row_id: int) -> str:
    return base64.b64encode(value).decode()


def _decoded(value: Any, row_id: int) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise UnfitValue("a sealed value is not in base64") from None


_LOADED_AS_IT_IS = {"string", "text", "enum", "integer", "number", "reference"}
_UNCHANGED: Mapping[Dialect, frozenset[str]] = {
    "sqlite": frozenset({*_LOADED_AS_IT_IS, "date"}),
    "postgresql": frozenset({*_LOADED_AS_IT_IS, "boolean", "json", "list"}),
}
"""Types whose values a driver gives as they are wanted."""

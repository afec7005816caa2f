"""Migrations that somebody else has run already, such as a DBA from a file that `--write-revision` wrote.

A table counts as migrated exactly if it is what a fresh build of its new definition would be, in the
database's own words, and what the migration parks is parked under the names it would have got.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.database import inspection
from reconciler.database.alteration import alteration_of
from reconciler.database.connection import connect
from reconciler.database.live import LiveTable
from reconciler.database.operations import create_all_sql
from reconciler.database.parking import ARCHIVE_SCHEMA, parked_name
from reconciler.database.sql_text import quote
from reconciler.errors import ReconcilerError
from reconciler.plans.changes import Change, Disposition, TableMigration
from reconciler.spec.tables import Column, Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


class Recognition:
    """`known` are the tables on record; `revision` is the number the next apply will get."""

    def __init__(self, connection: Connection, known: frozenset[str], revision: int) -> None:
        self._connection, self._known, self._revision = connection, known, revision
        self._names: frozenset[str] | None = None

    def is_taken(self, name: str) -> bool:
        """Whether there is a table of this name that is not on record."""
        if self._names is None:
            self._names = _table_names(self._connection)
        return name in self._names and name not in self._known

    def in_place(self, migration: TableMigration) -> TableMigration | None:
        """The migration as one that only has to be recorded; None where its result is not there."""
        if migration.after is None:
            parked = migration.disposition is Disposition.ARCHIVE and self._is_parked(migration.name)
            return replace(migration, done=True) if parked else None
        if migration.start is None and not self.is_taken(migration.name):
            return None
        live = inspection.inspect(self._connection, {migration.name}).get(migration.name)
        if live is None:
            return None
        changes = tuple(self._as_it_went(change, live) for change in migration.changes)
        done = replace(migration, changes=changes, done=True)
        return done if self._is_result(done, migration.after, live) else None

    def _is_parked(self, name: str) -> bool:
        stored_as = parked_name(name, self._revision)
        if self._connection.dialect == "sqlite":
            sql, name = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", stored_as
        else:
            sql, name = "SELECT 1 WHERE to_regclass(?) IS NOT NULL", f"{ARCHIVE_SCHEMA}.{quote(stored_as)}"
        return bool(self._connection.execute(sql, (name,)))

    def _as_it_went(self, change: Change, live: LiveTable) -> Change:
        """Where the former column was parked although there is a new one, values had not survived the change."""
        before, after = change.before, change.after
        if not isinstance(before, Column) or not isinstance(after, Column) or change.parked is not None:
            return change
        return change.evolve(lossy=parked_name(before.name, self._revision) in live.columns)

    def _is_result(self, migration: TableMigration, table: Table, live: LiveTable) -> bool:
        carried = alteration_of(migration, self._revision).carried if migration.start else ()
        names = {column.name for column in carried}
        if not names <= live.columns.keys():
            return False
        columns = {name: text for name, text in live.columns.items() if name not in names}
        expected = _as_built(self._connection, table)
        return expected is not None and (expected.columns, expected.indexes, expected.constraints) == (
            columns,
            live.indexes,
            live.constraints,
        )


def _table_names(connection: Connection) -> frozenset[str]:
    if connection.dialect == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    else:
        sql = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
    return frozenset(name for (name,) in connection.execute(sql))


def _as_built(connection: Connection, table: Table) -> LiveTable | None:
    """A fresh build of the table in the database's own words; None where it cannot be built."""
    statements = create_all_sql([table], connection.dialect)
    if connection.dialect == "sqlite":
        with connect("sqlite://") as scratch:
            scratch.script(statements)
            return inspection.inspect(scratch)[table.name]
    return _built_and_undone(connection, table.name, statements)


def _built_and_undone(connection: Connection, name: str, statements: list[str]) -> LiveTable | None:
    """On PostgreSQL, in a schema of its own, inside a transaction that comes to nothing."""
    schema = quote(f"reconciler_scratch_{secrets.token_hex(4)}")
    try:
        with connect(connection.address) as scratch, scratch.transaction():
            ((home,),) = scratch.execute("SELECT quote_ident(current_schema())")
            scratch.script([f"CREATE SCHEMA {schema}", f"SET LOCAL search_path = {schema}, {home}"])
            scratch.script(statements)
            built = inspection.inspect(scratch, {name})[name]
            raise _UndoError(built)
    except _UndoError as undo:
        return undo.built
    except ReconcilerError:
        return None


class _UndoError(Exception):
    def __init__(self, built: LiveTable) -> None:
        super().__init__("undone")
        self.built = built

"""Two databases to migrate in, and their own account of what they hold, for the tests of operations."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import psycopg
import pytest

from reconciler.database.alteration import alteration_of
from reconciler.database.casts import NEVER, unfit
from reconciler.database.ddl import Dialect, literal, quote
from reconciler.database.operations import Phase, Statement, compile_unit, create_all_sql
from reconciler.database.parking import parked_name
from reconciler.plans.changes import Action, Change, Disposition, Kind, TableMigration, Unit
from reconciler.spec.fields import FieldType
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Table

Structure = dict[str, list[str]]


class World(Protocol):
    """A database that runs statements as an apply would."""

    dialect: Dialect
    revision: int

    def query(self, sql: str) -> list[tuple[Any, ...]]: ...

    def run(self, statements: Sequence[Statement]) -> None: ...

    def structure(self, table: str) -> Structure:
        """Columns, constraints and indexes in the database's own words, parked columns left out."""
        ...


class SqliteWorld:
    dialect: Dialect = "sqlite"

    def __init__(self, path: str = ":memory:") -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.revision = 100

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def run(self, statements: Sequence[Statement]) -> None:
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                assert statement.phase is Phase.TRANSACTION
                rows = self.query(statement.sql)
                assert not (statement.expect_empty and rows), (statement.sql, rows)
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        else:
            self.connection.execute("COMMIT")
        finally:
            self.connection.execute("PRAGMA foreign_keys = ON")

    def structure(self, table: str) -> Structure:
        (created,) = self.query(f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{table}'")[0]
        indexes = self.query(
            f"SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = '{table}' AND sql IS NOT NULL"
        )
        body = created[created.index("(") + 1 : created.rindex(")")]
        items = [re.sub(r"\s+", " ", item).strip() for item in _top_level(body)]
        return {
            "items": sorted(item for item in items if not item.startswith('"_archived_')),
            "indexes": sorted(sql for (sql,) in indexes),
        }


class PostgresWorld:
    dialect: Dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection[Any], *, large: bool = False) -> None:
        # A statement prepared before a migration does not survive a change of its result's types.
        connection.prepare_threshold = None
        self.connection = connection
        self.large = large
        self.revision = 100

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def run(self, statements: Sequence[Statement]) -> None:
        with self.connection.transaction():
            for statement in statements:
                if statement.phase is Phase.TRANSACTION:
                    self.query(statement.sql)
        for statement in statements:
            if statement.params:
                (last,) = self.query(f"SELECT coalesce(max(id), 0) FROM {quote(statement.table)}")[0]
                for after in range(0, last, 3):
                    self.query(statement.within(after, after + 3))
            elif statement.phase is not Phase.TRANSACTION:
                self.query(statement.sql)

    def structure(self, table: str) -> Structure:
        found = f"'{quote(table)}'::regclass"
        columns = self.query(
            "SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity,"
            " pg_get_expr(adbin, adrelid))"
            " FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum"
            f" WHERE attrelid = {found} AND attnum > 0 AND NOT attisdropped"
            " AND NOT starts_with(attname, '_archived_')"
        )
        constraints = self.query(
            "SELECT conname || ' ' || convalidated::text || ' ' || pg_get_constraintdef(oid)"
            f" FROM pg_constraint WHERE conrelid = {found}"
        )
        indexes = self.query(
            "SELECT indisvalid::text || ' ' || pg_get_indexdef(indexrelid)"
            f" FROM pg_index WHERE indrelid = {found}"
        )
        sequence = self.query(f"SELECT pg_get_serial_sequence('{quote(table)}', 'id')")
        rows = {"columns": columns, "constraints": constraints, "indexes": indexes, "sequence": sequence}
        return {kind: sorted(text for (text,) in found) for kind, found in rows.items()}


def _top_level(body: str) -> Iterator[str]:
    """Parts between the commas outside of parentheses and quotes."""
    depth, start, quoted = 0, 0, ""
    for at, character in enumerate(body):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "'\"":
            quoted = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "," and depth == 0:
            yield body[start:at]
            start = at + 1
    yield body[start:]


WORLDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
ALL_WORLDS = [*WORLDS, pytest.param("postgresql-large", marks=pytest.mark.postgres)]


def opened(request: pytest.FixtureRequest, kind: str) -> Iterator[World]:
    """An empty database of one of `ALL_WORLDS`."""
    if kind == "sqlite":
        yield SqliteWorld()
        return
    url = request.getfixturevalue("new_postgres")()
    with psycopg.connect(url, autocommit=True) as connection:
        yield PostgresWorld(connection, large=kind == "postgresql-large")


# --- migrations as a planner would ask for them ---


def build(world: World, tables: Iterable[Table]) -> None:
    for sql in create_all_sql(tables, world.dialect):
        world.query(sql)


def fresh_structure(world: World, tables: Sequence[Table], name: str) -> Structure:
    """The structure of table `name` where `tables` are built anew, in a database of their own."""
    if isinstance(world, SqliteWorld):
        other: World = SqliteWorld()
        build(other, tables)
        return other.structure(name)
    assert isinstance(world, PostgresWorld)
    ((home,),) = world.query("SELECT current_schema()")
    world.query(f"CREATE SCHEMA {home}_fresh")
    try:
        world.query(f"SET search_path = {home}_fresh")
        build(world, tables)
        structure = world.structure(name)
    finally:
        world.query(f"SET search_path = {home}")
        world.query(f"DROP SCHEMA {home}_fresh CASCADE")
    return {
        kind: [text.replace(f"{home}_fresh.", f"{home}.") for text in texts]
        for kind, texts in structure.items()
    }


def migration(
    before: Table | None,
    after: Table | None,
    *,
    renames: Mapping[str, str] | None = None,
    lossy: Iterable[str] = (),
    parked: Sequence[Parked] = (),
    restored: Parked | None = None,
    disposition: Disposition = Disposition.ARCHIVE,
) -> TableMigration:
    """`renames` maps new to old names; a column of `after` that is in `parked` and differs now comes back."""
    start = restored.definition if restored else before
    changes: list[Change] = []
    if isinstance(start, Table) and after is not None:
        changes = list(
            _column_changes(start, after, dict(renames or {}), frozenset(lossy), parked, disposition)
        )
    name = (after or before).name  # type: ignore[union-attr]  # one of the two is always given
    gone = disposition if after is None else None
    return TableMigration(name, before, after, tuple(changes), restored, gone, tuple(parked))


def _column_changes(
    start: Table,
    after: Table,
    renames: dict[str, str],
    lossy: frozenset[str],
    parked: Sequence[Parked],
    disposition: Disposition,
) -> Iterator[Change]:
    waiting = {entry.column: entry for entry in parked}
    for column in after.columns:
        name = column.name
        moved_on = name in renames.values() and name not in renames
        live = None if moved_on else start.column(renames.get(name, name))
        if name in renames and live is not None:
            live = live.model_copy(update={"name": name})
            yield Change(Action.RENAME, Kind.COLUMN, name, start.column(renames[name]), live)
        if live == column:
            continue
        if name in waiting and waiting[name].definition == column:
            yield Change(Action.RESTORE, Kind.COLUMN, name, live, column, parked=waiting[name])
        else:
            action = Action.ADD if live is None else Action.CHANGE
            yield Change(action, Kind.COLUMN, name, live, column, lossy=name in lossy)
    for column in start.columns:
        if after.column(column.name) is None and column.name not in renames.values():
            yield Change(Action.REMOVE, Kind.COLUMN, column.name, column, None, disposition=disposition)


def apply(world: World, *migrations: TableMigration) -> list[Parked]:
    """Run the migrations as the next revision; what they parked."""
    world.revision += 1

    def large(table: str) -> bool:
        return isinstance(world, PostgresWorld) and world.large

    world.run(compile_unit(Unit("unit", (), migrations), world.dialect, revision=world.revision, large=large))
    return [entry for migration in migrations for entry in _parked(migration, world.revision)]


def _parked(migration: TableMigration, revision: int) -> Iterator[Parked]:
    if migration.after is not None:
        leaving = alteration_of(migration, revision).leaving if migration.start is not None else ()
        for gone in leaving:
            if gone.stored_as is not None:
                yield Parked(
                    1, migration.name, gone.column.name, gone.stored_as, gone.column, revision, 0, ""
                )
    elif migration.before is not None and migration.disposition is Disposition.ARCHIVE:
        yield Parked(
            1, migration.name, None, parked_name(migration.name, revision), migration.before, revision, 0, ""
        )


def insert(world: World, table: Table, **values: Any) -> None:
    columns = [column for column in table.columns if column.name in values]
    names = ", ".join(map(quote, values)) if values else '"agent"'
    by_name = {column.name: column for column in columns}
    literals = [
        stored(world, by_name[name], value) if name in by_name else str(value)
        for name, value in values.items()
    ]
    world.query(f"INSERT INTO {quote(table.name)} ({names}) VALUES ({', '.join(literals) or 'NULL'})")


def stored(world: World, column: Column, value: Any) -> str:
    """`literal`, and bytes as well."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'" if world.dialect == "sqlite" else f"'\\x{value.hex()}'"
    assert column.type is not FieldType.BINARY or value is None
    return literal(value, column, world.dialect)


def rows(world: World, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return world.query(f"SELECT {', '.join(map(quote, ('id', *columns)))} FROM {quote(table)} ORDER BY id")


def would_lose(world: World, table: str, before: Column, after: Column, name: str) -> bool:
    condition = unfit(before, after, world.dialect, quote(name))
    return condition != NEVER and bool(world.query(f"SELECT 1 FROM {quote(table)} WHERE {condition} LIMIT 1"))

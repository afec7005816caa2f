"""Migrations of tables -> SQL, in the order in which it runs. What is shown is what runs.

On SQLite the caller turns foreign keys off before the transaction; every statement with `expect_empty` is a
question whose answer must have no rows. On PostgreSQL names are looked up in the current schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from reconciler.database import postgres_archive, postgres_ddl, sqlite_ddl
from reconciler.database.alteration import alteration_of, parked_columns
from reconciler.database.ddl import create_index, create_table, foreign_key_name
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.postgres_constraints import foreign_key
from reconciler.database.sql_text import Dialect, quote
from reconciler.database.sqlite_rebuild import FOREIGN_KEYS_ARE_OFF, foreign_key_check
from reconciler.database.statement import Phase, Statement, in_order
from reconciler.plans.changes import Disposition, TableMigration, Unit
from reconciler.spec.tables import Column, Table

__all__ = ["Phase", "Statement", "compile_migration", "compile_unit", "create_all_sql", "purge_parked"]

Triggers = Mapping[str, Sequence[str]]
"""CREATE statements of triggers made by hand, by table; SQLite's rebuild would lose them."""


def compile_migration(
    migration: TableMigration,
    dialect: Dialect,
    *,
    revision: int,
    large: bool = False,
    triggers: Triggers | None = None,
) -> list[Statement]:
    """The statements of one table's migration, by phase. `large` asks PostgreSQL to keep out of the traffic's
    way."""
    return _compile((migration,), dialect, revision, lambda _: large, triggers or {})


def compile_unit(
    unit: Unit,
    dialect: Dialect,
    *,
    revision: int,
    large: Callable[[str], bool] = lambda table: False,
    triggers: Triggers | None = None,
) -> list[Statement]:
    """The statements of all of a unit's tables, by phase; what is referred to is there before what refers to
    it."""
    migrations = [migration for migration in unit.migrations if not migration.done]
    return _compile(migrations, dialect, revision, large, triggers or {})


def purge_parked(table: str, column: str | None, stored_as: str, dialect: Dialect) -> list[str]:
    """What destroys a parked table, or a parked column of `table`, for good."""
    if column is not None:
        return [f"ALTER TABLE {quote(table)}\n    DROP COLUMN {quote(stored_as)}"]
    schema = f"{quote(ARCHIVE_SCHEMA)}." if dialect == "postgresql" else ""
    return [f"DROP TABLE {schema}{quote(stored_as)}"]


def create_all_sql(tables: Iterable[Table], dialect: Dialect) -> list[str]:
    """A fresh build of all tables, which may refer to each other in any way."""
    return [statement.sql for statement in _create_all(list(tables), dialect)]


def _compile(
    migrations: Sequence[TableMigration],
    dialect: Dialect,
    revision: int,
    large: Callable[[str], bool],
    triggers: Triggers,
) -> list[Statement]:
    created = [m.after for m in migrations if m.start is None and m.after is not None]
    altered = [m for m in migrations if m.start is not None and m.after is not None]
    leaving = [m for m in migrations if m.after is None and m.disposition is not Disposition.RETAIN]
    statements: list[Statement] = []
    if dialect == "postgresql":
        statements += [s for m in altered if m.restored for s in postgres_archive.restore(m.restored)]
    statements += _create_all(created, dialect)
    alterations = [alteration_of(migration, revision) for migration in altered]
    for alteration in alterations:
        name = alteration.after.name
        if dialect == "postgresql":
            statements += postgres_ddl.alter(alteration, large=large(name))
        else:
            statements += sqlite_ddl.alter(alteration, triggers.get(name, ()))
    statements += _leave(leaving, dialect, revision)
    if dialect == "sqlite":
        # Only now is every table there that a value may refer to.
        rebuilt = [a.after for a in alterations if not sqlite_ddl.is_native(a)]
        statements += [foreign_key_check(t.name) for t in rebuilt if any(c.references for c in t.columns)]
        if rebuilt or leaving:
            statements.insert(0, FOREIGN_KEYS_ARE_OFF)
    return in_order(statements)


def _leave(migrations: Sequence[TableMigration], dialect: Dialect, revision: int) -> Iterator[Statement]:
    going = [(migration, migration.before) for migration in migrations]
    if dialect == "postgresql":
        for _, table in going:
            if table is not None:
                yield from postgres_archive.drop_references(table)
    for migration, table in going:
        if table is None:
            continue
        if migration.disposition is Disposition.PURGE:
            yield Statement(
                f"DROP TABLE {quote(table.name)}", comment="the rows go for good", table=table.name
            )
        elif dialect == "postgresql":
            yield from postgres_archive.archive(table, revision)
        else:
            yield from sqlite_ddl.archive(table, revision, parked_columns(migration))


def _create_all(tables: Sequence[Table], dialect: Dialect) -> list[Statement]:
    statements: list[Statement] = []
    later: list[Statement] = []
    for table, too_early in _in_build_order(tables):
        # SQLite looks a target up when a row is written, PostgreSQL when the key is declared.
        deferred = too_early if dialect == "postgresql" else ()
        names = [column.name for column in deferred]
        statements.append(Statement(create_table(table, dialect, without_references=names), table=table.name))
        statements += [
            Statement(create_index(table.name, index), table=table.name) for index in table.indexes
        ]
        clauses = (
            f"ADD CONSTRAINT {quote(foreign_key_name(table.name, c.name))} {foreign_key(c)}" for c in deferred
        )
        later += postgres_ddl.alter_table(table.name, clauses)
    return statements + later


def _in_build_order(tables: Sequence[Table]) -> Iterator[tuple[Table, tuple[Column, ...]]]:
    """Each table with those of its columns that refer to a table built after it, which only cycles leave."""
    waiting = {table.name: table for table in tables}
    while waiting:
        early = {name: _referring(table, waiting) for name, table in waiting.items()}
        ready = [name for name, columns in early.items() if not columns] or [next(iter(waiting))]
        for name in ready:
            yield waiting.pop(name), early[name]


def _referring(table: Table, waiting: Mapping[str, Table]) -> tuple[Column, ...]:
    """The columns that refer to another of the `waiting` tables."""
    return tuple(
        c
        for c in table.columns
        if c.references and c.references.table != table.name and c.references.table in waiting
    )

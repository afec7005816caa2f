"""PostgreSQL: tables parked in a schema of their own, and brought back, without touching a row."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.database.ddl import foreign_key_name, primary_key_name, sequence_name
from reconciler.database.parking import ARCHIVE_SCHEMA, parked_name
from reconciler.database.postgres_constraints import dropped
from reconciler.database.postgres_ddl import alter_table
from reconciler.database.sql_text import quote
from reconciler.database.statement import Statement
from reconciler.spec.state import Parked
from reconciler.spec.tables import Table


def drop_references(table: Table) -> list[Statement]:
    """The table lets go of the tables it refers to, which may leave as well."""
    clauses = [
        dropped(foreign_key_name(table.name, column.name), certain=column.foreign is None)
        for column in table.columns
        if column.references is not None
    ]
    return alter_table(table.name, clauses)


def archive(table: Table, revision: int) -> list[Statement]:
    """Park a table whose references are dropped. Names of indexes and sequence become free with its own."""
    stored_as = quote(parked_name(table.name, revision))
    statements = [f"CREATE SCHEMA IF NOT EXISTS {ARCHIVE_SCHEMA}"]
    statements += _named(
        table, table.name, {name: parked_name(name, revision) for name in _companions(table)}
    )
    statements += [
        f"ALTER TABLE {quote(table.name)}\n    RENAME TO {stored_as}",
        f"ALTER TABLE {stored_as}\n    SET SCHEMA {ARCHIVE_SCHEMA}",
    ]
    last = len(statements) - 1
    comment = "the rows stay, to be restored or purged"
    return [
        Statement(sql, comment=comment if at == last else "", table=table.name)
        for at, sql in enumerate(statements)
    ]


def restore(entry: Parked) -> list[Statement]:
    """Bring a parked table back into the current schema as it was, all but its references."""
    table = entry.definition
    assert isinstance(table, Table)
    stored_as = quote(entry.stored_as)
    moved = f"ALTER TABLE {ARCHIVE_SCHEMA}.{stored_as} SET SCHEMA ".replace("'", "''")
    # ALTER TABLE takes no expression for the schema, and which one is current is not known before it runs.
    statements = [
        f"DO $restore$\nBEGIN\n    EXECUTE '{moved}' || quote_ident(current_schema());\nEND\n$restore$",
        f"ALTER TABLE {stored_as}\n    RENAME TO {quote(table.name)}",
    ]
    statements += _named(
        table, table.name, {parked_name(name, entry.revision): name for name in _companions(table)}
    )
    return [
        Statement(sql, comment="" if at else "back from the archive", table=table.name)
        for at, sql in enumerate(statements)
    ]


def _companions(table: Table) -> list[str]:
    """Names the table takes in its schema besides its own: primary key, sequence, indexes."""
    return [primary_key_name(table.name), sequence_name(table.name), *(index.name for index in table.indexes)]


def _named(table: Table, called: str, renames: dict[str, str]) -> Iterator[str]:
    (pk_old, pk_new), (sequence_old, sequence_new), *indexes = renames.items()
    yield f"ALTER TABLE {quote(called)}\n    RENAME CONSTRAINT {quote(pk_old)} TO {quote(pk_new)}"
    yield f"ALTER SEQUENCE {quote(sequence_old)}\n    RENAME TO {quote(sequence_new)}"
    for old, new in indexes:
        yield f"ALTER INDEX {quote(old)}\n    RENAME TO {quote(new)}"

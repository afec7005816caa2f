"""What a migration parks and what it brings back, for the records; and how parked things go for good."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.database.alteration import Restored, alteration_of
from reconciler.database.parking import ARCHIVE_SCHEMA, parked_name
from reconciler.database.sql_text import Dialect, quote
from reconciler.database.statement import Statement
from reconciler.plans.changes import Disposition, TableMigration
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Parking:
    """A table (`column` is None) or column that a migration parks under the name `stored_as`."""

    table: str
    column: str | None
    stored_as: str
    definition: Table | Column


def parkings(migration: TableMigration, revision: int) -> tuple[Parking, ...]:
    """Everything the migration parks when revision `revision` applies it."""
    name = migration.name
    if migration.after is None:
        if migration.before is None or migration.disposition in (Disposition.RETAIN, Disposition.PURGE):
            return ()
        return (Parking(name, None, parked_name(name, revision), migration.before),)
    if migration.start is None:
        return ()
    leaving = alteration_of(migration, revision).leaving
    return tuple(
        Parking(name, g.column.name, g.stored_as, g.column) for g in leaving if g.stored_as is not None
    )


def returned(migration: TableMigration, revision: int) -> tuple[Parked, ...]:
    """The archive's entries that are no longer there afterwards, because what they name is live again."""
    if migration.start is None or migration.after is None:
        return ()
    origins = alteration_of(migration, revision).origins
    back = {origin.stored_as for origin in origins if isinstance(origin, Restored)}
    columns = tuple(c.parked for c in migration.changes if c.parked and c.parked.stored_as in back)
    return columns if migration.restored is None else (migration.restored, *columns)


def purge(entry: Parked, dialect: Dialect) -> list[Statement]:
    """Delete a parked table or column with its values. `entry.table` is the live name of the table."""
    stored_as = quote(entry.stored_as)
    if entry.column is not None:
        sql = f"ALTER TABLE {quote(entry.table)}\n    DROP COLUMN {stored_as}"
    elif dialect == "postgresql":
        sql = f"DROP TABLE {ARCHIVE_SCHEMA}.{stored_as}"
    else:
        sql = f"DROP TABLE {stored_as}"
    return [Statement(sql, comment="the values go for good", table=entry.table)]

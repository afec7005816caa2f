"""What an alteration means for each column, before any dialect: where its values come from, and what leaves.

Derived from the two definitions; of the changes only what definitions cannot tell is read: renames, losses,
restores and what becomes of removed columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.database.parking import parked_name
from reconciler.plans.changes import Action, Change, Disposition, Kind, TableMigration
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Kept:
    """The same column, perhaps under another name, every value converted without loss."""

    before: Column
    after: Column


@dataclass(frozen=True, slots=True)
class Added:
    """A column without a past: rows get its default, or nothing."""

    after: Column


@dataclass(frozen=True, slots=True)
class Replaced:
    """A new column filled from one that is parked, as far as values fit.

    The original is called `source` before the migration and `stored_as` after it; the names are equal where
    it was parked already.
    """

    before: Column
    after: Column
    source: str
    stored_as: str


@dataclass(frozen=True, slots=True)
class Restored:
    """A parked column that comes back, called `stored_as` until now. Rows that came since have no value in it.

    `live` is the column that stood in its place meanwhile, parked in turn as `live_stored_as`. `undone` is how that
    came about; None if it is not known, or if what its values became cannot be compared with those of `live`.
    """

    before: Column
    after: Column
    stored_as: str
    live: Column | None = None
    live_stored_as: str = ""
    undone: Replaced | None = None


Origin = Kept | Added | Replaced | Restored


@dataclass(frozen=True, slots=True)
class Leaving:
    """A column that is parked as `stored_as`, or dropped with its values where that is None."""

    column: Column
    stored_as: str | None


@dataclass(frozen=True, slots=True)
class Alteration:
    """`before` -> `after` of one table.

    `origins` has one entry per column of `after`, in its order; `staying` are columns parked by earlier
    revisions. `stored_as` is the name the table has in the archive it comes from, None for a live one; out of
    the archive, `before` has no foreign keys.
    """

    before: Table
    after: Table
    origins: tuple[Origin, ...]
    leaving: tuple[Leaving, ...] = ()
    staying: tuple[Column, ...] = ()
    stored_as: str | None = None

    @property
    def carried(self) -> tuple[Column, ...]:
        """All parked columns the table holds afterwards, under their names there."""
        parked = tuple(
            bare(gone.column, gone.stored_as) for gone in self.leaving if gone.stored_as is not None
        )
        return self.staying + parked


def bare(column: Column, name: str) -> Column:
    """The column as it is stored when parked: its type, nothing that could refuse a row."""
    return column.model_copy(
        update={
            "name": name,
            "nullable": True,
            "default": None,
            "values": (),
            "minimum": None,
            "maximum": None,
            "min_length": None,
            "references": None,
        }
    )


def stored_alike(one: Column, other: Column) -> bool:
    """Whether a value of one column is the very same in the other, whatever it is."""
    return (
        one.foreign is other.foreign is None
        and one.type is other.type
        and one.encrypted == other.encrypted
        and (one.precision, one.scale) == (other.precision, other.scale)
        and one.max_length == other.max_length
    )


def parked_columns(migration: TableMigration) -> tuple[Column, ...]:
    """The columns parked in the table by earlier revisions, as they are stored."""
    return tuple(
        bare(e.definition, e.stored_as) for e in migration.parked if isinstance(e.definition, Column)
    )


def without_references(table: Table) -> Table:
    return table.evolve(columns=tuple(c.model_copy(update={"references": None}) for c in table.columns))


def alteration_of(migration: TableMigration, revision: int) -> Alteration:
    """The alteration of a migration that has both a start and an `after`. `revision` is the one that applies
    it."""
    start, after = migration.start, migration.after
    if start is None or after is None:
        raise ValueError(f"table {migration.name} is created or removed, not altered")
    if migration.restored is not None:
        start = without_references(start)
    of_columns = [change for change in migration.changes if change.kind is Kind.COLUMN]
    origins, kept = _origins(start, after, of_columns, revision)
    purged = {c.before.name for c in of_columns if c.before and _is_purge(c)}
    leaving = tuple(
        Leaving(column, None if column.name in purged else parked_name(column.name, revision))
        for column in start.columns
        if column.name not in kept
    )
    back = {origin.stored_as for origin in origins if isinstance(origin, Restored)}
    staying = tuple(column for column in parked_columns(migration) if column.name not in back)
    stored_as = migration.restored.stored_as if migration.restored else None
    return Alteration(start, after, origins, leaving, staying, stored_as)


def _is_purge(change: Change) -> bool:
    return change.action is Action.REMOVE and change.disposition is Disposition.PURGE


def _origins(
    start: Table, after: Table, changes: list[Change], revision: int
) -> tuple[tuple[Origin, ...], frozenset[str]]:
    """The origins of `after`'s columns, and the names of `start`'s columns that live on."""
    renamed = _renames(changes)
    lossy = {c.after.name for c in changes if c.after and c.lossy}
    returning = {c.after.name: c.parked for c in changes if c.after and c.parked}
    leads_elsewhere = set(renamed.values())
    origins: list[Origin] = []
    kept: set[str] = set()
    for column in after.columns:
        name = column.name
        former = renamed.get(name, name)
        live = start.column(former) if name in renamed or name not in leads_elsewhere else None
        origin = _origin(column, live, returning.get(name), name in lossy, revision)
        if isinstance(origin, Kept):
            kept.add(former)
        origins.append(origin)
    return tuple(origins), frozenset(kept)


def _renames(changes: list[Change]) -> dict[str, str]:
    """New name -> old name."""
    pairs = ((c.after, c.before) for c in changes)
    return {
        after.name: before.name for after, before in pairs if after and before and after.name != before.name
    }


def _origin(column: Column, live: Column | None, entry: Parked | None, lossy: bool, revision: int) -> Origin:
    if entry is not None and isinstance(entry.definition, Column):
        if lossy:
            return Replaced(bare(entry.definition, entry.stored_as), column, entry.stored_as, entry.stored_as)
        before = bare(entry.definition, entry.stored_as)
        if live is None:
            return Restored(before, column, entry.stored_as)
        undone = None
        if entry.became is not None and stored_alike(entry.became, live):
            undone = Replaced(entry.definition, entry.became, entry.stored_as, entry.stored_as)
        return Restored(before, column, entry.stored_as, live, parked_name(live.name, revision), undone)
    if live is None:
        return Added(column)
    if lossy:
        return Replaced(live, column, live.name, parked_name(live.name, revision))
    return Kept(live, column)

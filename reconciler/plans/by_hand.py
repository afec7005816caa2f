"""Changes that hands have made already, or that put right what hands have changed."""

from __future__ import annotations

from dataclasses import replace

from reconciler.plans import hazards
from reconciler.plans.changes import Change, Disposition, TableMigration


def recorded(migration: TableMigration, reason: str) -> TableMigration:
    """Of what is there already. Nothing is at risk any more; that nothing will run is said once."""
    first, *others = (change.evolve(hazards=(), reason=reason) for change in migration.changes)
    told = first.evolve(hazards=(hazards.already_run(migration.name),))
    return replace(migration, changes=(told, *others))


def forgotten(migration: TableMigration) -> TableMigration:
    """Of a table that hands dropped nothing is left but its record."""
    gone = replace(migration, disposition=Disposition.PURGE, done=True)
    return recorded(gone, "is gone already; only forgotten")


def repairing(change: Change) -> Change:
    """A change that nobody asked for: it puts right what was changed by hand."""
    return change.evolve(drift=True, reason="was changed by hand")

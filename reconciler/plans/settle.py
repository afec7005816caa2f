"""Hazards weighed by the rows they touch: what concerns no row vanishes, what would lose values is marked.

Between asking (`questions`) and answering (`settled`) stands whoever can count: the database, or nobody, in
which case every hazard stays as a possibility with unknown rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.plans import hazards
from reconciler.plans.changes import Action, Change, Hazard, Kind, Probe, TableMigration, Unfit, Unit
from reconciler.spec.state import ActualState, State
from reconciler.spec.tables import Column, Table

MASS_REMOVAL_SHARE = 0.25
"""More than this share of the live objects going at once looks like a broken source, not like a wish."""

MASS_REMOVAL_FLOOR = 2
"""Up to so many removals are never called a mass, however small the system is."""


def questions(units: Sequence[Unit]) -> dict[Probe, Table]:
    """Every probe with the definition of the table it asks, under the name that table has now."""
    asked: dict[Probe, Table] = {}
    for unit in units:
        for migration in unit.migrations:
            definition = stored_definition(migration)
            for change in migration.changes:
                for hazard in change.hazards:
                    if hazard.probe is not None and definition is not None:
                        asked[hazard.probe] = definition
    return asked


def stored_definition(migration: TableMigration) -> Table | None:
    """The table as it is stored now: an archived one under its archive name, parked columns included."""
    start = migration.start
    if start is None:
        return None
    parked = tuple(
        entry.definition.model_copy(update={"name": entry.stored_as, "nullable": True})
        for entry in migration.parked
        if isinstance(entry.definition, Column)
    )
    name = migration.restored.stored_as if migration.restored else start.name
    return start.evolve(name=name, columns=start.columns + parked)


def settled(units: Sequence[Unit], counts: Mapping[Probe, int]) -> tuple[Unit, ...]:
    """The units with every counted hazard settled; probes without a count stay open."""
    return tuple(_unit(unit, counts) for unit in units)


def _unit(unit: Unit, counts: Mapping[Probe, int]) -> Unit:
    if not any(change.hazards for change in unit.changes):
        return unit
    changes = {(c.action, c.address): _change(c, counts) for c in unit.changes}
    migrations = tuple(
        replace(m, changes=tuple(changes[c.action, c.address] for c in m.changes)) for m in unit.migrations
    )
    return Unit(unit.name, tuple(changes.values()), migrations)


def _change(change: Change, counts: Mapping[Probe, int]) -> Change:
    if not change.hazards:
        return change
    kept = tuple(
        _counted(h, counts) for h in change.hazards if h.probe is None or counts.get(h.probe, -1) != 0
    )
    lossy = change.kind is Kind.COLUMN and any(isinstance(h.probe, Unfit) and (h.rows or 0) > 0 for h in kept)
    return change.evolve(hazards=kept, lossy=lossy)


def _counted(hazard: Hazard, counts: Mapping[Probe, int]) -> Hazard:
    if hazard.probe is None or hazard.probe not in counts:
        return hazard
    return hazard.counted(counts[hazard.probe])


def removal_hazards(units: Sequence[Unit], desired: State, actual: ActualState) -> tuple[Hazard, ...]:
    """The hazard of a source that would remove much of what is live, if it would."""
    live = sum(1 for address in actual.entries if not address.startswith("policy/"))
    removed = sum(
        1
        for unit in units
        for change in unit.changes
        if change.action is Action.REMOVE and change.kind in (Kind.TYPE, Kind.AGENT)
    )
    emptied = not desired.entries and not desired.held and removed > 0
    if emptied or (removed > MASS_REMOVAL_FLOOR and removed > live * MASS_REMOVAL_SHARE):
        return (hazards.mass_removal(removed, live),)
    return ()

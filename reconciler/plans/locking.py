"""What a change costs the traffic of a large PostgreSQL table: notices, never refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.plans import hazards
from reconciler.plans.changes import Action, Change, Hazard, Kind, Unit
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column


def locking_hazards(unit: Unit, rows: Mapping[str, int]) -> Unit:
    """The unit with a `locking` notice on every change that takes long on a table in `rows`.

    `rows` are estimates by table name, of the large tables only.
    """
    if not rows:
        return unit
    changed = {(c.action, c.address): _noticed(c, rows) for c in unit.changes}
    migrations = tuple(
        replace(m, changes=tuple(changed[c.action, c.address] for c in m.changes)) for m in unit.migrations
    )
    return Unit(unit.name, tuple(changed.values()), migrations)


def _noticed(change: Change, rows: Mapping[str, int]) -> Change:
    parts = change.address.split("/")
    if parts[0] != "table" or parts[1] not in rows:
        return change
    cost = _cost(change)
    if not cost:
        return change
    notice: Hazard = hazards.locking(
        change.address, f"{parts[1]} has about {rows[parts[1]]:,} rows: {cost}", rows[parts[1]]
    )
    return change.evolve(hazards=(*change.hazards, notice))


def _cost(change: Change) -> str:
    match change.kind, change.action:
        case Kind.INDEX, Action.ADD | Action.CHANGE:
            return "the index is built concurrently, which takes two scans"
        case Kind.CHECK, Action.ADD | Action.CHANGE:
            return "the check is validated by a scan that blocks nobody"
        case Kind.COLUMN, Action.CHANGE:
            return _column_cost(change)
    return ""


def _column_cost(change: Change) -> str:
    before, after = change.before, change.after
    if not isinstance(before, Column) or not isinstance(after, Column):
        return ""
    if change.lossy or _rewrites(before, after):
        return "every row is rewritten while reads and writes wait"
    if before.nullable and not after.nullable:
        return "rows are filled in batches, then checked by a scan that blocks nobody"
    return ""


def _rewrites(before: Column, after: Column) -> bool:
    """Whether ALTER COLUMN TYPE copies the table. To widen a text does not, nor more digits at one scale."""
    if before.type is not after.type:
        return (before.type, after.type) not in {
            (FieldType.STRING, FieldType.TEXT),
            (FieldType.ENUM, FieldType.TEXT),
        }
    if after.type is FieldType.DECIMAL:
        return before.scale != after.scale or (before.precision or 0) > (after.precision or 0)
    if after.type is FieldType.STRING and after.max_length is not None:
        return before.max_length is None or after.max_length < before.max_length
    return False

"""Where things stand, and the sensible thing to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.control.history import summaries
from reconciler.control.leases import leader
from reconciler.control.reports import Counts, DriftStatus, ObjectStatus, Status, SuspensionStatus
from reconciler.database import conditions, records
from reconciler.database.conditions import SOURCE, Condition
from reconciler.database.holds import Hold, holds
from reconciler.database.suspensions import in_force
from reconciler.errors import SourceError

if TYPE_CHECKING:
    from reconciler.control.reconciler import Reconciler
    from reconciler.database.connection import Connection
    from reconciler.plans.plan import Plan


def status_of(reconciler: Reconciler, connection: Connection | None) -> Status:
    """Makes a plan to tell whether anything is pending; a source that cannot be read leaves that open."""
    plan: Plan | None = None
    try:
        plan = reconciler.plan()
    except SourceError:
        next_command = "reconcile init"
    else:
        next_command = _next(plan)
    newest = summaries(connection, 1) if connection is not None else []
    return Status(
        source=reconciler.settings.source,
        database=reconciler.database,
        revision=newest[0] if newest else None,
        counts=_counts(connection) if connection is not None else Counts(),
        pending=None if plan is None else plan.pending,
        drift=len(plan.drift) if plan else 0,
        problems=len(plan.problems) if plan else 0,
        next_command=next_command,
        policy=reconciler.settings.policy,
        **(_told(connection, plan) if connection is not None else {}),
    )


def _next(plan: Plan) -> str:
    if any(problem.severity == "error" for problem in plan.problems):
        return "reconcile validate"
    return "reconcile --plan" if plan.pending else "reconcile history"


def _counts(connection: Connection) -> Counts:
    kinds = Counter(address.partition("/")[0] for address in records.entries(connection))
    tables, archives = records.table_heads(connection), records.archives(connection)
    return Counts(kinds["type"], kinds["agent"], kinds["policy"], len(tables), len(archives))


def _told(connection: Connection, plan: Plan | None) -> dict[str, Any]:
    """What the catalog holds of each object, and who looks after them."""
    found = conditions.recorded(connection)
    source = found.pop(SOURCE, None)
    return {
        "objects": _objects(connection, plan, found),
        "source_condition": _with_condition(ObjectStatus(SOURCE, "", ""), source) if source else None,
        "controller": leader(connection),
        "drifted": tuple(
            DriftStatus(one.drift.address, one.drift.message, one.first_seen, one.treatment)
            for one in conditions.sightings(connection)
        ),
        "suspensions": tuple(
            SuspensionStatus(one.address, one.owner, one.reason, one.since, one.until)
            for one in in_force(connection).values()
        ),
    }


def _objects(
    connection: Connection, plan: Plan | None, found: Mapping[str, Condition]
) -> tuple[ObjectStatus, ...]:
    pending = {change.address for change in plan.changes} if plan else set()
    held = set(plan.held) if plan else set()
    live = records.entries(connection)
    versions, on_hold = records.current_versions(connection), holds(connection)
    suspended = set(plan.suspended) if plan else set()

    def state(address: str) -> str:
        return "suspended" if address in suspended else _state(address, pending, held, on_hold)

    return tuple(
        _with_condition(ObjectStatus(address, versions.get(address, ""), state(address)), found.get(address))
        for address in sorted(live.keys() | found.keys())
    )


def _with_condition(status: ObjectStatus, condition: Condition | None) -> ObjectStatus:
    if condition is None:
        return status
    return replace(
        status,
        condition=condition.condition,
        reason=condition.reason,
        message=condition.message,
        sync=condition.sync,
        health=condition.health,
        generation=condition.generation,
        revision=condition.revision,
        commit=condition.commit,
        since=condition.since,
    )


def _state(address: str, pending: set[str], held: set[str], on_hold: Mapping[str, Hold]) -> str:
    kind, _, name = address.partition("/")
    if kind == "agent" and name in on_hold:
        return f"on hold: {on_hold[name].reason}"
    return "held" if address in held else "out of sync" if address in pending else "in sync"

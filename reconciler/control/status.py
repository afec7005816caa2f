"""Where things stand, and the sensible thing to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.control.history import summaries
from reconciler.control.reports import Counts, ObjectStatus, Status
from reconciler.database import records
from reconciler.database.holds import Hold, holds
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
        objects=_objects(connection, plan) if connection is not None else (),
    )


def _next(plan: Plan) -> str:
    if any(problem.severity == "error" for problem in plan.problems):
        return "reconcile validate"
    return "reconcile --plan" if plan.pending else "reconcile history"


def _counts(connection: Connection) -> Counts:
    kinds = Counter(address.partition("/")[0] for address in records.entries(connection))
    tables, archives = records.table_heads(connection), records.archives(connection)
    return Counts(kinds["type"], kinds["agent"], kinds["policy"], len(tables), len(archives))


def _objects(connection: Connection, plan: Plan | None) -> tuple[ObjectStatus, ...]:
    pending = {change.address for change in plan.changes} if plan else set()
    held = set(plan.held) if plan else set()
    live = records.entries(connection)
    versions, on_hold = records.current_versions(connection), holds(connection)
    return tuple(
        ObjectStatus(address, versions.get(address, ""), _state(address, pending, held, on_hold))
        for address in sorted(live)
    )


def _state(address: str, pending: set[str], held: set[str], on_hold: Mapping[str, Hold]) -> str:
    kind, _, name = address.partition("/")
    if kind == "agent" and name in on_hold:
        return f"on hold: {on_hold[name].reason}"
    return "held" if address in held else "out of sync" if address in pending else "in sync"

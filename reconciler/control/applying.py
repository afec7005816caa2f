"""From a reviewed plan to an apply: the lease, what an earlier apply left unfinished, and whether the plan
still holds."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.control.apply import Applier
from reconciler.control.keeping import Held, Leases
from reconciler.control.lifecycle.finishing import finish_deletions
from reconciler.control.reports import Outcome
from reconciler.control.settling import Settled, settle_all
from reconciler.database import outstanding, records
from reconciler.database.lease import acquire
from reconciler.database.observe import remember_if_clean
from reconciler.errors import Refused, StalePlan
from reconciler.plans.plan import stopping

if TYPE_CHECKING:
    from reconciler.control.planning import Planned
    from reconciler.database.connection import Connection
    from reconciler.database.lease import Lease
    from reconciler.database.migrate import Checkpoint
    from reconciler.plans.plan import Plan
    from reconciler.settings import Settings


def apply_plan(
    connection: Connection,
    plan: Plan,
    remake: Callable[[], Planned],
    *,
    allow: Sequence[str],
    settings: Settings,
    actor: str,
    reason: str,
    checkpoint: Checkpoint,
    keep_going: bool = True,
    choose: Callable[[Plan], Plan] | None = None,
    within: Lease | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Raises Locked, StalePlan and Refused before the first write. `remake` makes the plan anew, under the
    lease.

    `choose` takes of the plan what is to be applied, which then need not be all of it; hazards are its concern.
    `within` is a lease of the caller's: once that is lost, nothing more is written either.
    """
    holder = f"{actor or 'reconcile'} on {socket.gethostname()}, process {os.getpid()}"
    lease = acquire(connection, "apply", holder=holder, ttl=settings.lease_seconds)
    held: Held = lease if within is None else Leases((lease, within))
    try:
        checkpoint("lease", 0, 0)
        planned = remake()
        now = _still_holding(plan, planned.plan, allow, refuse=choose is None)
        settled = _conclude_former(connection, held, checkpoint, settings.archive_retention)
        if settled.done or settled.failed:
            planned = remake()
            now = planned.plan
            if choose is None and _outline(now) != _outline(plan):
                return _changed_by_settling(plan, settled)
        if choose is not None:
            now = choose(now)
        former = Outcome(plan.id, applied=tuple(settled.done), failed=tuple(settled.failed))
        if now.empty:
            return former
        applier = Applier(
            connection,
            held,
            now,
            planned.desired,
            actor,
            reason,
            checkpoint,
            settings,
            keep_going,
            stopped,
        )
        outcome = applier.run()
        finish_deletions(connection, held, settings.archive_retention)
        return replace(
            outcome, applied=former.applied + outcome.applied, failed=former.failed + outcome.failed
        )
    finally:
        lease.release(connection)


def _still_holding(plan: Plan, now: Plan, allow: Sequence[str], *, refuse: bool) -> Plan:
    """The plan as it is now: the same changes, but rows may have come that make them dangerous."""
    if now.id != plan.id:
        raise StalePlan(
            f"plan {plan.id} no longer holds: source or database moved since it was made",
            hint="plan again and review what changed",
        )
    stops = stopping(now.hazards, allow) if refuse else ()
    if stops:
        codes = ", ".join(dict.fromkeys(hazard.code for hazard in stops))
        raise Refused(
            f"rows that came since the plan was made bring hazards: {codes}",
            hint="plan again and review them",
        )
    return now


def _conclude_former(
    connection: Connection, lease: Held, checkpoint: Checkpoint, retention: float | None
) -> Settled:
    """What applies that were killed left behind: their online phases are done, their revisions are closed."""
    settled = settle_all(connection, outstanding.recall(records.meta(connection)), lease, checkpoint)
    finish_deletions(connection, lease, retention)
    with connection.transaction():
        lease.verify(connection)
        records.interrupt_revisions(connection)
    remember_if_clean(connection)
    return settled


def _outline(plan: Plan) -> list[tuple[str, str]]:
    return [(change.action, change.address) for change in plan.changes]


def _changed_by_settling(plan: Plan, settled: Settled) -> Outcome:
    """What could not be brought to its end is a difference now, which nobody has reviewed."""
    if settled.failed:
        return Outcome(plan.id, applied=tuple(settled.done), failed=tuple(settled.failed))
    raise StalePlan(
        "an apply that was interrupted is finished now, and the plan is another than it was",
        hint="plan again and review what changed",
    )

"""From a reviewed plan to an apply: the lease, what an earlier apply left unfinished, and whether the plan still holds."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.control.apply import Applier
from reconciler.control.outstanding import recall, settle_all
from reconciler.control.reports import Outcome
from reconciler.database.lease import acquire
from reconciler.errors import StalePlan

if TYPE_CHECKING:
    from reconciler.control.planning import Planned
    from reconciler.database.connection import Connection
    from reconciler.database.migrate import Checkpoint
    from reconciler.plans.plan import Plan
    from reconciler.settings import Settings


def apply_plan(
    connection: Connection,
    plan: Plan,
    remake: Callable[[], Planned],
    *,
    settings: Settings,
    actor: str,
    reason: str,
    checkpoint: Checkpoint,
    keep_going: bool,
) -> Outcome:
    """Raises Locked and StalePlan before the first write. `remake` makes the plan anew, under the lease."""
    lease = acquire(connection, "apply", holder=f"{actor or 'reconcile'} on {socket.gethostname()}, process {os.getpid()}")
    try:
        checkpoint("lease", 0, 0)
        failed = settle_all(connection, recall(connection), lease, checkpoint)
        now = remake().plan
        if now.id != plan.id:
            raise StalePlan(
                f"plan {plan.id} no longer holds: source or database moved since it was made",
                hint="plan again and review what changed",
            )
        if now.empty:
            return Outcome(plan.id, failed=tuple(failed))
        return Applier(
            connection, lease, now, actor, reason, checkpoint, settings.large_table_rows, keep_going
        ).run()
    finally:
        lease.release(connection)

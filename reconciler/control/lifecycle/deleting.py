"""Deleting: the order on record, the manifest out of the source, the rest by the apply that follows.

Nothing is torn: tasks in flight stop a deletion, or are cancelled and waited for before it begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.control.lifecycle.finishing import Unfinished, finish_deletions
from reconciler.control.lifecycle.impact import Impact, impact_of
from reconciler.control.proposals import Author, Proposed
from reconciler.control.proposing import Draft, Proposer, Wish
from reconciler.database import deletions, records
from reconciler.database.clock import now_text
from reconciler.database.doorbell import ring
from reconciler.database.lease import acquire
from reconciler.database.remains import tasks_of
from reconciler.database.tasks import cancel_all_of, take_over
from reconciler.errors import ManifestsInvalid, ReconcilerError, Refused, StalePlan
from reconciler.plans.changes import Action, Kind

if TYPE_CHECKING:
    from reconciler.control.reports import Outcome
    from reconciler.database.connection import Connection
    from reconciler.database.deletions import Mode
    from reconciler.plans.plan import Plan
    from reconciler.settings import Settings

PATIENCE = 30.0
"""Seconds for which tasks that run are given to stop."""
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Deleted:
    """What became of a deletion. `proposed` is where the source was changed, None where the object had left it already;
    `outcome` is the apply, None where people have to merge first; `unfinished` is what the next apply does."""

    impact: Impact
    proposed: Proposed | None = None
    outcome: Outcome | None = None
    unfinished: tuple[Unfinished, ...] = ()


class Deletions:
    """Over one database and one source. `proposer` gives a new Proposer for each wish."""

    def __init__(self, settings: Settings, connection: Connection, proposer: Callable[[], Proposer]) -> None:
        self._settings, self._connection, self._proposer = settings, connection, proposer

    def preview(self, address: str, mode: Mode | None = None, *, cascade: bool = False) -> Impact:
        """What deleting would take along; nothing is changed. Raises NotFound, UsageError, SourceError."""
        return impact_of(
            self._connection,
            self._proposer().state,
            address,
            mode,
            cascade=cascade,
            retention=self._settings.archive_retention,
        )

    def delete(
        self, impact: Impact, *, actor: str, reason: str = "", author: Author, cancel_tasks: bool = False
    ) -> Deleted:
        """Does what `impact` said.

        Raises Refused, StalePlan and what `Proposer` raises before anything is changed but, with `cancel_tasks`, the
        tasks; Locked and PartlyApplied once the source is changed: the next apply does the rest.
        """
        self._refuse_stale(impact)
        self._refuse_dependents(impact)
        self._quieten(impact, actor, cancel_tasks)
        if not impact.in_source:
            return self._delete_remains(impact, actor, reason)
        if not impact.live:
            return self._remove(impact, actor, reason, author)
        deletions.order(self._connection, impact.live, impact.mode, actor=actor, reason=reason)
        try:
            return self._remove(impact, actor, reason, author)
        except ReconcilerError:
            if impact.address in self._proposer().state.entries:  # the source is as it was
                deletions.withdraw(self._connection, [*impact.live], actor=actor, reason="could not be done")
            raise

    def _remove(self, impact: Impact, actor: str, reason: str, author: Author) -> Deleted:
        proposer = self._proposer()
        wanted = tuple(one for one in impact.removed if one in proposer.state.entries)
        draft = proposer.draft(
            Wish(f"Delete {impact.address} ({impact.mode})", remove=wanted, summary=reason)
        )
        _refuse_more(draft, impact)
        done = proposer.carry_out(
            draft, author, allow=("mass-removal",), actor=actor, reason=reason or f"delete {impact.address}"
        )
        return Deleted(impact, done.proposed, done.outcome, self._unfinished(impact) if done.outcome else ())

    def _delete_remains(self, impact: Impact, actor: str, reason: str) -> Deleted:
        """Of what has left the source: an apply takes it out of service as ordered, or has done so before."""
        connection, gone = self._connection, not impact.live
        if gone and impact.mode == "soft":
            raise Refused(f"{impact.address} is deleted already", hint="--mode hard or purge goes further")
        newest = deletions.newest(connection, impact.address)
        if gone and impact.mode != "purge" and newest is not None and newest.mode == "purge":
            raise Refused(f"{impact.address} is being purged", hint="the next apply ends it")
        wanted = impact.live or {impact.address: ""}
        deletions.order(connection, wanted, impact.mode, actor=actor, reason=reason, gone=gone)
        if not gone:
            return Deleted(impact)
        lease = acquire(connection, "apply", holder=actor or "reconcile", ttl=self._settings.lease_seconds)
        try:
            left = finish_deletions(connection, lease, self._settings.archive_retention)
        finally:
            lease.release(connection)
        return Deleted(impact, unfinished=tuple(one for one in left if one.address in impact.removed))

    def _unfinished(self, impact: Impact) -> tuple[Unfinished, ...]:
        left = {one.address for one in deletions.unfinished(self._connection)}
        why = "it is out of service, but not all it left could be removed yet"
        return tuple(Unfinished(address, why) for address in impact.removed if address in left)

    def _refuse_stale(self, impact: Impact) -> None:
        live = records.entries(self._connection)
        if any(live.get(address, "") != digest for address, digest in impact.removed.items()):
            raise StalePlan(
                f"{impact.address} has changed since it was looked at", hint="look at the preview again"
            )

    def _refuse_dependents(self, impact: Impact) -> None:
        if impact.dependents:
            told = ", ".join(impact.dependents)
            agents = all(address.startswith("agent/") for address in impact.dependents)
            more = (
                "--cascade deletes agents along with their type" if agents else "change or delete those first"
            )
            raise Refused(f"{told} would not stand without {impact.address}", hint=more)

    # --- tasks ------------------------------------------------------------------------------------------------

    def _quieten(self, impact: Impact, actor: str, cancel: bool) -> None:
        if not impact.tasks.in_flight:
            return
        if not cancel:
            counts = impact.tasks
            raise Refused(
                f"{counts.waiting} tasks wait and {counts.running} run",
                hint="let them end, or cancel them: --cancel-tasks",
            )
        connection = self._connection
        with connection.transaction():
            for name in self._agents(impact):
                cancel_all_of(connection, name, actor, f"{impact.address} is being deleted")
        ring(connection)
        until = time.monotonic() + PATIENCE
        while any(tasks_of(connection, address).running for address in impact.removed):
            if time.monotonic() > until:
                raise Refused(
                    "tasks are still running", hint="`reconcile tasks list --state running`; try again"
                )
            time.sleep(_PAUSE)
            take_over(connection, now_text(connection))

    def _agents(self, impact: Impact) -> set[str]:
        names = {address.partition("/")[2] for address in impact.removed if address.startswith("agent/")}
        kind, _, name = impact.address.partition("/")
        if kind == "type":
            names |= {
                row[0] for row in self._connection.execute("SELECT name FROM agents WHERE type = ?", (name,))
            }
        return names


def _refuse_more(draft: Draft, impact: Impact) -> None:
    """Raises unless the plan of the changed source is this deletion and nothing else."""
    plan = draft.plan
    broken = tuple(problem for problem in plan.problems if problem.severity == "error")
    if broken:
        raise ManifestsInvalid(broken, hint="correct them first: nothing was deleted")
    gone, others = _objects(plan)
    if others - set(impact.removed):
        told = ", ".join(sorted(others - set(impact.removed)))
        raise Refused(
            f"other changes are waiting in the source: {told}", hint="apply those first: reconcile --apply"
        )
    if missing := impact.live.keys() - gone:
        told = ", ".join(sorted(missing))
        raise Refused(f"{told} would stay in service", hint="see `reconcile --plan`: it may be suspended")


def _objects(plan: Plan) -> tuple[set[str], set[str]]:
    """Addresses of objects that go, and of all that change."""
    objects = [change for change in plan.changes if change.kind in (Kind.TYPE, Kind.AGENT, Kind.POLICY)]
    gone = {change.address for change in objects if change.action is Action.REMOVE}
    return gone, {change.address for change in objects}

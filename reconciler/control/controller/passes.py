"""One pass: read, plan, apply what may go ahead, write down what was found."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.control.controller.backoff import Backoff
from reconciler.control.controller.confirming import Confirmed
from reconciler.control.controller.health import Checkups
from reconciler.control.controller.judging import (
    Findings,
    judge,
    source_condition,
    unreadable,
    with_health,
)
from reconciler.control.controller.selection import Selection, Wait, select
from reconciler.control.drift_rules import DriftRules
from reconciler.control.reconciler import Reconciler
from reconciler.control.reports import Outcome
from reconciler.database import conditions, records
from reconciler.database.conditions import SOURCE, Condition
from reconciler.database.connection import Connection
from reconciler.database.lease import Lease
from reconciler.database.suspensions import EVERYTHING
from reconciler.errors import ManifestsInvalid, ReconcilerError, SourceError, StalePlan, UsageError
from reconciler.garbage import not_collected
from reconciler.plans.changes import Unit
from reconciler.plans.plan import Plan
from reconciler.spec.state import Drift

ATTEMPTS = 3
"""How often a pass plans anew where rows or other hands moved the database between plan and apply."""


@dataclass(frozen=True, slots=True)
class Report:
    """`error` is that of a source that could not be read; `again` in how many seconds the next pass is due in any
    case, None where nothing waits; `changed` are the conditions that say something new."""

    plan: Plan | None = None
    outcome: Outcome | None = None
    waiting: Mapping[str, Wait] = field(default_factory=dict)
    changed: Sequence[Condition] = ()
    error: ReconcilerError | None = None
    again: float | None = None
    seconds: float = 0.0


class Passes:
    """Makes passes over one source and one database, and remembers between them what would cost to find out again."""

    def __init__(
        self,
        reconciler: Reconciler,
        checkups: Checkups,
        *,
        actor: str,
        allow: Sequence[str] = (),
        confirm_removals: float = 0.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`confirm_removals` is for how many seconds something has to be missing before it is taken for removed."""
        self._reconciler, self._checkups = reconciler, checkups
        self._actor, self._allow, self._stopped = actor, tuple(allow), stopped
        self._backoff = Backoff()
        self._removals = Confirmed(confirm_removals)
        self._known: dict[str, Condition] | None = None
        self._judged = ""

    def forget(self) -> None:
        """Another may have written since: what the database says of conditions is read anew."""
        self._known, self._judged = None, ""

    @property
    def known(self) -> Collection[Condition]:
        """The conditions as they were written last."""
        return (self._known or {}).values()

    @property
    def checkups_pending(self) -> bool:
        return self._checkups.pending

    def run(self, connection: Connection, lease: Lease) -> Report:
        """Raises Locked once the lease is lost, DatabaseError."""
        with not_collected():  # thousands of objects come and stay: searched for garbage when there is time
            return self._run(connection, lease)

    def _run(self, connection: Connection, lease: Lease) -> Report:
        begun = time.monotonic()
        if self._known is None:
            self._known = conditions.recorded(connection)
            self._checkups.recall(self._known)
        try:
            plan, outcome, selection = self._applied(lease)
        except (SourceError, UsageError, ManifestsInvalid) as error:  # the latter two: of the pinned policy
            found = unreadable(error.code, error.message, self._known.get(SOURCE))
            changed = self._write(connection, lease, [found], complete=False)
            return Report(changed=changed, error=error, seconds=time.monotonic() - begun)
        self._note_failures(plan, outcome)
        changed = self._judge(connection, lease, plan, outcome, selection)
        return Report(
            plan,
            outcome,
            {name: wait for name, (_, wait) in selection.waiting.items()},
            changed,
            again=self._again(),
            seconds=time.monotonic() - begun,
        )

    def check_up(self, connection: Connection, lease: Lease, until: float) -> None:
        """Looks after the health of objects until a moment of the monotonic clock."""
        state = self._reconciler.desired()
        healths = self._checkups.advance(state, until)
        if healths and self._known is not None:
            due = [one for address in healths if (one := self._known.get(address)) is not None]
            self._write(
                connection, lease, [with_health(one, healths[one.address]) for one in due], complete=False
            )

    # --- applying ---------------------------------------------------------------------------------------------

    def _applied(self, lease: Lease) -> tuple[Plan, Outcome | None, Selection]:
        for attempt in range(1, ATTEMPTS + 1):
            plan = self._reconciler.plan()
            selection = self._select(plan)
            if not (selection.plan.units or _is_unfinished(plan)) or self._stopped():
                return plan, None, selection
            try:
                outcome = self._reconciler.apply_units(
                    plan,
                    lambda now: self._select(now).plan,
                    within=lease,
                    reason=f"commit {plan.commit}" if plan.commit else f"follow {plan.source}",
                    actor=self._actor,
                    stopped=self._stopped,
                )
            except StalePlan:
                if attempt == ATTEMPTS:
                    raise
            else:
                return plan, outcome, selection
        raise AssertionError("the last attempt returns or raises")

    def _select(self, plan: Plan) -> Selection:
        now = time.monotonic()
        retrying = dict(self._backoff.waiting({unit.name: _wanted(unit) for unit in plan.units}, now))
        retrying |= self._removals.waiting(plan.units, now)
        report = bool(plan.drift) and DriftRules.of(self._reconciler.policies()).report
        return select(plan, allow=self._allow, report_drift=report, retrying=retrying)

    def _note_failures(self, plan: Plan, outcome: Outcome | None) -> None:
        self._backoff.forget_all_but({unit.name for unit in plan.units})
        units = {unit.name: unit for unit in plan.units}
        for name, error in outcome.failed if outcome else ():
            if name in units:
                self._backoff.failed(name, _wanted(units[name]), error, time.monotonic())

    def _again(self) -> float | None:
        due = [
            moment
            for moment in (self._backoff.next_due(), self._removals.next_due(time.monotonic()))
            if moment is not None
        ]
        return max(0.0, min(due) - time.monotonic()) if due else None

    # --- writing down -----------------------------------------------------------------------------------------

    def _judge(
        self,
        connection: Connection,
        lease: Lease,
        plan: Plan,
        outcome: Outcome | None,
        selection: Selection,
    ) -> list[Condition]:
        stamp = f"{plan.id} {[*selection.waiting]} {self._checkups.version}"
        if outcome is None and stamp == self._judged and not selection.waiting:
            return []
        state = self._reconciler.desired()
        meta = records.meta(connection)
        findings = Findings(
            plan,
            state,
            records.entries(connection),
            int(meta.get("revision", 0)),
            selection,
            dict(outcome.failed) if outcome else {},
            self._suspended(plan),
        )
        self._checkups.want(state)
        every = judge(findings, self._checkups.known, self._known or {})
        found = [*every, source_condition(plan, findings.revision, findings)]
        report = bool(plan.drift) and DriftRules.of(self._reconciler.policies()).report
        changed = self._write(
            connection, lease, found, complete=True, drift=_left(plan, outcome), report=report
        )
        self._judged = stamp
        return changed

    def _suspended(self, plan: Plan) -> dict[str, str]:
        if not plan.suspended:
            return {}
        said = self._reconciler.suspensions()
        told = {
            a: f"by {s.owner}: {s.reason}" + (f", until {s.until}" if s.until else "")
            for a, s in said.items()
        }
        otherwise = told.get(EVERYTHING, "it depends on what is suspended")
        return {address: told.get(address, otherwise) for address in plan.suspended}

    def _write(
        self,
        connection: Connection,
        lease: Lease,
        found: Sequence[Condition],
        *,
        complete: bool,
        drift: Sequence[Drift] | None = None,
        report: bool = False,
    ) -> list[Condition]:
        """Only what is new. `complete`: what is not among the found is gone."""
        known = self._known if self._known is not None else {}
        changed = [one for one in found if not _is_known(one, known.get(one.address))]
        gone = known.keys() - {one.address for one in found} if complete else set()
        drift_moved = drift is not None and [one.drift for one in conditions.sightings(connection)] != [
            *drift
        ]
        if changed or gone or drift_moved:
            with connection.transaction():
                lease.verify(connection)
                written = conditions.put(connection, changed, gone)
                if drift is not None and drift_moved:
                    conditions.sight(connection, drift, "report" if report else "heal")
            for address in gone:
                del known[address]
            known |= {one.address: one for one in written}
            return written
        return []


def _is_known(one: Condition, known: Condition | None) -> bool:
    return one is known or (known is not None and one.says_as(known))


def _left(plan: Plan, outcome: Outcome | None) -> list[Drift]:
    """The drift that the apply has not healed."""
    applied = set(outcome.applied) if outcome else set()
    healed = {m.name for unit in plan.units if unit.name in applied for m in unit.migrations}
    return [drift for drift in plan.drift if drift.address.split("/")[1] not in healed]


def _wanted(unit: Unit) -> str:
    """What identifies where a unit is to lead: whoever edits the manifest again gets another one."""
    text = "\n".join(f"{change.action} {change.address} {change.after!r}" for change in unit.changes)
    return hashlib.sha256(text.encode()).hexdigest()


def _is_unfinished(plan: Plan) -> bool:
    return plan.pending and not plan.units

"""Making a plan true: lease, batches of units, journal.

A batch is one transaction; each of its units has a savepoint, so that one that fails is undone alone. What a
unit does to tables and what the catalog then says of it are committed together. Online phases of large
PostgreSQL tables follow their unit's transaction; until they are done they are on record as outstanding, and
the next apply continues them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.control.compiling import IsLarge, large_tables, statements_of
from reconciler.control.history import undone_to
from reconciler.control.keeping import Held
from reconciler.control.registration import Registration
from reconciler.control.reports import Outcome, RevisionState
from reconciler.control.settling import settle_all
from reconciler.control.writing import write_registration
from reconciler.database import outstanding, records
from reconciler.database.connection import Connection
from reconciler.database.fingerprint import fingerprint
from reconciler.database.migrate import Checkpoint, run_together
from reconciler.database.observe import is_known_clean, remember_if_clean
from reconciler.database.outstanding import Outstanding
from reconciler.database.records import UnitRecord
from reconciler.database.statement import Phase, Statement
from reconciler.errors import Locked, ReconcilerError
from reconciler.garbage import not_collected
from reconciler.plans.changes import Unit
from reconciler.plans.plan import Plan
from reconciler.plans.render.json_document import change_documents
from reconciler.settings import Settings
from reconciler.spec.state import State

UNITS_AT_ONCE = {"sqlite": 1_000, "postgresql": 50}
"""Units per transaction. PostgreSQL keeps a lock for every table, index and sequence until the commit, and
its lock table is not large; SQLite has one lock for all, and a commit costs it an fsync."""

# Made once: `json.dumps` makes an encoder at each call that is not its default.
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


@dataclass
class Applier:
    """Applies one plan as one revision. `desired` is the state it leads to; `checkpoint` is told what happens, as
    (point, done, total). Once it is `stopped`, the unit that runs is the last one."""

    connection: Connection
    lease: Held
    plan: Plan
    desired: State
    actor: str
    reason: str
    checkpoint: Checkpoint
    settings: Settings
    keep_going: bool = True
    stopped: Callable[[], bool] = lambda: False
    _applied: list[str] = field(default_factory=list)
    _failed: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> Outcome:
        """The revision is on record before the first unit is touched, and closed whatever happens short of a
        crash."""
        self.checkpoint("begin", 0, len(self.plan.units))
        revision = self._begin()
        self.checkpoint("recorded", 0, len(self.plan.units))
        try:
            for batch in self._batches():
                self._apply_batch(revision, batch)
                if self._ends():
                    break
        finally:
            self._finish(revision)
        return Outcome(self.plan.id, revision, tuple(self._applied), tuple(self._failed))

    def _begin(self) -> int:
        plan = self.plan
        with self.connection.transaction():
            self.lease.verify(self.connection)
            number = records.begin_revision(
                self.connection,
                plan_id=plan.id,
                desired_digest=plan.desired,
                source=plan.source,
                commit=plan.commit,
                actor=self.actor,
                reason=self.reason,
                summary=self._summary(),
            )
            target = undone_to(plan.source)
            if target is not None:
                entry = records.AuditEntry(
                    self.actor, "rollback", f"revision/{target}", "", f"revision/{number}", self.reason
                )
                records.append_audit(self.connection, [entry])
            pending = [UnitRecord(i, unit.name, "pending") for i, unit in enumerate(plan.units)]
            records.record_units(self.connection, number, pending)
        return number

    def _ends(self) -> bool:
        return self.stopped() or bool(self._failed and not self.keep_going)

    def _batches(self) -> Iterator[Sequence[tuple[int, Unit]]]:
        size = UNITS_AT_ONCE[self.connection.dialect]
        numbered = list(enumerate(self.plan.units))
        return (numbered[start : start + size] for start in range(0, len(numbered), size))

    def _apply_batch(self, revision: int, batch: Sequence[tuple[int, Unit]]) -> None:
        connection = self.connection
        connection.foreign_keys(False)  # a rebuilt table would take its children's rows along
        try:
            with not_collected(), connection.transaction():
                self.lease.verify(connection)
                large = large_tables(connection, [unit for _, unit in batch], self.settings.large_table_rows)
                done = _Batch(connection, self.desired, revision, large, self.checkpoint)
                for position, unit in batch:
                    self.checkpoint("unit", position, len(self.plan.units))
                    if (not done.attempt(position, unit) and not self.keep_going) or self.stopped():
                        break
                done.register(self.actor, self.reason, self.settings.archive_retention)
                self.lease.verify(connection)  # once more: it may have taken longer than the lease lasts
                self.checkpoint("before-commit", batch[-1][0] + 1, len(self.plan.units))
            # Only now: until the commit, all of it can still come to nothing.
            self._applied += done.applied
            self._failed += done.failed
            self.checkpoint("after-commit", batch[-1][0] + 1, len(self.plan.units))
        finally:
            connection.foreign_keys(True)
        self._failed += settle_all(connection, done.outstanding, self.lease, self.checkpoint).failed

    def _finish(self, revision: int) -> None:
        failed = {name for name, _ in self._failed}
        state: RevisionState = (
            "applied" if not failed else "partial" if set(self._applied) - failed else "failed"
        )
        if len(self._applied) + len(failed) < len(self.plan.units) and not failed:
            state = "interrupted"
        with self.connection.transaction():
            self.lease.verify(self.connection)
            records.finish_revision(self.connection, revision, state, self._summary())
            records.set_meta(self.connection, {"revision": str(revision)})
        remember_if_clean(self.connection)
        self.checkpoint("finished", len(self.plan.units), len(self.plan.units))

    def _summary(self) -> str:
        summary = self.plan.summary
        return json.dumps({"add": summary.add, "change": summary.change, "remove": summary.remove})


class _Batch:
    """The units of one transaction: their statements run one by one, their catalog rows are written at the
    end."""

    def __init__(
        self, connection: Connection, desired: State, revision: int, large: IsLarge, checkpoint: Checkpoint
    ) -> None:
        self.connection, self.desired, self.revision = connection, desired, revision
        self.large, self.checkpoint = large, checkpoint
        self.registration = Registration()
        self.journal: list[UnitRecord] = []
        self.outstanding: list[Outstanding] = []
        self.applied: list[str] = []
        self.failed: list[tuple[str, str]] = []
        # Of the two only SQLite keeps other hands off until the commit: then all that moves is this batch's work.
        self._moves_alone = connection.dialect == "sqlite" and is_known_clean(connection)

    def attempt(self, position: int, unit: Unit) -> bool:
        """Whether it went well; if not, nothing of the unit is left."""
        try:
            with self.connection.savepoint():
                statements = statements_of(self.connection, unit, revision=self.revision, large=self.large)
                together = [s for s in statements if s.phase is Phase.TRANSACTION]
                run_together(self.connection, together, self.checkpoint)
                self.registration.add(unit, self.desired, self.revision)
        except Locked as error:
            if error.code == "locked":  # the lease is lost: nothing more may be written
                raise
            self._record_failure(position, unit, error)
            return False
        except ReconcilerError as error:
            self._record_failure(position, unit, error)
            return False
        self._record_success(position, unit, statements)
        return True

    def _record_failure(self, position: int, unit: Unit, error: ReconcilerError) -> None:
        self.failed.append((unit.name, error.message))
        self.journal.append(UnitRecord(position, unit.name, "failed", error=error.message))

    def _record_success(self, position: int, unit: Unit, statements: list[Statement]) -> None:
        self.applied.append(unit.name)
        later = [s for s in statements if s.phase is not Phase.TRANSACTION]
        changes = _encode(change_documents(unit.changes))
        sql = _encode([statement.sql for statement in statements])
        state = UnitRecord(position, unit.name, "pending" if later else "applied", changes, sql)
        self.journal.append(state)
        if later:
            self.outstanding.append(Outstanding(self.revision, state, tuple(later)))

    def register(self, actor: str, reason: str, retention: float | None) -> None:
        write_registration(
            self.connection,
            self.registration,
            self.revision,
            actor=actor,
            reason=reason,
            retention=retention,
        )
        records.record_units(self.connection, self.revision, self.journal)
        outstanding.remember(self.connection, self.outstanding)
        meta = {"revision": str(self.revision)}
        if self._moves_alone:
            meta["fingerprint"] = fingerprint(self.connection)
        records.set_meta(self.connection, meta)

"""The reconciler in memory: answers what it was given, and remembers what it was asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.control.reports import (
    ArchiveRecord,
    ChangeCounts,
    Counts,
    ObjectStatus,
    Outcome,
    RevisionDetail,
    RevisionSummary,
    Status,
    UnitRecord,
)
from reconciler.errors import NotFound, ReconcilerError
from reconciler.manifests.compiled import Loaded
from reconciler.plans.plan import Plan
from reconciler.settings import Settings
from reconciler.spec.codec import state_of
from tests.unit.plans import samples

REVISION = RevisionSummary(
    number=4,
    state="partial",
    started_at="2026-11-20T10:00:00Z",
    finished_at="2026-11-20T10:00:07Z",
    actor="ann",
    reason="urgency",
    plan_id="4f3a9c2b7d1e8a60",
    commit="0123456789abcdef",
    summary=ChangeCounts(1, 2, 0),
    parent=3,
)
UNITS = (
    UnitRecord(
        "type/mail",
        "applied",
        ({"action": "change", "kind": "type", "address": "type/mail"},),
        ("ALTER TABLE mail__analysis ADD COLUMN due date;",),
    ),
    UnitRecord("type/web", "failed", error="UNIQUE constraint failed"),
)
ARCHIVES = [
    ArchiveRecord(
        7, "column", "mail", "mail__analysis", "due", "_archived_3_due", 3, 17, "2026-11-01T10:00:00Z"
    ),
    ArchiveRecord(
        8,
        "table",
        "web",
        "web__page",
        None,
        "_archived_3_page",
        3,
        1,
        "2026-11-01T10:00:00Z",
        "2026-12-01T10:00:00Z",
    ),
]


APPLIED = Outcome("4f3a9c2b7d1e8a60", 5, ("type/mail",))


def status(**parts: Any) -> Status:
    objects = tuple(ObjectStatus(f"agent/a{n}", "", "enabled") for n in range(60))
    defaults: dict[str, Any] = {
        "source": "agents.d",
        "database": "sqlite:///reconciler.db",
        "revision": REVISION,
        "counts": Counts(types=1, agents=60, tables=2),
        "pending": True,
        "drift": 0,
        "problems": 0,
        "next_command": "reconcile --plan",
        "objects": objects,
    }
    return Status(**{**defaults, **parts})


@dataclass
class InMemoryReconciler:
    """`outcome` is what an apply, restore or purge comes to; `done` lists those calls as they were made."""

    plan_: Plan = field(default_factory=samples.first_apply)
    outcome: Outcome = APPLIED
    revisions: list[RevisionSummary] = field(default_factory=lambda: [REVISION])
    records: list[ArchiveRecord] = field(default_factory=lambda: list(ARCHIVES))
    status_: Status = field(default_factory=status)
    raises: BaseException | None = None
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __enter__(self) -> InMemoryReconciler:
        if self.raises:
            raise self.raises
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def plan(self, *, allow: Sequence[str] = (), use_cache: bool = True) -> Plan:
        return self.plan_

    def rollback_plan(self, revision: int | None) -> Plan:
        self.done.append(("rollback_plan", {"revision": revision}))
        return self.plan_

    def apply(self, plan: Plan, **given: Any) -> Outcome:
        given.pop("progress")("type/mail", 0, 1)
        self.done.append(("apply", given))
        return self.outcome

    def history(self, limit: int) -> list[RevisionSummary]:
        return self.revisions[:limit]

    def revision(self, number: int) -> RevisionDetail:
        if number != REVISION.number:
            raise NotFound(f"there is no revision {number}", hint="reconcile history")
        return RevisionDetail(REVISION, UNITS)

    def archives(self, include_gone: bool = False) -> list[ArchiveRecord]:
        return self.records

    def expired_archives(self) -> list[ArchiveRecord]:
        return [record for record in self.records if record.purge_after]

    def restore_archive(self, number: int, **given: Any) -> Outcome:
        self.done.append(("restore", {"number": number, **given}))
        return self.outcome

    def purge_archive(self, number: int, **given: Any) -> Outcome:
        self.done.append(("purge", {"number": number, **given}))
        return self.outcome

    def status(self) -> Status:
        return self.status_


@dataclass
class Bootstrap:
    """What stands in for `reconciler.bootstrap`; `opened` are the settings it was asked with."""

    reconciler: InMemoryReconciler = field(default_factory=InMemoryReconciler)
    loaded: Loaded = field(default_factory=lambda: Loaded(state_of([]), (), 0))
    opened: list[Settings] = field(default_factory=list)

    def open_reconciler(self, settings: Settings, *, create: bool = False) -> InMemoryReconciler:
        self.opened.append(settings)
        return self.reconciler

    def load_manifests(self, settings: Settings, *, use_cache: bool = True) -> Loaded:
        self.opened.append(settings)
        return self.loaded


def failing(error: ReconcilerError | BaseException) -> InMemoryReconciler:
    return InMemoryReconciler(raises=error)

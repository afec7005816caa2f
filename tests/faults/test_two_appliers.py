"""Two appliers of one database: exactly one writes, the other is refused before its first write."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from reconciler.database import inspection, records
from reconciler.database.connection import connect
from reconciler.errors import Locked, StalePlan
from tests.acceptance.evolution import manifests
from tests.acceptance.workbench import Workbench
from tests.faults.applier import Applier, Fault

LOCKED, STALE = Locked.exit_status, StalePlan.exit_status

BEFORE = manifests({"models": {"item": {"fields": {"code": "string"}}}}, "1.0.0")
AFTER = manifests(
    {"models": {"item": {"fields": {"code": {"type": "string", "unique": True}, "size": "integer"}}}}, "2.0.0"
)

LEASE = 2.0
"""Seconds, where it matters how long a lease lasts."""


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Workbench:
    bench = Workbench(database_url, tmp_path, large_table_rows=1, lock_timeout=0.2)
    bench.apply(BEFORE)
    bench.insert({"item": [{"code": f"c{i}"} for i in range(5)]})
    if not database_url.startswith("sqlite"):
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("ANALYZE")
    bench.write(AFTER)
    return bench


@pytest.fixture
def start(bench: Workbench) -> Callable[[Fault | None], Applier]:
    def begin(fault: Fault | None = None) -> Applier:
        return Applier(bench.settings, fault=fault)

    return begin


def revisions(bench: Workbench) -> list[tuple[int, str]]:
    with connect(bench.url) as connection:
        return [(revision.number, revision.state) for revision in records.revisions(connection)]


def everything(bench: Workbench) -> list[object]:
    """Every row of the catalog but the lease's own, and what moves with the schema."""
    tables = (
        "revisions",
        "revision_units",
        "revision_objects",
        "agent_types",
        "audit",
        "archives",
        "catalog_meta",
    )
    with connect(bench.url) as connection:
        rows = [sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables]
        return [*rows, inspection.fingerprint(connection)]


@pytest.mark.parametrize("point", ["lease", "recorded", "unit", "statement", "before-commit", "after-commit"])
def test_the_second_is_refused_before_its_first_write(
    bench: Workbench, start: Callable[..., Applier], point: str
) -> None:
    first = start(Fault(point, deed="wait"))
    first.waits()
    seen = everything(bench)
    assert start().ended() == LOCKED
    assert everything(bench) == seen
    first.go_on()
    assert first.ended() == 0
    assert revisions(bench) == [(2, "applied"), (1, "applied")]
    assert bench.plan().empty


def test_of_several_that_start_at_once_one_writes(bench: Workbench, start: Callable[..., Applier]) -> None:
    for round_ in range(3):
        bench.write(AFTER if round_ % 2 == 0 else BEFORE.replace("1.0.0", f"{round_ + 2}.0.0"))
        codes = sorted(applier.ended() for applier in [start() for _ in range(4)])
        # Who comes when all is done finds nothing to do, or that the plan it made meanwhile does not hold.
        assert codes[0] == 0
        assert set(codes) <= {0, STALE, LOCKED}
        assert revisions(bench)[0] == (round_ + 2, "applied")
        assert bench.plan().empty


STOPPED_AT = {"sqlite": ["lease", "recorded"], "postgresql": ["lease", "recorded", "concurrent-index"]}


@pytest.mark.parametrize(
    ("dialect", "point"),
    [
        pytest.param(dialect, point, marks=[pytest.mark.postgres] if dialect != "sqlite" else [])
        for dialect, points in STOPPED_AT.items()
        for point in points
    ],
)
def test_who_was_stopped_past_its_lease_cannot_write_any_more(
    bench: Workbench, start: Callable[..., Applier], point: str
) -> None:
    bench.settings = replace(bench.settings, lease_seconds=LEASE)
    first = start(Fault(point, deed="wait"))
    first.waits()
    assert first.process.pid is not None
    os.kill(first.process.pid, signal.SIGSTOP)
    try:
        time.sleep(LEASE)
        assert start().ended() == 0
        seen = everything(bench)
    finally:
        os.kill(first.process.pid, signal.SIGCONT)
    first.go_on()
    # Before it had begun, it sees in time that its plan does not hold any more.
    assert first.ended() == (STALE if point == "lease" else LOCKED)
    assert everything(bench) == seen
    assert bench.plan().empty


@pytest.mark.postgres
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_a_statement_that_takes_longer_than_the_lease_lasts_does_not_lose_it(
    bench: Workbench, start: Callable[..., Applier]
) -> None:
    bench.settings = replace(bench.settings, lease_seconds=LEASE)
    first = start(Fault("concurrent-index", deed="wait"))
    first.waits()
    time.sleep(1.5 * LEASE)
    assert start().ended() == LOCKED
    first.go_on()
    assert first.ended() == 0
    assert bench.plan().empty

"""kill -9 at every named point of an apply: the next apply converges at once and no row is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import open_reconciler
from reconciler.database import records
from reconciler.database.connection import connect
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.sql_text import quote
from reconciler.errors import Locked
from tests.acceptance.workbench import Workbench
from tests.faults import shop
from tests.faults.applier import Applier, Fault
from tests.faults.copies import Copies, copies_of

KILLED = -9

_EVERYWHERE = ["lease", "begin", "recorded", "unit", "statement", "before-commit", "after-commit", "finished"]
_ONLINE = ["concurrent-index", "backfill", "backfill-batch", "validate", "switch", "settling", "settled"]
POINTS = {"sqlite": _EVERYWHERE, "postgresql": [*_EVERYWHERE, *_ONLINE]}

CASES = [
    pytest.param(
        dialect, point, id=f"{dialect}-{point}", marks=[pytest.mark.postgres] if dialect != "sqlite" else []
    )
    for dialect, points in POINTS.items()
    for point in points
]

RANDOM_SECONDS = float(os.environ.get("RECONCILER_TEST_KILL_SECONDS", "5"))
"""How long each database is shot at by the clock."""

TAKEOVER = 5.0
"""Seconds a PostgreSQL server may need to see that a killed client is gone; a lease lasts six times as long.
"""


@dataclass(frozen=True)
class Range:
    """Copies of one filled database, and what an apply that nobody disturbs makes of it."""

    copies: Copies
    reference: dict[str, Any]
    points: Counter[str]
    seconds: float

    def bench(self, folder: Path) -> Workbench:
        bench = Workbench(self.copies.take(), folder, large_table_rows=1)
        bench.write(shop.AFTER)
        return bench


@pytest.fixture(scope="module")
def ranges(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Range]]:
    made: dict[str, Range] = {}
    opened: list[Copies] = []

    def take(dialect: str) -> Range:
        if dialect not in made:
            folder = tmp_path_factory.mktemp(dialect)
            copies = copies_of(dialect, folder, request)
            opened.append(copies)
            filled = Workbench(copies.original, folder / "before")
            filled.apply(shop.BEFORE)
            filled.insert(shop.ROWS)
            copies.seal()
            made[dialect] = undisturbed(copies, folder / "reference")
        return made[dialect]

    yield take
    for copies in opened:
        copies.drop()


def undisturbed(copies: Copies, folder: Path) -> Range:
    bench = Range(copies, {}, Counter(), 0).bench(folder)
    points: Counter[str] = Counter()
    began = time.monotonic()
    with open_reconciler(bench.settings) as reconciler:
        reconciler.apply(
            reconciler.plan(), allow=shop.ALLOW, progress=lambda point, done, total: points.update([point])
        )
    return Range(copies, picture(bench), points, time.monotonic() - began)


@pytest.mark.parametrize(("dialect", "point"), CASES)
def test_a_killed_apply_is_taken_up_where_it_was(
    dialect: str, point: str, ranges: Callable[[str], Range], tmp_path: Path
) -> None:
    target = ranges(dialect)
    last = target.points[point]
    assert last, f"an apply does not come to {point}"
    for occurrence in sorted({1, (1 + last) // 2, last}):
        bench = target.bench(tmp_path / str(occurrence))
        fault = Fault(point, occurrence)
        assert Applier(bench.settings, shop.ALLOW, fault).ended() == KILLED
        converge(bench)
        assert picture(bench) == target.reference, fault


@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_an_apply_killed_at_any_moment_is_taken_up_where_it_was(
    dialect: str, ranges: Callable[[str], Range], tmp_path: Path
) -> None:
    target = ranges(dialect)
    chance = random.Random(20261122)
    end = time.monotonic() + RANDOM_SECONDS
    killed = 0
    while time.monotonic() < end:
        bench = target.bench(tmp_path / str(killed))
        applier = Applier(bench.settings, shop.ALLOW)
        delay = chance.uniform(0, 2 * target.seconds)
        time.sleep(delay)
        applier.kill()
        converge(bench)
        assert picture(bench) == target.reference, f"killed after {delay} s"
        killed += 1
    assert killed


def test_a_very_first_apply_killed_at_any_moment_is_taken_up(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    """It makes the catalog, too."""
    chance = random.Random(11)
    for round_ in range(3):
        bench = Workbench(new_database(), tmp_path / str(round_))
        bench.write(shop.AFTER)
        applier = Applier(bench.settings)
        time.sleep(chance.uniform(0.1, 1.0))
        applier.kill()
        converge(bench)
        bench.insert({"ledger.entry": [{"amount": 1}]})


@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_what_a_killed_apply_had_done_can_be_rolled_back(
    dialect: str, ranges: Callable[[str], Range], tmp_path: Path
) -> None:
    bench = ranges(dialect).bench(tmp_path)
    before = bench.snapshot()
    assert Applier(bench.settings, shop.ALLOW, Fault("after-commit")).ended() == KILLED
    with open_reconciler(bench.settings) as reconciler:
        outcome = reconciler.apply(reconciler.rollback_plan(), allow=shop.ALLOW)
    assert not outcome.failed
    after = bench.snapshot()
    assert after["structure"] == before["structure"]
    for table in ("shop__customer", "shop__scrap"):
        assert after["rows"][table] == before["rows"][table]


SLEEPER = """
import sys
from reconciler.database.connection import connect

with connect(sys.argv[1]) as connection, connection.transaction():
    print("asleep", flush=True)
    connection.execute("SELECT pg_sleep(60)")
"""


def test_a_server_does_not_work_on_for_a_client_that_was_killed(postgres_url: str) -> None:
    sleeper = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, postgres_url], stdout=subprocess.PIPE, text=True
    )
    assert sleeper.stdout is not None
    assert sleeper.stdout.readline() == "asleep\n"
    sleeper.kill()
    sleeper.communicate()
    working = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE query LIKE '%pg_sleep(60)' AND datname = current_database()"
    )
    end = time.monotonic() + TAKEOVER
    with connect(postgres_url) as connection:
        if connection.execute("SHOW server_version_num") < [("140000",)]:
            pytest.skip("before version 14 a server cannot tell")
        while connection.execute(working) != [(0,)]:
            assert time.monotonic() < end
            time.sleep(0.1)


def converge(bench: Workbench) -> None:
    """One more apply, as anybody would run it; afterwards there is nothing left to do."""
    end = time.monotonic() + TAKEOVER
    while True:
        try:
            bench.reconcile(allow=shop.ALLOW)
            break
        except Locked:
            if bench.url.startswith("sqlite") or time.monotonic() > end:
                raise
            time.sleep(0.05)
    plan = bench.plan()
    assert plan.empty
    assert not plan.drift
    assert not plan.hazards
    with connect(bench.url) as connection:
        assert records.first_broken_link(connection) is None
        assert {revision.state for revision in records.revisions(connection)} <= {"applied", "interrupted"}


def picture(bench: Workbench) -> dict[str, Any]:
    """Everything that must come out the same: structure, rows, what is parked, what is registered."""
    with connect(bench.url) as connection:
        parked = {
            f"{entry.table}.{entry.column}": (entry.rows, connection.execute(parked_values(bench, entry)))
            for entry in records.archives(connection)
        }
        registered = records.entries(connection)
    return {**bench.snapshot(), "parked": parked, "registered": registered}


def parked_values(bench: Workbench, entry: records.ArchiveRecord) -> str:
    if entry.column is not None:
        return f"SELECT id, {quote(entry.stored_as)} FROM {quote(entry.table)} ORDER BY id"
    schema = "" if bench.url.startswith("sqlite") else f"{quote(ARCHIVE_SCHEMA)}."
    return f"SELECT id, text FROM {schema}{quote(entry.stored_as)} ORDER BY id"

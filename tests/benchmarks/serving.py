"""Contests of serving: pages of results beside other servers on the same table, tasks beside bare inserts."""

from __future__ import annotations

import sys

from tests.benchmarks.contest import AtMost, Contender, Contest, Goal, TimesFaster
from tests.benchmarks.installing import python_environment
from tests.benchmarks.racing import ROOT
from tests.benchmarks.stage import Stage

_PAGES, _TASKS = "2000", "2000"


def results_beside_bare_route(stage: Stage) -> Contest:
    return _contest(stage, "ours", "bare", _PAGES, "2,000 pages of 50 rows, one process", AtMost(1.3))


def results_beside_datasette(stage: Stage) -> Contest:
    datasette = python_environment(stage.peers, "datasette", "datasette>=0.65,<1") / "datasette"
    environment = {"DATASETTE": str(datasette)}
    return _contest(stage, "ours", "datasette", "600", "600 pages of 50 rows", TimesFaster(5), environment)


def slowest_beside_median(stage: Stage) -> Contest:
    return _contest(
        stage,
        "p99",
        "p50",
        _PAGES,
        "2,000 pages at 80 % of what one process can, 99 in 100 beside half",
        AtMost(5),
    )


def submission_beside_inserts(stage: Stage) -> Contest:
    return _contest(stage, "submit", "insert", _TASKS, "2,000 tasks submitted, each durable", AtMost(1 / 0.6))


def _contest(
    stage: Stage,
    ours: str,
    theirs: str,
    count: str,
    title: str,
    goal: Goal,
    environment: dict[str, str] | None = None,
) -> Contest:
    def contender(server: str) -> Contender:
        folder = stage.new_folder(f"serving-{server}")
        command = (sys.executable, "-m", "tests.benchmarks.serve_rows", server, str(folder), count)
        return Contender(server, command, folder=ROOT, environment=environment or {}, own_clock=True)

    return Contest(title, contender(ours), contender(theirs), goal)

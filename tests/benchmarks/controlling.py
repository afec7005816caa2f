"""A controller at work: from a saved file to the applied revision, and what it costs while nothing happens."""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.benchmarks.contest import Contender, Contest, Within
from tests.benchmarks.stage import Dialect, Stage, python

SAVES = 9
PUSHES = 5
QUIET = 20
"""Seconds of rest in which the processor's time is counted."""


def save_to_applied(stage: Stage, dialect: Dialect) -> Contest:
    """Beside the bare watcher and a stat of all files."""
    source = stage.large_source()
    database = stage.applied(source, dialect)
    return Contest(
        f"save → applied, {_files(stage)}, {dialect}",
        _follow(stage, "saved", source, database, SAVES),
        replace(_follow(stage, "event", source, database, SAVES), name="watchfiles + stat"),
        Within(0.3),
    )


def push_to_applied(stage: Stage) -> Contest:
    """Beside git alone: the same pushes, fetched and listed."""
    source = stage.large_source()
    arguments = (str(source), stage.applied(source, "sqlite"), str(PUSHES))
    cache = {"RECONCILER_CACHE_DIR": str(stage.folder / "cache")}
    ours = python("pushing", "applied", *arguments)
    return Contest(
        f"push with webhook → applied, {_files(stage)}, sqlite",
        replace(ours, name="reconcile --watch, pushed", environment=cache, own_clock=True),
        replace(python("pushing", "git", *arguments), name="git push, fetch, ls-tree", own_clock=True),
        Within(1.0),
    )


def idle(stage: Stage) -> Contest:
    """Seconds of processor in twenty of rest: 0.2 are one in a hundred of one processor."""
    source = stage.large_source()
    return Contest(
        f"watching {_files(stage)} for {QUIET} s of rest, processor time",
        _follow(stage, "idle", source, stage.applied(source, "sqlite"), QUIET),
        Contender("nothing", (sys.executable, "-c", "print(0.0001)"), own_clock=True),
        Within(QUIET / 100),
    )


def _follow(stage: Stage, way: str, source: object, database: str, count: int) -> Contender:
    return replace(
        python("follow", way, str(source), database, str(count)),
        name=f"reconcile --watch, {way}",
        environment={"RECONCILER_CACHE_DIR": str(stage.folder / "cache")},
        own_clock=True,
    )


def _files(stage: Stage) -> str:
    return f"{stage.sizes.types + stage.sizes.agents:,} files"

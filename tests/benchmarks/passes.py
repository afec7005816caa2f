"""`python -m tests.benchmarks.passes WAY SOURCE DATABASE COUNT [--less-stat]`: how long a controller's pass takes.

SOURCE has been applied to DATABASE. WAY is `none`, `one` or `all`: how many of the manifests are edited before each
of COUNT passes, whose median counts, from the first look at the source to the last condition that was written. An
edited type gains a field and a version, an edited agent another setting. With --less-stat, what the stat of all
files alone takes is subtracted: what remains is what must not grow. The number stands in the last line.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from reconciler.bootstrap import examination, open_reconciler
from reconciler.control.controller.health import Checkups
from reconciler.control.controller.passes import Passes, Report
from reconciler.database.lease import acquire
from reconciler.settings import Settings
from tests.benchmarks.floor import stats_of
from tests.benchmarks.follow import save
from tests.benchmarks.generate import mutate

SETTLING = 2.2
"""Seconds until the times of what was written can be trusted, so that no pass reads it a second time."""


def main() -> None:
    way, source, database, count, *options = sys.argv[1:]
    settings = Settings(source=source, database=database)
    with open_reconciler(settings, create=True, stays=True) as reconciler:
        connection = reconciler.catalog()
        lease = acquire(connection, "benchmark", holder="benchmark", ttl=3600)
        passes = Passes(reconciler, Checkups(examination()), actor="benchmark")

        def run() -> Report:
            return passes.run(connection, lease)

        run()  # reads what is known on disk
        taken = [_timed(run, way, Path(source), number) for number in range(int(count))]
    stat = _stat(source) if options else 0.0
    print(f"{max(1e-6, statistics.median(taken) - stat):.6f}")


def _timed(run: Callable[[], Report], way: str, source: Path, number: int) -> float:
    if way == "one":
        save(source, number)
    elif way == "all":
        mutate(source, "all")
    if way != "none":
        time.sleep(SETTLING)
    begun = time.perf_counter()
    report = run()
    taken = time.perf_counter() - begun
    applied = len(report.outcome.applied) if report.outcome is not None else 0
    if (way != "none") != bool(applied) or report.waiting or (report.outcome and report.outcome.failed):
        raise SystemExit(
            f"that was no pass with {way} changed: {applied} units were applied, {report.waiting}"
        )
    return taken


def _stat(source: str) -> float:
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        stats_of(source)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


if __name__ == "__main__":
    main()

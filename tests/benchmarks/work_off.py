"""`python -m tests.benchmarks.work_off WAY URL COUNT`: so many tasks, from the first submission to the last committed
row, by a worker of two processes that waits for them; prints the seconds.

WAY is `pool`; `celery`, by the broker of RECONCILER_BROKER_URL; `idle`: one task at a time is submitted to a worker
that has nothing to do, and the seconds are the median of one; or `here`: as that, but without any worker, run by the
process that submits it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from reconciler.bootstrap import agent_factory
from reconciler.database.connection import Connection
from reconciler.database.tasks import NewTask, get
from reconciler.execution.inline import run_inline
from reconciler.settings import Settings
from tests.benchmarks.job_type import given, prepare, stored, submit

WARMING = 40
PATIENCE = 120.0


def main() -> None:
    way, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    connection = prepare(url)
    if way == "here":
        print(f"{_here(connection, url, count):.6f}")
        return
    command = [
        str(Path(sys.executable).with_name("reconcile")),
        "worker",
        "--children",
        "2",
        "--no-scheduler",
    ]
    command += ["--executor", "celery"] if way == "celery" else []
    worker = subprocess.Popen(
        command,
        env={**os.environ, "RECONCILER_DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        submit(connection, WARMING)
        until(lambda: stored(connection) == WARMING)
        time.sleep(0.5)
        print(f"{_one_by_one(connection, count) if way == 'idle' else _all(connection, count):.6f}")
    finally:
        worker.terminate()
        worker.wait()


def _all(connection: Connection, count: int) -> float:
    began = time.perf_counter()
    submit(connection, count)
    until(lambda: stored(connection) == WARMING + count)
    return time.perf_counter() - began


def _one_by_one(connection: Connection, count: int) -> float:
    waits = []
    for _ in range(count):
        time.sleep(0.05)
        began = time.perf_counter()
        (id_,) = submit(connection, 1)
        until(lambda id_=id_: get(connection, id_).line.state.ended, pause=0.0005)  # type: ignore[misc]
        waits.append(time.perf_counter() - began)
    return statistics.median(waits)


def _here(connection: Connection, url: str, count: int) -> float:
    settings = Settings(database=url)
    factory = agent_factory()
    waits = []
    for number in range(count):
        began = time.perf_counter()
        run_inline(connection, factory, NewTask("filer", given(number)), settings)
        waits.append(time.perf_counter() - began)
    return statistics.median(waits)


def until(condition: Callable[[], bool], pause: float = 0.005) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the tasks do not come to their end")
        time.sleep(pause)


if __name__ == "__main__":
    main()

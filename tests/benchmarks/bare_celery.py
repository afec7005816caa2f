"""`python -m tests.benchmarks.bare_celery URL COUNT`: Celery tasks that do to the database what the executor `celery`
does for each task, and nothing else: claim the task's row, then in one durable transaction write the row it is about
and record the end. No child, no pipeline. Submitted after their commit, by the same broker (RECONCILER_BROKER_URL);
prints the seconds from the first submission to the last row.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

from celery import Celery

from reconciler.database.connection import Connection, connect
from reconciler.database.rows.ids import reserve
from reconciler.database.tasks import Ended, claim_one, finish
from reconciler.spec.task import TaskResult, Write
from tests.benchmarks.job_type import prepare, stored, submit
from tests.benchmarks.work_off import WARMING, until

URL = os.environ.get("JOBS_DATABASE", "")

app = Celery("bare", broker=os.environ.get("RECONCILER_BROKER_URL", ""))
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="bare",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
_connection: Connection | None = None


@app.task(name="bare")
def bare(task_id: str) -> None:
    global _connection
    _connection = connection = _connection or connect(URL)
    claimed = claim_one(connection, "bare", task_id, ttl=30)
    assert claimed is not None
    (row,) = reserve(connection, "jobs__entry", 1)
    values = dict(claimed.task.input)
    write = Write("jobs", "entry", "filer", "1.0.0", "insert", values, row)
    finish(connection, [Ended(claimed, TaskResult(output=values, writes=(write,), output_row=0))])


def main() -> None:
    url, count = sys.argv[1], int(sys.argv[2])
    connection = prepare(url)
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.benchmarks.bare_celery",
        "worker",
        "--concurrency=2",
    ]
    command += ["--without-gossip", "--without-mingle", "--loglevel=ERROR"]
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    worker = subprocess.Popen(command, env={**os.environ, "JOBS_DATABASE": url}, **quiet)
    try:
        _send(connection, WARMING)
        until(lambda: stored(connection) == WARMING)
        time.sleep(0.5)
        began = time.perf_counter()
        _send(connection, count)
        until(lambda: stored(connection) == WARMING + count)
        print(f"{time.perf_counter() - began:.6f}")
    finally:
        worker.terminate()
        worker.wait()


def _send(connection: Connection, count: int) -> None:
    for task_id in submit(connection, count):
        bare.delay(task_id)


if __name__ == "__main__":
    main()

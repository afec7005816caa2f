"""Many workers on the same rows: each conflict is run again, and in the end every task has counted exactly once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.database import tasks
from reconciler.database.connection import connect
from reconciler.database.failures import LockTimeout
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.tasks import Claimed, Ended, NewTask
from reconciler.errors import RunError
from reconciler.spec.task import Failure, TaskResult
from reconciler.tools.rows import TaskRows
from tests.integration.deployed import agent_of, deploy, type_of
from tests.integration.notes import let_be_due

TASKS, KEYS, WORKERS = 80, 30, 4
COUNTERS = type_of(
    "counters",
    {
        "counter": {"key": {"type": "string", "unique": True}, "made_by": "string"},
        "entry": {"counter": {"type": "reference", "model": "counter", "required": True}, "n": "integer"},
    },
)


def run(host: DatabaseHost, claimed: Claimed) -> TaskResult:
    """Finds or makes the counter of its key, and enters itself there."""
    rows = TaskRows(host, COUNTERS, claimed.task.agent, claimed.task.id)
    number: int = claimed.task.input["n"]
    try:
        counter = rows.write(
            "counter", "upsert", ["key"], {"key": f"k{number % KEYS}", "made_by": claimed.task.id}
        )
        rows.write("entry", "insert", (), {"counter": counter["id"], "n": number})
    except RunError as error:
        return TaskResult(failure=Failure(error.code, error.message))
    return TaskResult({"counter": counter["id"]}, tuple(rows.writes), output_row=1)


class Worker(threading.Thread):
    """Claims and finishes in batches, and now and then forgets what it has claimed."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(name=name)
        self.url, self.ended = url, list[tasks.Finished]()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self._work(random.Random(self.name))
        except BaseException as error:
            self.failure = error

    def _work(self, chance: random.Random) -> None:
        with connect(self.url, lock_timeout=30) as db, connect(self.url, lock_timeout=30) as for_host:
            host = DatabaseHost(for_host)
            while db.execute("SELECT 1 FROM tasks WHERE state IN ('pending', 'running') LIMIT 1"):
                claims = tasks.claim(
                    db, self.name, chance.randint(1, 8), ttl=0.2 if chance.random() < 0.2 else 60
                )
                if not claims:
                    let_be_due(db)
                    continue
                if chance.random() < 0.1:
                    tasks.heartbeat(db, self.name, {one.task.id: one.token for one in claims}, ttl=-1)
                    continue
                self.ended += self._finish(db, [Ended(one, run(host, one)) for one in claims])

    def _finish(self, db: Any, ended: list[Ended]) -> list[tasks.Finished]:
        while True:
            try:
                return tasks.finish(db, ended)
            except LockTimeout:  # such as a deadlock, which the server ends by failing one of the two
                continue


@pytest.mark.parametrize("turn", [1, 2])
def test_every_task_has_exactly_its_rows(new_database: Callable[[], str], turn: int) -> None:
    url = new_database()
    with connect(url) as db:
        deploy(db, [COUNTERS], [agent_of("ann", "counters", limits={"concurrency": 20})])
        tasks.submit(db, [NewTask("ann", {"n": n}, max_attempts=1000) for n in range(TASKS)])
        workers = [Worker(url, f"w{turn}{number}") for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=120)
            assert worker.failure is None, worker.failure
        assert db.execute("SELECT state, count(*) FROM tasks GROUP BY state") == [("succeeded", TASKS)]
        assert db.execute("SELECT n FROM counters__entry ORDER BY n") == [(n,) for n in range(TASKS)]
        counters = db.execute("SELECT count(*), count(DISTINCT key) FROM counters__counter")
        assert counters == [(KEYS, KEYS)]
        acknowledged = [
            one for worker in workers for one in worker.ended if one.state == "succeeded" and not one.lost
        ]
        assert len(acknowledged) == TASKS
        outputs = dict(db.execute("SELECT id, counter FROM counters__entry"))
        assert all(one.output and outputs[one.output["id"]] == one.output["counter"] for one in acknowledged)

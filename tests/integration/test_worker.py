"""A worker runs what is due, records each end once, hears when it is called, and leaves in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from reconciler.agents.static import StaticAgents
from reconciler.database import incidents, tasks, workers
from reconciler.database.connection import Connection, connect
from reconciler.errors import InvalidInput, NotFound
from reconciler.execution import worker as working
from reconciler.execution.host_calls import HostCalls
from reconciler.execution.monitoring import Metrics
from reconciler.execution.pool import Pool
from reconciler.execution.tasks import TaskQueue
from reconciler.execution.worker import Scope, Worker
from reconciler.execution.zygote import Setup
from reconciler.spec.task import TaskState
from tests.integration.hostile_agents import Asker, Echo, Hostile
from tests.integration.tallies import check_tallies, deploy_tallies, submit_tallies

ROOT = str(Path(__file__).parents[2])
SETUP = Setup("tests.integration.hostile_agents:program")
STATIC = StaticAgents(Echo, Asker, Hostile)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ROOT)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy_tallies(opened)
        yield opened


@pytest.fixture
def queue(connection: Connection) -> TaskQueue:
    return TaskQueue(connection, STATIC)


def worker_for(url: str, children: int = 1, **more: Any) -> Worker:
    return Worker(lambda: connect(url), lambda host: Pool(SETUP, HostCalls(host), children=children), **more)


@contextmanager
def at_work(worker: Worker, **how: Any) -> Iterator[threading.Thread]:
    """It works on another thread, and is stopped at the end."""
    thread = threading.Thread(target=worker.run, kwargs=how)
    thread.start()
    try:
        yield thread
    finally:
        worker.stop()
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def state_of(connection: Connection, task_id: str) -> TaskState:
    return tasks.get(connection, task_id).line.state


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.002)


def test_every_task_is_run_once_and_has_its_rows(connection: Connection, database_url: str) -> None:
    submit_tallies(connection, 150)
    worker_for(database_url, children=2).run("idle")
    check_tallies(database_url, 150)
    assert {line.state for line in tasks.list_tasks(connection, limit=200).tasks} == {TaskState.SUCCEEDED}
    assert workers.enlisted(connection) == []


def test_two_workers_share_the_work(connection: Connection, database_url: str) -> None:
    submit_tallies(connection, 100)
    first, second = (worker_for(database_url) for _ in range(2))
    with at_work(first), at_work(second):
        eventually(lambda: not tasks.waiting_and_running(connection), 30)
    check_tallies(database_url, 100)


def test_what_a_task_was_and_did_is_recorded(connection: Connection, database_url: str) -> None:
    (id_,) = submit_tallies(connection, 1)
    worker_for(database_url).run("idle")
    record = tasks.get(connection, id_)
    assert record.output is not None
    assert (record.output["number"], record.output["text"]) == (0, "number 0")
    assert [(step["step"], step["status"]) for step in record.trace] == [
        ("say", "succeeded"),
        ("save", "succeeded"),
        ("stroke", "succeeded"),
    ]
    assert (record.line.type_version, record.line.attempts) == ("1.0.0", 1)


def test_static_agents_run_beside_dynamic_ones(
    connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    static = queue.submit("echo", {"text": "hello"}).id
    (dynamic,) = submit_tallies(connection, 1)
    worker_for(database_url).run("idle")
    assert tasks.get(connection, static).output == {"text": "hello", "pid": pytest.approx(1, abs=2**32)}
    assert state_of(connection, dynamic) is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    ("deed", "severity", "kind"),
    [
        ("garbage", "critical", "protocol"),
        ("run_program", "critical", "process"),
        ("leave", "warning", "crash"),
    ],
)
def test_a_hostile_task_leaves_an_incident_and_the_worker_goes_on(
    deed: str, severity: str, kind: str, connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    bad = queue.submit("hostile", {"deed": deed}, max_attempts=1).id
    submit_tallies(connection, 3)
    worker_for(database_url).run("idle")
    (incident,) = incidents.latest(connection)
    assert (incident.severity, incident.kind, incident.task_id) == (severity, kind, bad)
    assert state_of(connection, bad) in (TaskState.DEAD_LETTER, TaskState.FAILED)
    check_tallies(database_url, 3)


def test_a_crash_is_tried_again_later(connection: Connection, queue: TaskQueue, database_url: str) -> None:
    id_ = queue.submit("hostile", {"deed": "leave"}).id
    worker_for(database_url).run("idle")
    record = tasks.get(connection, id_)
    assert (record.line.state, record.line.attempts) == (TaskState.PENDING, 1)
    assert record.failure is not None
    assert record.failure.code == "crashed"


def test_a_running_task_is_cancelled_within_seconds(
    connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    id_ = queue.submit("hostile", {"deed": "oversleep"}).id
    with at_work(worker_for(database_url)):
        eventually(lambda: state_of(connection, id_) is TaskState.RUNNING)
        tasks.cancel(connection, id_, "ann", "enough")
        eventually(lambda: state_of(connection, id_) is TaskState.CANCELLED, 5)
    record = tasks.get(connection, id_)
    assert record.failure is not None
    assert "ann" in record.failure.message


def test_an_idle_worker_begins_when_the_bell_rings(
    connection: Connection, queue: TaskQueue, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at its next look at the queue, which is an hour away."""
    monkeypatch.setattr(working, "LOOK", 3600.0)
    with at_work(worker_for(database_url)):
        for number in range(6):
            (id_,) = submit_tallies(connection, 1, first=number)
            eventually(lambda id_=id_: state_of(connection, id_).ended)  # type: ignore[misc]


def test_stopping_lets_what_runs_come_to_its_end(
    connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    id_ = queue.submit("hostile", {"deed": "nap"}).id
    worker = worker_for(database_url)
    with at_work(worker) as thread:
        eventually(lambda: state_of(connection, id_) is TaskState.RUNNING)
        (late,) = submit_tallies(connection, 1)
        worker.stop()
        thread.join(10)
        assert not thread.is_alive()
    assert state_of(connection, id_) is TaskState.SUCCEEDED
    assert state_of(connection, late) in (TaskState.PENDING, TaskState.SUCCEEDED)


@pytest.mark.parametrize("wishes", [1, 2], ids=["at the end of the grace", "asked twice"])
def test_what_does_not_end_in_time_is_given_back_and_counts_as_no_attempt(
    wishes: int, connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    id_ = queue.submit("hostile", {"deed": "oversleep"}).id
    worker = worker_for(database_url)
    with at_work(worker, grace=0.3 if wishes == 1 else 60) as thread:
        eventually(lambda: state_of(connection, id_) is TaskState.RUNNING)
        for _ in range(wishes):
            worker.stop()
        thread.join(10)
        assert not thread.is_alive()
    line = tasks.get(connection, id_).line
    assert (line.state, line.attempts) == (TaskState.PENDING, 0)


def test_once_is_one_task(connection: Connection, database_url: str) -> None:
    submit_tallies(connection, 3)
    worker_for(database_url, children=2).run("once")
    states = [line.state for line in tasks.list_tasks(connection).tasks]
    assert sorted(states) == ["pending", "pending", "succeeded"]


def test_a_worker_takes_only_what_it_is_for(
    connection: Connection, queue: TaskQueue, database_url: str
) -> None:
    (dynamic,) = submit_tallies(connection, 1)
    static = queue.submit("echo", {}).id
    worker_for(database_url, scope=Scope(kind="static")).run("idle")
    assert state_of(connection, dynamic) is TaskState.PENDING
    assert state_of(connection, static) is TaskState.SUCCEEDED
    worker_for(database_url, scope=Scope(agents=frozenset({"counter"}))).run("idle")
    assert state_of(connection, dynamic) is TaskState.SUCCEEDED


def test_limits_of_an_agent_hold_across_its_tasks(new_database: Callable[[], str]) -> None:
    url = new_database()
    with connect(url) as db:
        deploy_tallies(db, concurrency=1)
        submit_tallies(db, 20)
        worker_for(url, children=2).run("idle")
    check_tallies(url, 20)


@pytest.mark.postgres
def test_a_worker_outlives_the_loss_of_its_connection(postgres_url: str) -> None:
    with connect(postgres_url) as db:
        deploy_tallies(db)
        submit_tallies(db, 300)
        with at_work(worker_for(postgres_url)):
            for _ in range(3):
                time.sleep(0.15)
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            eventually(lambda: not tasks.waiting_and_running(db), 60)
    check_tallies(postgres_url, 300)


def test_counters_tell_what_happened(connection: Connection, queue: TaskQueue, database_url: str) -> None:
    submit_tallies(connection, 2)
    queue.submit("hostile", {"deed": "leave"}, max_attempts=1)
    metrics = Metrics()
    worker_for(database_url, metrics=metrics).run("idle")
    told = generate_latest(metrics.registry).decode()
    assert 'reconciler_tasks_total{agent="counter",state="succeeded"} 2.0' in told
    assert 'reconciler_incidents_total{agent="hostile",kind="crash"} 1.0' in told
    assert 'reconciler_steps_total{agent="counter",call="database_writer",status="succeeded"} 4.0' in told


def test_there_must_be_something_to_work_on(sqlite_url: str) -> None:
    connect(sqlite_url).close()
    with pytest.raises(NotFound, match="nothing here"):
        worker_for(sqlite_url).run("idle")


# --- the way in ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "given", "error", "where"),
    [
        ("counter", {}, InvalidInput, "input"),
        ("counter", {"number": "one"}, InvalidInput, "input/number"),
        ("counter", {"number": 1, "word": "two"}, InvalidInput, "input/word"),
        ("nobody", {}, NotFound, ""),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_a_task(
    agent: str, given: dict[str, Any], error: type[Exception], where: str, queue: TaskQueue
) -> None:
    with pytest.raises(error) as refusal:
        queue.submit(agent, given)
    assert getattr(refusal.value, "where", "") == where


def test_a_key_names_one_task_however_often_it_is_submitted(queue: TaskQueue) -> None:
    first = queue.submit("counter", {"number": 1}, idempotency_key="k")
    again = queue.submit("counter", {"number": 1}, idempotency_key="k")
    assert (first.created, again.created) == (True, False)
    assert first.id == again.id

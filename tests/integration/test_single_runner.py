"""Tasks run one at a time by name: what policies demand of the host holds at the very moment of each claim."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.database.connection import Connection, connect
from reconciler.errors import Refused
from reconciler.execution.gate import Gate
from reconciler.execution.jobs import Done, Job
from reconciler.execution.single import Outcome, SingleRunner
from reconciler.spec.policy import Sandbox
from reconciler.spec.task import TaskResult
from tests.integration.notes import deploy_notes, states, submitted


class AtOnce:
    """An executor whose jobs have ended as soon as they are begun."""

    free = 1

    def __init__(self) -> None:
        self._done: list[Done] = []

    @property
    def busy(self) -> int:
        return len(self._done)

    def start(self, job: Job) -> None:
        self._done.append(Done(job, TaskResult(output={}), 0.0))

    def cancel(self, task_id: str) -> None:
        pass

    def withdraw(self) -> list[Job]:
        return []

    def poll(self, timeout: float) -> list[Done]:
        done, self._done = self._done, []
        return done

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        pass

    def unwatch(self, descriptor: int) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy_notes(opened)
        yield opened


@pytest.fixture
def runner(connection: Connection, database_url: str) -> Iterator[SingleRunner]:
    runner = SingleRunner(lambda: connect(database_url), lambda host: AtOnce(), gate=Gate(Sandbox.CALLS))
    yield runner
    runner.close()


def demand(connection: Connection, sandbox: str) -> None:
    text = json.dumps({"metadata": {"name": "p"}, "spec": {"sandbox": sandbox}})
    connection.execute("DELETE FROM policies")
    connection.execute(
        "INSERT INTO policies (name, digest, spec, revision) VALUES ('p', ?, ?, 1)", (sandbox, text)
    )


def test_a_policy_applied_between_two_tasks_holds_for_the_second(
    connection: Connection, runner: SingleRunner
) -> None:
    first, second, third = submitted(connection, count=3)
    demand(connection, "calls")
    assert runner.run(first) is Outcome.RAN
    demand(connection, "files")
    with pytest.raises(Refused, match="demands the sandbox"):
        runner.run(second)
    assert states(connection)[second] == "pending"
    assert attempts(connection, second) == 0, "what was not begun is no attempt"
    with pytest.raises(Refused):
        runner.run(third)
    demand(connection, "limits")
    assert [runner.run(id_) for id_ in (second, third)] == [Outcome.RAN] * 2


def test_what_is_recorded_of_policies_is_read_once_as_long_as_it_stays_the_same(
    connection: Connection, runner: SingleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Any] = []
    check = Gate.check_host
    monkeypatch.setattr(
        Gate, "check_host", lambda self, connection: (read.append(1), check(self, connection))
    )
    demand(connection, "limits")
    for id_ in submitted(connection, count=5):
        assert runner.run(id_) is Outcome.RAN
    assert len(read) == 1


def test_a_message_that_comes_twice_or_for_nothing_does_nothing(
    connection: Connection, runner: SingleRunner
) -> None:
    (id_,) = submitted(connection)
    assert [runner.run(id_) for _ in range(2)] == [Outcome.RAN, Outcome.NOT_OURS]
    assert runner.run("nobody") is Outcome.NOT_OURS


def attempts(connection: Connection, id_: str) -> int:
    return int(connection.execute("SELECT attempts FROM tasks WHERE id = ?", (id_,))[0][0])

"""Whatever happens to tasks and in whatever order: each ends once, and its rows are there exactly if it succeeded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from reconciler.database.connection import Connection, connect
from reconciler.database.rows.ids import reserve
from reconciler.database.tasks import (
    Claimed,
    Ended,
    NewTask,
    cancel,
    claim,
    claim_one,
    finish,
    heartbeat,
    redrive,
    release,
    submit,
    take_over,
)
from reconciler.spec.task import Failure, TaskResult, TaskState, Write
from tests.integration.notes import FAR_OFF, deploy_notes, let_be_due, let_expire, rows_of, states

ENDED = {"succeeded", "failed", "cancelled", "dead_letter"}
OUTCOMES = st.sampled_from(["rows", "rows", "no rows", "bad rows", "unavailable", "conflict", "denied"])
some = st.integers(0, 50)


class Tasks(RuleBasedStateMachine):
    """Two workers with bad manners: they keep claims they have lost, bring back old results, and vanish."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.db = connection
        for table in ("tasks", "notes__note", "rate_counts"):
            connection.execute(f"DELETE FROM {table}")
        self.claims: list[Claimed] = []
        self.promised: dict[str, str] = {}
        """What was said of each task that ended, and of how many rows it then had."""
        self.rows: dict[str, int] = {}
        self.serial = 0

    def _some(self, number: int) -> Claimed | None:
        return self.claims[number % len(self.claims)] if self.claims else None

    def _result(self, outcome: str) -> TaskResult:
        if outcome in ("unavailable", "conflict", "denied"):
            return TaskResult(failure=Failure(outcome, ""))
        if outcome == "no rows":
            return TaskResult(output={})
        self.serial += 1
        (first, second) = reserve(self.db, "notes__note", 2)
        values: list[dict[str, Any]] = [{"text": f"a{self.serial}"}, {"text": f"b{self.serial}"}]
        if outcome == "bad rows":
            values[1] = {"text": None}
        writes = [
            Write("notes", "note", "ann", "1.0.0", "insert", given, id_)
            for given, id_ in zip(values, (first, second), strict=True)
        ]
        return TaskResult(output={}, writes=tuple(writes), output_row=1)

    @rule(count=st.integers(1, 4), attempts=st.integers(1, 3), key=st.sampled_from(["", "", "a", "b"]))
    def submit(self, count: int, attempts: int, key: str) -> None:
        submit(
            self.db, [NewTask("ann", {}, idempotency_key=key, max_attempts=attempts) for _ in range(count)]
        )

    @rule(worker=st.sampled_from(["w1", "w2"]), limit=st.integers(1, 5))
    def claim(self, worker: str, limit: int) -> None:
        self.claims += claim(self.db, worker, limit, ttl=600)

    @rule(number=some)
    def claim_one(self, number: int) -> None:
        ids = [*states(self.db)]
        if ids:
            one = claim_one(self.db, "w1", ids[number % len(ids)], ttl=600)
            self.claims += [one] if one else []

    @rule(numbers=st.lists(some, min_size=1, max_size=4), outcomes=st.lists(OUTCOMES, min_size=4, max_size=4))
    def finish(self, numbers: list[int], outcomes: list[str]) -> None:
        claims = [one for number in numbers if (one := self._some(number))]
        ends = [Ended(one, self._result(outcome)) for one, outcome in zip(claims, outcomes, strict=False)]
        for ended, finished in zip(ends, finish(self.db, ends), strict=True):
            if finished.lost:
                continue
            newest = max(one.token for one in self.claims if one.task.id == finished.id)
            assert ended.claimed.token == newest, "somebody wrote who had lost the claim"
            if not finished.state.ended:
                continue
            assert finished.id not in self.promised, "a task ended twice"
            self.promised[finished.id] = finished.state.value
            self.rows[finished.id] = len(ended.result.writes) if finished.state is TaskState.SUCCEEDED else 0

    @rule(number=some)
    def expire(self, number: int) -> None:
        if one := self._some(number):
            let_expire(self.db, [one.task.id])

    @rule()
    def take_over(self) -> None:
        take_over(self.db, FAR_OFF)

    @rule()
    def wait(self) -> None:
        let_be_due(self.db)

    @rule(number=some, ttl=st.sampled_from([600.0, -5.0]))
    def heartbeat(self, number: int, ttl: float) -> None:
        if one := self._some(number):
            heartbeat(self.db, "w1", {one.task.id: one.token}, ttl=ttl)

    @rule(number=some, worker=st.sampled_from(["w1", "w2"]))
    def release(self, number: int, worker: str) -> None:
        if one := self._some(number):
            release(self.db, worker, [one.task.id])

    @rule(number=some)
    def cancel(self, number: int) -> None:
        ids = [*states(self.db)]
        if ids:
            cancel(self.db, ids[number % len(ids)], "eve")

    @rule()
    def redrive(self) -> None:
        for id_ in redrive(self.db, [*states(self.db)]):
            self.promised.pop(id_, None)

    @invariant()
    def what_was_said_stays_so(self) -> None:
        now = states(self.db)
        for id_, state in now.items():
            if state in ENDED:
                self.promised.setdefault(id_, state)
        for id_, state in self.promised.items():
            assert now[id_] == state, id_

    @invariant()
    def rows_are_those_of_tasks_that_succeeded(self) -> None:
        written = {id_: len(texts) for id_, texts in rows_of(self.db).items()}
        assert written == {id_: count for id_, count in self.rows.items() if count}

    @invariant()
    def only_what_runs_has_a_claim(self) -> None:
        sql = "SELECT count(*) FROM tasks WHERE (state = 'running') <> (expires_at IS NOT NULL)"
        assert self.db.execute(sql) == [(0,)]


@pytest.mark.parametrize("examples", [40])
def test_each_task_ends_once_with_its_rows(new_database: Callable[[], str], examples: int) -> None:
    with connect(new_database()) as connection:
        deploy_notes(connection)
        run_state_machine_as_test(
            lambda: Tasks(connection),
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[*HealthCheck],
            ),
        )

"""The ends of tasks, each in one piece with its rows and its trace.

Many ends share a transaction and its wait for the disk; a savepoint around the rows of each lets one fail alone. When
`finish` returns, everything it says is durable; when it raises, nothing of it happened and all can be tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection
from reconciler.database.json_text import to_json
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.tasks.records import Ended, Finished
from reconciler.database.tasks.retrying import Verdict, verdict
from reconciler.database.tasks.writers import check_writers
from reconciler.errors import Cancelled, RunError
from reconciler.spec.task import Failure, TaskResult, TaskState, Values

_END = """
UPDATE tasks SET state = ?, output = ?, trace = ?, not_before = ?, finished_at = ?, expires_at = NULL,
  error_code = ?, error_message = ?, error_where = ?, error_hint = ?,
  prompt_digest = ?, model = ?, tokens = tokens + ?
WHERE id = ?"""


@dataclass(frozen=True, slots=True)
class _Stands:
    """What the database says of a task that a worker brings back."""

    state: TaskState
    token: int
    attempts: int
    max_attempts: int
    not_before: str
    cancel_requested: str | None


def finish(connection: Connection, ended: Sequence[Ended], *, cipher: Cipher = NO_KEY) -> list[Finished]:
    """Record ends, in their order. Who lost a claim meanwhile is told so, and nothing of that task is written."""
    if not ended:
        return []
    with connection.transaction():
        now = moment_of(connection)
        standing = _standing(connection, ended)
        finishing = _Finishing(connection, now, cipher)
        finishing.models.load({write.type for one in ended for write in one.result.writes})
        finished = [finishing.end(one, standing.pop(one.claimed.task.id, None)) for one in ended]
        connection.execute_many(_END, finishing.rows)
    return finished


def _standing(connection: Connection, ended: Sequence[Ended]) -> dict[str, _Stands]:
    """By id; on PostgreSQL their rows are locked from here on, always in the same order."""
    lock = " ORDER BY id FOR UPDATE" if connection.dialect == "postgresql" else ""
    columns = "id, state, token, attempts, max_attempts, not_before, cancel_requested"
    found: dict[str, _Stands] = {}
    for places, batch in in_batches(sorted({one.claimed.task.id for one in ended})):
        rows = connection.execute(f"SELECT {columns} FROM tasks WHERE id IN {places}{lock}", batch)
        found |= {row[0]: _Stands(TaskState(row[1]), *row[2:]) for row in rows}
    return found


class _Finishing:
    """One transaction's ends; `rows` are the parameters of `_END` that came of them."""

    def __init__(self, connection: Connection, now: datetime, cipher: Cipher) -> None:
        self._connection, self._now = connection, now
        self._at = time_text(now)
        self.models = LiveModels(connection, cipher)
        self._effects = Effects(connection, self.models, now)
        self.rows: list[tuple[Any, ...]] = []

    def end(self, ended: Ended, stands: _Stands | None) -> Finished:
        """`stands` is None for a task that is gone, or was ended a line before."""
        task_id = ended.claimed.task.id
        if stands is None or stands.state is not TaskState.RUNNING or stands.token != ended.claimed.token:
            return Finished(task_id, stands.state if stands else TaskState.CANCELLED, lost=True)
        result = ended.result
        if stands.cancel_requested is not None:
            result = _failed(result, Failure(Cancelled.code, stands.cancel_requested))
        if result.failure is None:
            try:
                return self._succeed(ended, result)
            except RunError as error:
                told = Failure(error.code, error.message, error.where, error.hint)
                result = _failed(result, told)
        assert result.failure is not None
        decided = verdict(result.failure, stands.attempts, stands.max_attempts)
        self._row(task_id, decided, result, None, stands.not_before)
        return Finished(task_id, decided.state, None, result.failure)

    def _succeed(self, ended: Ended, result: TaskResult) -> Finished:
        """Raises RunError, and then no row of the task is there."""
        claimed = ended.claimed
        check_writers(self._connection, claimed, result)
        row = self._effects.apply(claimed.task.id, result.writes, result.output_row)
        output = result.output if row is None else row
        self._row(claimed.task.id, Verdict(TaskState.SUCCEEDED), result, output, claimed.task.created_at)
        return Finished(claimed.task.id, TaskState.SUCCEEDED, output)

    def _row(
        self, task_id: str, decided: Verdict, result: TaskResult, output: Values | None, not_before: str
    ) -> None:
        if decided.state is TaskState.PENDING:
            not_before = time_text(self._now + timedelta(seconds=decided.wait))
        failure = result.failure
        told = (failure.code, failure.message, failure.where, failure.hint) if failure else (None,) * 4
        self.rows.append(
            (
                decided.state.value,
                None if output is None else to_json(output),
                to_json(result.trace),
                not_before,
                self._at if decided.state.ended else None,
                *told,
                result.prompt_digest,
                result.model,
                result.tokens,
                task_id,
            )
        )


def _failed(result: TaskResult, failure: Failure) -> TaskResult:
    return replace(result, output=None, writes=(), output_row=None, failure=failure)

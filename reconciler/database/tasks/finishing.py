"""The ends of tasks, each in one piece with its rows and its trace.

Many ends share a transaction, its statements and its wait for the disk; one whose rows are refused fails alone. When
`finish` returns, everything it says is durable; when it raises, nothing of it happened and all can be tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from reconciler.database import incidents
from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection
from reconciler.database.failures import LockTimeout
from reconciler.database.json_text import to_json
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.prepared import Prepared
from reconciler.database.tasks.records import Ended, Finished
from reconciler.database.tasks.retrying import Verdict, verdict
from reconciler.database.tasks.writers import check_writers
from reconciler.errors import Cancelled, RunError
from reconciler.spec.task import Failure, TaskResult, TaskState, Values

ATTEMPTS = 5
PAUSE = 0.05
"""Seconds by which the longest wait between two attempts grows."""

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


def finish(
    connection: Connection, ended: Sequence[Ended], *, cipher: Cipher = NO_KEY, rules: Sequence[str] = ()
) -> list[Finished]:
    """Record ends, in their order. Who lost a claim meanwhile is told so, and nothing of that task is written.

    `rules` say how many incidents put an agent on hold: see `incidents.record`.
    """
    if not ended:
        return []
    for attempt in range(1, ATTEMPTS):
        try:
            return _finished(connection, ended, cipher, rules)
        except LockTimeout:  # two that write the same rows in another order: one of them begins anew
            time.sleep(random.uniform(0, attempt * PAUSE))
    return _finished(connection, ended, cipher, rules)


def _finished(
    connection: Connection, ended: Sequence[Ended], cipher: Cipher, rules: Sequence[str]
) -> list[Finished]:
    with connection.transaction():
        finishing = _Finishing(connection, _standing(connection, ended), cipher)
        finishing.models.load({write.type for one in ended for write in one.result.writes})
        for position, one in enumerate(ended):
            finishing.take(position, one)
        finishing.succeed()
        connection.execute_many(_END, finishing.rows)
        incidents.record(connection, [one.incident for one in ended if one.incident is not None], rules)
    return [finishing.finished[position] for position in range(len(ended))]


def _standing(connection: Connection, ended: Sequence[Ended]) -> dict[str, _Stands]:
    """By id; on PostgreSQL their rows are locked from here on, always in the same order."""
    lock = " ORDER BY id FOR UPDATE" if connection.dialect == "postgresql" else ""
    columns = "id, state, token, attempts, max_attempts, not_before, cancel_requested"
    found: dict[str, _Stands] = {}
    for places, batch in in_batches(sorted({one.claimed.task.id for one in ended})):
        rows = connection.execute(f"SELECT {columns} FROM tasks WHERE id IN {places}{lock}", batch)
        found |= {row[0]: _Stands(TaskState(row[1]), *row[2:]) for row in rows}
    return found


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An end that is a success unless its rows are refused."""

    position: int
    ended: Ended
    stands: _Stands
    prepared: tuple[Prepared, ...]


class _Finishing:
    """One transaction's ends by their positions; `rows` are the parameters of `_END` that come of them."""

    def __init__(self, connection: Connection, standing: dict[str, _Stands], cipher: Cipher) -> None:
        self._connection, self._standing = connection, standing
        self._now = moment_of(connection)
        self._at = time_text(self._now)
        self.models = LiveModels(connection, cipher)
        self._effects = Effects(connection, self.models, self._now)
        self._candidates: list[_Candidate] = []
        self.finished: dict[int, Finished] = {}
        self.rows: list[tuple[Any, ...]] = []

    def take(self, position: int, ended: Ended) -> None:
        """Record what has failed or is lost; keep what may succeed for `succeed`."""
        claimed, result = ended.claimed, ended.result
        # Taken out, so that a task that is brought back twice ends with the first.
        stands = self._standing.pop(claimed.task.id, None)
        if stands is None or stands.state is not TaskState.RUNNING or stands.token != claimed.token:
            state = stands.state if stands else TaskState.CANCELLED
            self.finished[position] = Finished(claimed.task.id, state, lost=True)
        elif stands.cancel_requested is not None:
            self._fail(position, ended, stands, Failure(Cancelled.code, stands.cancel_requested))
        elif result.failure is not None:
            self._fail(position, ended, stands, result.failure)
        else:
            try:
                check_writers(self._connection, claimed, result)
                prepared = self._effects.prepare(claimed.task.id, result.writes)
            except RunError as error:
                self._fail(position, ended, stands, _failure(error))
            else:
                self._candidates.append(_Candidate(position, ended, stands, prepared))

    def succeed(self) -> None:
        """Write the rows of all candidates and record how that went."""
        written = self._written(self._candidates)
        results = [one.ended.result for one in written]
        outputs = [r.writes[r.output_row] for r in results if r.output_row is not None]
        stored = self._effects.stored(outputs)
        for one, result in zip(written, results, strict=True):
            output, task = result.output, one.ended.claimed.task
            if result.output_row is not None:
                write = result.writes[result.output_row]
                output = stored[write.type, write.model, write.row_id]
            self.finished[one.position] = Finished(task.id, TaskState.SUCCEEDED, output)
            self._row(task.id, Verdict(TaskState.SUCCEEDED), result, output, one.stands.not_before)

    def _written(self, candidates: Sequence[_Candidate]) -> list[_Candidate]:
        """Those whose rows are there now; the others are recorded as failed. All at once if that can be, else half
        and half: one that is refused among many is found in few steps."""
        if len(candidates) > 1:
            if self._effects.write_together([row for one in candidates for row in one.prepared]):
                return [*candidates]
            middle = len(candidates) // 2
            return self._written(candidates[:middle]) + self._written(candidates[middle:])
        for one in candidates:
            try:
                self._effects.write(one.prepared)
            except RunError as error:
                self._fail(one.position, one.ended, one.stands, _failure(error))
                return []
        return [*candidates]

    def _fail(self, position: int, ended: Ended, stands: _Stands, failure: Failure) -> None:
        task_id = ended.claimed.task.id
        decided = verdict(failure, stands.attempts, stands.max_attempts)
        result = replace(ended.result, output=None, writes=(), output_row=None, failure=failure)
        self._row(task_id, decided, result, None, stands.not_before)
        self.finished[position] = Finished(task_id, decided.state, None, failure)

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


def _failure(error: RunError) -> Failure:
    return Failure(error.code, error.message, error.where, error.hint)

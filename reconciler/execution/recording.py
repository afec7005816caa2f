"""Ends of tasks on their way into the database: gathered for some milliseconds, recorded together, then told."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from reconciler.database import tasks
from reconciler.database.connection import Connection
from reconciler.database.failures import ConnectionLost, Unreachable
from reconciler.database.incidents import NewIncident
from reconciler.database.rows.cipher import Cipher
from reconciler.database.tasks import Claimed, Ended, Finished
from reconciler.errors import DatabaseError, RowRefused
from reconciler.execution.incidents import CRITICAL, Incident
from reconciler.execution.jobs import Done
from reconciler.spec.task import Failure, TaskResult

if TYPE_CHECKING:
    from reconciler.execution.monitoring import Metrics

GATHER = 0.01
"""Seconds that an end waits for others to share its transaction, while tasks run that may end soon."""
MOST_TOGETHER = 200

_log = structlog.get_logger(__name__)


class Recorder:
    """What has ended and is not in the database yet. A task has ended when `record` returns, and not before."""

    def __init__(
        self,
        worker: str,
        cipher: Cipher,
        metrics: Metrics | None,
        rules: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`rules` say how many incidents put an agent on hold, besides what recorded policies say."""
        self._worker, self._cipher, self._metrics, self._rules = worker, cipher, metrics, rules
        self._ended: list[tuple[Claimed, Done]] = []
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._ended)

    def add(self, claimed: Claimed, done: Done) -> None:
        if not self._ended:
            self._since = time.monotonic()
        self._ended.append((claimed, done))

    def clear(self) -> None:
        """Forget what has not been recorded: it never ended."""
        self._ended = []

    @property
    def patience(self) -> float:
        """Seconds until what has ended should wait no longer; 0 where enough have."""
        if len(self._ended) >= MOST_TOGETHER:
            return 0.0
        return max(0.0, self._since + GATHER - time.monotonic())

    def record(self, connection: Connection) -> list[str]:
        """The ids of the tasks whose ends are recorded now: of all there were. Raises DatabaseError, and then they all
        are still to be recorded."""
        recorded = self._ended
        ended = [
            Ended(claimed, done.result, recorded_incident(claimed, done.incident, self._worker))
            for claimed, done in recorded
        ]
        finished = self._finish(connection, ended)
        self._ended = []
        for (claimed, done), end in zip(recorded, finished, strict=True):
            self._tell(claimed, done, end)
        return [claimed.task.id for claimed, _ in recorded]

    def _finish(self, connection: Connection, ended: Sequence[Ended]) -> list[Finished]:
        try:
            return tasks.finish(connection, ended, cipher=self._cipher, rules=self._rules())
        except (Unreachable, ConnectionLost):
            raise
        except DatabaseError:
            # One of them is more than the database takes. The others must not wait for it for ever.
            return [self._finish_alone(connection, one) for one in ended]

    def _finish_alone(self, connection: Connection, ended: Ended) -> Finished:
        try:
            return tasks.finish(connection, [ended], cipher=self._cipher, rules=self._rules())[0]
        except (Unreachable, ConnectionLost):
            raise
        except DatabaseError as error:
            told = f"the database does not take how the task ended: {error.code}"
            bare = TaskResult(failure=Failure(RowRefused.code, told))
            return tasks.finish(
                connection, [replace(ended, result=bare)], cipher=self._cipher, rules=self._rules()
            )[0]

    def _tell(self, claimed: Claimed, done: Done, end: Finished) -> None:
        if self._metrics is not None:
            self._metrics.ended(claimed, done, end)
        state = "lost" if end.lost else end.state.value
        told = {
            "task": claimed.task.id,
            "agent": claimed.task.agent,
            "attempt": claimed.task.attempt,
            "state": state,
            "seconds": round(done.seconds, 6),
        }
        if done.said:
            _log.info("task printed", task=told["task"], text=done.said.decode(errors="replace"))
        if done.incident is not None:
            _log.warning(
                "incident", task=told["task"], kind=done.incident.kind.value, detail=done.incident.detail
            )
        if end.failure is not None:
            _log.warning("task ended", **told, code=end.failure.code, message=end.failure.message)
        else:
            _log.info("task ended", **told, tokens=done.result.tokens)


def recorded_incident(claimed: Claimed, found: Incident | None, worker: str) -> NewIncident | None:
    """An incident as it is kept."""
    if found is None:
        return None
    return NewIncident(
        "critical" if found.kind in CRITICAL else "warning",
        found.kind.value,
        claimed.task.agent,
        claimed.type,
        claimed.task.id,
        {"detail": found.detail, "attempt": claimed.task.attempt},
        worker,
    )

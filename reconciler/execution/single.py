"""SingleRunner: runs one task at a time, each named by somebody else, such as a broker's message.

The message is only a hint. Whether the task is to be run, the database says, by its claim: a message that comes twice,
late, or for a task that was cancelled, does nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from reconciler.database import tasks, workers
from reconciler.database.connection import Connection
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.tasks import Claimed
from reconciler.errors import ReconcilerError, Refused
from reconciler.execution.beginning import job_of
from reconciler.execution.jobs import Executor, Job
from reconciler.execution.recording import Recorder
from reconciler.execution.standing import StandingConnection
from reconciler.execution.worker import BEAT, CLAIM_SECONDS, worker_name
from reconciler.spec.task import TaskState

if TYPE_CHECKING:
    from reconciler.database.rates import Counter
    from reconciler.execution.gate import Gate
    from reconciler.execution.monitoring import Metrics
    from reconciler.tools.host import Host


class Outcome(Enum):
    RAN = "ran"
    """It was run here, and its end is recorded."""
    NOT_NOW = "not now"
    """It waits: its agent has no room within its limits, is disabled, or is not deployed."""
    NOT_OURS = "not ours"
    """It has ended, somebody else runs it, or it is not there."""


class SingleRunner:
    def __init__(
        self,
        connect: Callable[[], Connection],
        executor: Callable[[Callable[[], Host]], Executor],
        *,
        ttl: float = CLAIM_SECONDS,
        cipher: Cipher = NO_KEY,
        gate: Gate | None = None,
        counter: Counter | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """`executor` is made here, before the database is opened."""
        self.name = worker_name()
        self._ttl, self._cipher = ttl, cipher
        self._database = StandingConnection(connect, cipher, self._enlist, counter)
        self._executor = executor(self._database.host)
        self._gate = gate
        self._recorder = Recorder(self.name, cipher, metrics, lambda: gate.incident_rules if gate else ())
        self._beat_at = 0.0

    def run(self, task_id: str) -> Outcome:
        """Raises DatabaseError where its end, or its beginning, could not be recorded: then it is run again once the
        claim has expired."""
        try:
            return self._run(task_id)
        except ReconcilerError:
            self._let_go(task_id)
            raise

    def close(self) -> None:
        self._executor.close()
        with suppress(ReconcilerError):
            workers.dismiss(self._database.get(), self.name)
        self._database.close()

    def _run(self, task_id: str) -> Outcome:
        connection = self._database.get()
        if self._gate is not None and self._gate.shut():
            return Outcome.NOT_NOW
        claimed = self._claimed(connection, task_id)
        if claimed is None:
            return self._why_not(connection, task_id)
        match job_of(claimed, self._gate, self._cipher):
            case Job() as job:
                self._executor.start(job)
            case done:
                self._recorder.add(claimed, done)
        self._beat_at = time.monotonic() + min(BEAT, self._ttl / 3)
        while not self._recorder:
            for done in self._executor.poll(max(0.0, self._beat_at - time.monotonic())):
                self._recorder.add(claimed, done)
            if time.monotonic() >= self._beat_at:
                self._beat(connection, claimed)
        self._recorder.record(connection)
        return Outcome.RAN

    def _claimed(self, connection: Connection, task_id: str) -> Claimed | None:
        """Raises Refused where a policy demands more than confines tasks here: then nothing stays claimed."""
        gate = self._gate
        if gate is not None and not gate.passed:
            gate.check_host(connection)
        claimed = tasks.claim_one(connection, self.name, task_id, ttl=self._ttl)
        if claimed is not None and gate is not None and not gate.admits(claimed):
            try:
                gate.check_host(connection)
            except Refused:
                tasks.release(connection, self.name, [task_id])
                raise
        return claimed

    def _beat(self, connection: Connection, claimed: Claimed) -> None:
        self._beat_at = time.monotonic() + min(BEAT, self._ttl / 3)
        id_ = claimed.task.id
        held = tasks.heartbeat(connection, self.name, {id_: claimed.token}, ttl=self._ttl)
        if held.lost or held.cancelled:
            self._executor.cancel(id_)

    def _why_not(self, connection: Connection, task_id: str) -> Outcome:
        rows = connection.execute("SELECT state FROM tasks WHERE id = ?", (task_id,))
        return Outcome.NOT_NOW if rows == [(TaskState.PENDING.value,)] else Outcome.NOT_OURS

    def _enlist(self, connection: Connection) -> None:
        workers.enlist(connection, self.name, "celery", 1)

    def _let_go(self, task_id: str) -> None:
        """How the task ends here is of no interest any more."""
        self._executor.cancel(task_id)
        while self._executor.busy:
            self._executor.poll(BEAT)
        self._recorder.clear()
        self._database.close()

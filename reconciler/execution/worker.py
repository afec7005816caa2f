"""Worker: claims tasks, has them run, and records how they ended, for as long as it is wanted.

One thread and one connection. Ends that come within a few milliseconds of each other share a transaction; a task has
ended when that is committed, and not before.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import structlog

from reconciler.database import incidents, tasks, workers
from reconciler.database.connection import Connection
from reconciler.database.doorbell import Doorbell, doorbell
from reconciler.database.failures import ConnectionLost, Unreachable
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.tasks import Claimed, Ended, Finished, TaskKind
from reconciler.database.upgrade import has_catalog
from reconciler.errors import DatabaseError, Locked, NotFound, ReconcilerError, RowRefused
from reconciler.execution.incidents import IncidentKind
from reconciler.execution.jobs import Done, Executor, Job, bounds_of
from reconciler.execution.secret_store import SecretStore
from reconciler.spec.task import Failure, TaskResult

if TYPE_CHECKING:
    from reconciler.execution.monitoring import Metrics
    from reconciler.execution.scheduler import Scheduler
    from reconciler.tools.host import Host

CLAIM_SECONDS = 30.0
"""For how long a claim lasts that is not renewed: after so much time others take over from a worker that died."""
BEAT = 2.0
"""Seconds between two renewals; a wish to cancel what runs is heard of by then."""
LOOK = 0.5
"""Seconds between two looks at the queue though nobody has rung: tasks may have become due by the clock."""
GATHER = 0.004
"""Seconds that an end waits for others to share its transaction, while tasks run that may end soon."""
MOST_TOGETHER = 200
STALLED = 1.0
"""Seconds after which tasks that were taken ahead and cannot be begun are given back for others to take."""
GRACE = 30.0
"""Seconds that running tasks have to come to their end when the worker is asked to stop."""
_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0

Until = Literal["stopped", "idle", "once"]
"""When to leave: when told to, when nothing is due any more, after one task."""

_CRITICAL = frozenset({IncidentKind.PROTOCOL, IncidentKind.PROCESS, IncidentKind.WRITE})

_log = structlog.get_logger(__name__)


def worker_name() -> str:
    """Of this process; another one later gets another name."""
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tasks a worker takes: of these agents (None: of any), of this kind."""

    agents: frozenset[str] | None = None
    kind: TaskKind | None = None


class Worker:
    def __init__(
        self,
        connect: Callable[[], Connection],
        executor: Callable[[Callable[[], Host]], Executor],
        *,
        kind: str = "pool",
        scope: Scope = Scope(),
        cipher: Cipher = NO_KEY,
        metrics: Metrics | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        """`executor` is made here, before the database is opened, with what gives the host that answers its tasks."""
        self.name = worker_name()
        self._connect, self._kind, self._scope, self._cipher = connect, kind, scope, cipher
        self._metrics, self._scheduler = metrics, scheduler
        self._opened: Connection | None = None
        self._host_of_tasks: DatabaseHost | None = None
        self._executor = executor(self._host)
        self._bell: Doorbell | None = None
        self._claims: dict[str, Claimed] = {}
        self._ended: list[Done] = []
        self._ended_since = 0.0
        self._stop_wishes = 0
        self._due = True
        """Whether something may be waiting that was not looked for yet."""
        self._look_at = self._beat_at = self._busy_since = 0.0
        self._begun = 0
        self._failures = 0

    def stop(self) -> None:
        """Take no more tasks, and leave when those that run have ended; asked twice, leave at once."""
        self._stop_wishes += 1

    def run(self, until: Until = "stopped", *, grace: float = GRACE) -> None:
        """Work. Raises ReconcilerError where not even the first look at the database succeeds."""
        connection = self._connection()
        if not has_catalog(connection):
            raise NotFound("there is nothing here to work on yet", hint="reconcile --apply deploys agents")
        workers.enlist(connection, self.name, self._kind, max(1, self._executor.free))
        _log.info("worker started", worker=self.name, executor=self._kind, database=connection.url)
        try:
            while not self._stop_wishes and not self._finished(until):
                self._survive(lambda: self._turn(until))
            self._wind_up(grace)
        finally:
            self._leave()

    # --- one turn

    def _turn(self, until: Until) -> None:
        if self._scheduler is not None:
            self._due |= self._scheduler.tick(self._connection())
        self._listen()
        self._take(until)
        self._run_on(self._patience())
        self._keep()

    def _take(self, until: Until) -> None:
        """Claim what is due, as much as can be begun."""
        now = time.monotonic()
        if not (self._due or now >= self._look_at):
            return
        wanted = self._executor.free if until != "once" else 1 - self._begun
        if wanted <= 0:
            self._due = self._due and until != "once"
            return
        claimed = tasks.claim(
            self._connection(),
            self.name,
            wanted,
            ttl=CLAIM_SECONDS,
            agents=self._scope.agents,
            kind=self._scope.kind,
        )
        self._due, self._look_at = len(claimed) == wanted, now + LOOK
        self._begun += len(claimed)
        for one in claimed:
            self._claims[one.task.id] = one
            self._executor.start(Job(one.task, one.blueprint, bounds_of(one.limits)))
        self._busy_since = now if claimed else self._busy_since

    def _run_on(self, patience: float) -> None:
        """Let tasks run, and record those that have ended once enough have, or none is about to."""
        done = self._executor.poll(patience)
        now = time.monotonic()
        if done:
            self._ended_since = now if not self._ended else self._ended_since
            self._busy_since = now
            self._ended += done
        if self._ended and (
            now - self._ended_since >= GATHER or len(self._ended) >= MOST_TOGETHER or not self._executor.busy
        ):
            self._record()

    def _record(self) -> None:
        """One transaction for all that have ended. What fails as a whole is tried again: nothing is forgotten."""
        held = [done for done in self._ended if done.job.task.id in self._claims]
        finished = self._finish([Ended(self._claims[done.job.task.id], done.result) for done in held])
        self._ended = []
        self._due = True  # what has ended makes room within the limits of its agent
        told = [(self._claims.pop(done.job.task.id), done) for done in held]
        for (claimed, done), end in zip(told, finished, strict=True):
            self._tell(claimed, done, end)
        found = [self._incident(claimed, done) for claimed, done in told if done.incident is not None]
        incidents.record(self._connection(), found)

    def _finish(self, ended: list[Ended]) -> list[Finished]:
        connection = self._connection()
        try:
            return tasks.finish(connection, ended, cipher=self._cipher)
        except (Unreachable, ConnectionLost):
            raise
        except DatabaseError:
            # One of them is more than the database takes. The others must not wait for it for ever.
            return [self._finish_alone(one) for one in ended]

    def _finish_alone(self, ended: Ended) -> Finished:
        connection = self._connection()
        try:
            return tasks.finish(connection, [ended], cipher=self._cipher)[0]
        except (Unreachable, ConnectionLost):
            raise
        except DatabaseError as error:
            told = f"the database does not take how the task ended: {error.code}"
            bare = TaskResult(failure=Failure(RowRefused.code, told))
            return tasks.finish(connection, [replace(ended, result=bare)], cipher=self._cipher)[0]

    def _keep(self) -> None:
        """Renew claims in time, hear of wishes to cancel, and give back what cannot be begun soon."""
        now = time.monotonic()
        if self._claims and now - self._busy_since >= STALLED:
            self._give_back(self._executor.withdraw())
            self._busy_since = now
        if now < self._beat_at:
            return
        self._beat_at = now + BEAT
        connection = self._connection()
        workers.seen(connection, self.name)
        if self._metrics is not None:
            self._metrics.running(len(self._claims))
        if self._claims:
            tokens = {id_: claimed.token for id_, claimed in self._claims.items()}
            held = tasks.heartbeat(connection, self.name, tokens, ttl=CLAIM_SECONDS)
            for id_ in held.lost | held.cancelled:
                self._executor.cancel(id_)
            for id_ in held.lost:
                # Others have it now, and how it ends here is of no interest.
                _log.warning("task lost", worker=self.name, task=id_)

    # --- around it

    def _connection(self) -> Connection:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def _host(self) -> Host:
        """Over the very connection of the worker: between its own statements, which are never half done then."""
        if self._host_of_tasks is None:
            connection = self._connection()
            bound = SecretStore(lambda agent: tasks.blueprint(connection, agent))
            self._host_of_tasks = DatabaseHost(connection, secrets=bound, cipher=self._cipher)
        return self._host_of_tasks

    def _listen(self) -> None:
        if self._bell is None:
            self._bell = doorbell(self._connection())
            descriptor = self._bell.fileno()
            if descriptor is not None:
                self._executor.watch(descriptor, self._rang)
        if self._bell.fileno() is None:
            self._rang()

    def _rang(self) -> None:
        if self._bell is not None and self._bell.rang():
            self._due = True

    def _patience(self) -> float:
        """Seconds that a turn may last though nothing happens."""
        now = time.monotonic()
        if self._ended:
            return max(0.0, self._ended_since + GATHER - now)
        waits = [self._beat_at - now]
        if self._executor.free:
            if self._due:
                return 0.0 if not self._executor.busy else GATHER
            waits.append(self._look_at - now)
            if self._bell is not None:
                waits.append(self._bell.interval)
        return max(0.0, min(waits))

    def _finished(self, until: Until) -> bool:
        if until == "stopped" or self._claims or self._ended:
            return False
        return (until == "once" and self._begun > 0) or (self._look_at > 0 and not self._due)

    def _survive(self, work: Callable[[], None]) -> None:
        """A database that does not answer for a while ends no worker: tasks run on, and their ends are kept."""
        try:
            work()
            self._failures = 0
        except (DatabaseError, Locked) as error:
            self._failures += 1
            wait = min(_LONGEST_BACKOFF, _BACKOFF * 2 ** min(self._failures, 10))
            _log.warning(
                "database failed", worker=self.name, code=error.code, message=error.message, wait=wait
            )
            self._disconnect()
            self._ended += self._executor.poll(wait)

    def _wind_up(self, grace: float) -> None:
        """Let what runs come to its end, for so long; the rest is given back."""
        self._give_back(self._executor.withdraw())
        if self._claims:
            _log.info("worker stopping", worker=self.name, running=len(self._claims), grace=grace)
        end = time.monotonic() + grace
        while self._claims and self._stop_wishes < 2 and time.monotonic() < end:
            self._survive(lambda: self._run_on(min(0.1, self._patience())))
            self._survive(self._keep)

    def _leave(self) -> None:
        """Whatever happened: end what still runs, give back what has not ended, go."""
        self._executor.close()
        with suppress(ReconcilerError):
            if self._ended:
                self._record()
        with suppress(ReconcilerError):
            if self._claims:
                tasks.release(self._connection(), self.name, [*self._claims])
            if self._scheduler is not None:
                self._scheduler.close(self._connection())
            workers.dismiss(self._connection(), self.name)
        self._disconnect()
        _log.info("worker stopped", worker=self.name, given_back=len(self._claims))

    def _give_back(self, jobs: list[Job]) -> None:
        if jobs:
            ids = [job.task.id for job in jobs]
            tasks.release(self._connection(), self.name, ids)
            for id_ in ids:
                self._claims.pop(id_, None)

    def _disconnect(self) -> None:
        if self._bell is not None:
            descriptor = self._bell.fileno()
            if descriptor is not None:
                with suppress(KeyError, ValueError):
                    self._executor.unwatch(descriptor)
            self._bell.close()
        if self._opened is not None:
            self._opened.close()
        self._opened = self._bell = self._host_of_tasks = None
        self._due = True

    def _incident(self, claimed: Claimed, done: Done) -> incidents.NewIncident:
        assert done.incident is not None, "only asked of ends that have one"
        found = done.incident
        return incidents.NewIncident(
            "critical" if found.kind in _CRITICAL else "warning",
            found.kind.value,
            claimed.task.agent,
            claimed.type,
            claimed.task.id,
            {"detail": found.detail, "attempt": claimed.task.attempt},
            self.name,
        )

    def _tell(self, claimed: Claimed, done: Done, end: Finished) -> None:
        if self._metrics is not None:
            self._metrics.ended(claimed, done, end)
        log = _log.bind(task=claimed.task.id, agent=claimed.task.agent, attempt=claimed.task.attempt)
        if done.said:
            log.info("task printed", text=done.said.decode(errors="replace"))
        if done.incident is not None:
            log.warning("incident", kind=done.incident.kind.value, detail=done.incident.detail)
        state = "lost" if end.lost else end.state.value
        seconds = round(done.seconds, 6)
        if end.failure is None:
            log.debug("task ended", state=state, seconds=seconds, tokens=done.result.tokens)
        else:
            log.warning(
                "task ended", state=state, seconds=seconds, code=end.failure.code, message=end.failure.message
            )

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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import structlog

from reconciler.database import tasks, workers
from reconciler.database.connection import Connection
from reconciler.database.doorbell import Doorbell, doorbell
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.tasks import Claimed, TaskKind
from reconciler.database.upgrade import has_catalog
from reconciler.errors import DatabaseError, Locked, NotFound, ReconcilerError
from reconciler.execution.beginning import job_of
from reconciler.execution.jobs import Executor, Job
from reconciler.execution.recording import Recorder
from reconciler.execution.standing import StandingConnection

if TYPE_CHECKING:
    from reconciler.database.rates import Counter
    from reconciler.execution.gate import Gate
    from reconciler.execution.monitoring import Metrics
    from reconciler.execution.scheduler import Scheduler
    from reconciler.tools.host import Host

CLAIM_SECONDS = 30.0
"""For how long a claim lasts that is not renewed: after so much time others take over from a worker that died."""
BEAT = 2.0
"""Seconds between two renewals; a wish to cancel what runs is heard of by then."""
LOOK = 0.5
"""Seconds between two looks at the queue though nobody has rung: tasks may have become due by the clock."""
STALLED = 1.0
"""Seconds after which tasks that were taken ahead and cannot be begun are given back for others to take."""
GRACE = 30.0
"""Seconds that running tasks have to come to their end when the worker is asked to stop."""
_BACKOFF, _LONGEST_BACKOFF = 0.1, 5.0

Until = Literal["stopped", "idle", "once"]
"""When to leave: when told to, when nothing is due any more, after one task."""

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
        name: str = "",
        kind: str = "pool",
        scope: Scope = Scope(),
        ttl: float = CLAIM_SECONDS,
        cipher: Cipher = NO_KEY,
        gate: Gate | None = None,
        counter: Counter | None = None,
        metrics: Metrics | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        """`executor` is made here, before the database is opened, with what gives the host that answers its tasks."""
        self.name = name or worker_name()
        self._kind, self._scope, self._cipher = kind, scope, cipher
        self._ttl, self._metrics, self._scheduler = ttl, metrics, scheduler
        self._database = StandingConnection(connect, cipher, counter=counter)
        self._executor = executor(self._database.host)
        self._bell: Doorbell | None = None
        self._claims: dict[str, Claimed] = {}
        self._gate = gate
        self._recorder = Recorder(self.name, cipher, metrics, lambda: gate.incident_rules if gate else ())
        self._stop_wishes = 0
        self._due = True
        """Whether something may be waiting that was not looked for yet."""
        self._look_at = self._beat_at = self._progress_at = 0.0
        self._begun = 0
        self._failures = 0

    def stop(self) -> None:
        """Take no more tasks, and leave when those that run have ended; asked twice, leave at once."""
        self._stop_wishes += 1

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Have `ready` called when there is something to read from a descriptor, also while nothing else happens."""
        self._executor.watch(descriptor, ready)

    def run(self, until: Until = "stopped", *, grace: float = GRACE) -> None:
        """Work. Raises ReconcilerError where not even the first look at the database succeeds, Refused where a
        policy demands a better sandbox than there is."""
        connection = self._database.get()
        if not has_catalog(connection):
            raise NotFound("there is nothing here to work on yet", hint="reconcile --apply deploys agents")
        if self._gate is not None:
            self._gate.check_host(connection)
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
            self._due |= self._scheduler.tick(self._database.get())
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
        if self._gate is not None:
            if until == "stopped" and self._gate.shut():
                self._due, self._look_at = False, now + LOOK
                return
            self._gate.check_host(self._database.get())
        claimed = tasks.claim(
            self._database.get(),
            self.name,
            wanted,
            ttl=self._ttl,
            agents=self._scope.agents,
            kind=self._scope.kind,
        )
        self._due, self._look_at = len(claimed) == wanted, now + LOOK
        self._begun += len(claimed)
        for one in claimed:
            self._claims[one.task.id] = one
            self._start(one)
        self._progress_at = now if claimed else self._progress_at

    def _start(self, claimed: Claimed) -> None:
        match job_of(claimed, self._gate, self._cipher):
            case Job() as job:
                self._executor.start(job)
            case done:
                self._recorder.add(claimed, done)

    def _run_on(self, patience: float) -> None:
        """Let tasks run, and record those that have ended once enough have, or none is about to."""
        done = self._executor.poll(patience)
        if done:
            self._progress_at = time.monotonic()
            for one in done:
                self._recorder.add(self._claims[one.job.task.id], one)
        if self._recorder and (not self._executor.busy or not self._recorder.patience):
            self._record()

    def _record(self) -> None:
        for id_ in self._recorder.record(self._database.get()):
            del self._claims[id_]
        self._due = True  # what has ended makes room within the limits of its agent

    def _keep(self) -> None:
        """Renew claims in time, hear of wishes to cancel, and give back what cannot be begun soon."""
        now = time.monotonic()
        if self._claims and now - self._progress_at >= STALLED:
            self._give_back(self._executor.withdraw())
            self._progress_at = now
        if now < self._beat_at:
            return
        self._beat_at = now + min(BEAT, self._ttl / 3)
        connection = self._database.get()
        workers.seen(connection, self.name)
        if self._metrics is not None:
            self._metrics.running(len(self._claims))
        if self._claims:
            tokens = {id_: claimed.token for id_, claimed in self._claims.items()}
            held = tasks.heartbeat(connection, self.name, tokens, ttl=self._ttl)
            for id_ in held.lost | held.cancelled:
                self._executor.cancel(id_)
            for id_ in held.lost:
                # Others have it now, and how it ends here is of no interest.
                _log.warning("task lost", worker=self.name, task=id_)

    # --- around it

    def _listen(self) -> None:
        if self._bell is None:
            self._bell = doorbell(self._database.get())
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
        if self._recorder:
            return self._recorder.patience
        waits = [self._beat_at - now]
        if self._executor.free:
            if self._due:
                return 0.0
            waits.append(self._look_at - now)
            if self._bell is not None:
                waits.append(self._bell.interval)
        return max(0.0, min(waits))

    def _finished(self, until: Until) -> bool:
        if until == "stopped" or self._claims:
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
            self._run_on_without_database(wait)

    def _run_on_without_database(self, wait: float) -> None:
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            for one in self._executor.poll(left):
                self._recorder.add(self._claims[one.job.task.id], one)

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
            if self._recorder:
                self._record()
        with suppress(ReconcilerError):
            if self._claims:
                tasks.release(self._database.get(), self.name, [*self._claims])
            if self._scheduler is not None:
                self._scheduler.close(self._database.get())
            workers.dismiss(self._database.get(), self.name)
        self._disconnect()
        _log.info("worker stopped", worker=self.name, given_back=len(self._claims))

    def _give_back(self, jobs: list[Job]) -> None:
        if jobs:
            ids = [job.task.id for job in jobs]
            tasks.release(self._database.get(), self.name, ids)
            for id_ in ids:
                self._claims.pop(id_, None)

    def _disconnect(self) -> None:
        if self._bell is not None:
            descriptor = self._bell.fileno()
            if descriptor is not None:
                with suppress(KeyError, ValueError):
                    self._executor.unwatch(descriptor)
            self._bell.close()
        self._bell = None
        self._database.close()
        self._due = True

"""Forwarder: hands tasks that are due on to the broker, for Celery workers to run.

Whoever submits a task only writes it into the database, so that it is sent after its commit and only then. One
forwarder at a time, who holds the lease `forwarder`, tells the broker of each task once it is due. The broker may
lose messages: what is still due long afterwards, though its queue is empty, is sent again. Messages that come twice
do no harm, since a task is claimed in the database.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from reconciler.database import dispatch, tasks
from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection
from reconciler.database.dispatch import DueTask
from reconciler.database.doorbell import Doorbell, doorbell
from reconciler.database.lease import Lease, acquire
from reconciler.errors import DatabaseError, Locked, ReconcilerError

LEASE = "forwarder"
LEASE_SECONDS = 15.0
RENEW = 5.0
LOOK = 0.5
"""Seconds between two looks though nobody has rung."""
OVERLAP = 2.0
"""Seconds by which a look reaches back behind the one before: a commit may come later than the time it bears."""
SWEEP = 5.0
"""Seconds between two looks at all that is due."""
LOST_AFTER = 10.0
"""Seconds after which a task that was sent, is still due, and stands in no queue, counts as lost by the broker."""
MOST_SWEPT = 2000

_log = structlog.get_logger(__name__)


class Broker(Protocol):
    """Both raise OSError where it does not answer."""

    def send(self, messages: Sequence[tuple[str, str]]) -> None:
        """(queue, task id) each, kept by the broker once this returns."""

    def depth(self, queue: str) -> int:
        """How many messages stand in a queue."""


def queue_of(task: DueTask) -> str:
    return f"agents.{task.type}" if task.kind == "dynamic" else "agents.static"


class Forwarder:
    """`work` lasts until `stopped`; `alongside` is called between two looks, with the connection."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        broker: Broker,
        holder: str,
        alongside: Callable[[Connection], object] = lambda connection: None,
    ) -> None:
        self._connect, self._broker, self._holder = connect, broker, holder
        self._alongside = alongside
        self._connection: Connection | None = None
        self._bell: Doorbell | None = None
        self._lease: Lease | None = None
        self._lease_at = self._sweep_at = 0.0
        self._since: datetime | None = None
        self._sent: dict[str, float] = {}
        """When each task was sent last, in `time.monotonic()`, as far as that matters."""

    def work(self, stopped: Callable[[], bool]) -> None:
        while not stopped():
            try:
                self._turn()
            except (DatabaseError, OSError) as error:
                _log.warning("forwarding failed", error=str(error))
                self._disconnect()
                time.sleep(LOOK)
        if self._connection is not None and self._lease is not None:
            with suppress(ReconcilerError):
                self._lease.release(self._connection)
        self._disconnect()

    def _turn(self) -> None:
        if self._connection is None:
            self._connection = self._connect()
            self._bell = doorbell(self._connection)
        self._alongside(self._connection)
        if self._leads(self._connection):
            self._forward(self._connection)
        self._wait()

    def _leads(self, connection: Connection) -> bool:
        now = time.monotonic()
        if now < self._lease_at:
            return self._lease is not None
        self._lease_at = now + RENEW
        try:
            if self._lease is None:
                self._lease = acquire(connection, LEASE, holder=self._holder, ttl=LEASE_SECONDS)
                self._since, self._sweep_at = None, 0.0
                _log.info("forwarding", holder=self._holder)
            else:
                self._lease = self._lease.renew(connection)
        except Locked:
            self._lease = None
        return self._lease is not None

    def _forward(self, connection: Connection) -> None:
        moment, now = moment_of(connection), time.monotonic()
        freed = tasks.take_over(connection, time_text(moment))
        if freed or now >= self._sweep_at:
            self._sweep_at = now + SWEEP
            self._sweep(connection, moment, now)
        since = self._since or moment
        found = dispatch.due_since(connection, since - timedelta(seconds=OVERLAP), moment)
        self._send([task for task in found if task.id not in self._sent], now)
        self._since = moment

    def _sweep(self, connection: Connection, moment: datetime, now: float) -> None:
        """Send again what must have been lost, and what nobody here has ever sent."""
        due = dispatch.all_due(connection, moment, MOST_SWEPT)
        late = [task for task in due if now - self._sent.get(task.id, float("-inf")) >= LOST_AFTER]
        empty = {queue for queue in {queue_of(task) for task in late} if not self._broker.depth(queue)}
        self._send([task for task in late if queue_of(task) in empty], now)
        self._sent = {id_: at for id_, at in self._sent.items() if now - at < 2 * LOST_AFTER}

    def _send(self, found: Iterable[DueTask], now: float) -> None:
        messages = [(queue_of(task), task.id) for task in found]
        if messages:
            self._broker.send(messages)
            self._sent |= {task_id: now for _, task_id in messages}

    def _wait(self) -> None:
        assert self._bell is not None, "there is one as long as there is a connection"
        descriptor = self._bell.fileno()
        end = time.monotonic() + LOOK
        while (left := end - time.monotonic()) > 0:
            if descriptor is not None:
                select.select([descriptor], [], [], left)
            else:
                time.sleep(min(left, self._bell.interval))
            if self._bell.rang():
                return

    def _disconnect(self) -> None:
        if self._bell is not None:
            self._bell.close()
        if self._connection is not None:
            self._connection.close()
        self._connection = self._bell = None
        self._lease_at = 0.0  # whether the lease is still held, the next connection will say

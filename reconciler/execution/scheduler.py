"""Scheduler: submits the tasks of agents that are to be run by the clock.

Of all that run, one holds the lease `scheduler` and fires; each firing verifies the lease in the transaction that
submits the task and remembers when the next one is due, so that none comes twice and none is forgotten. A task whose
predecessor has not ended is skipped, and however many times were missed while nobody scheduled, one task makes up for
them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from reconciler.database import schedules, tasks
from reconciler.database.clock import moment_of, parse_time, time_text
from reconciler.database.connection import Connection
from reconciler.database.lease import Lease, acquire
from reconciler.database.schedules import Remembered, Scheduled
from reconciler.database.tasks import NewTask
from reconciler.errors import DatabaseError, Locked, ReconcilerError, Refused, RunError
from reconciler.execution.tasks import TaskQueue

LEASE = "scheduler"
LEASE_SECONDS = 30.0
RENEW = 10.0
"""Seconds between two renewals of the lease, and between two attempts to get it."""
REFRESH = 5.0
"""Seconds after which a schedule that was changed is known of."""
TICK = 0.5
"""Seconds between two looks at the clock."""
ORIGIN = "schedule"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """An agent with when it is due next."""

    scheduled: Scheduled
    due: datetime
    last_fired: str | None


class Scheduler:
    """`tick` is to be called often; most calls do nothing. `holder` is who has the lease, for people."""

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._lease: Lease | None = None
        self._tick_at = self._lease_at = self._refresh_at = 0.0
        self._entries: list[_Entry] = []

    def tick(self, connection: Connection) -> bool:
        """Fire what is due; whether any task was submitted. Raises DatabaseError."""
        now = time.monotonic()
        if now < self._tick_at:
            return False
        self._tick_at = now + TICK
        if not self._leads(connection, now):
            return False
        moment = moment_of(connection)
        if now >= self._refresh_at:
            self._entries = self._current(connection, moment)
            self._refresh_at = now + REFRESH
        due = [entry for entry in self._entries if entry.due <= moment]
        return bool(due) and self._fire(connection, due, moment)

    def close(self, connection: Connection) -> None:
        """Let another one schedule at once."""
        if self._lease is not None:
            with suppress(ReconcilerError):
                self._lease.release(connection)
            self._lease = None

    def _leads(self, connection: Connection, now: float) -> bool:
        if now < self._lease_at:
            return self._lease is not None
        self._lease_at = now + RENEW
        try:
            if self._lease is None:
                self._lease = acquire(connection, LEASE, holder=self._holder, ttl=LEASE_SECONDS)
                self._refresh_at = 0.0
                _log.info("scheduling", holder=self._holder)
            else:
                self._lease = self._lease.renew(connection)
        except Locked:
            self._lease = None
        return self._lease is not None

    def _current(self, connection: Connection, moment: datetime) -> list[_Entry]:
        """What is scheduled now. A schedule that is new or was changed counts from this moment."""
        wanted = schedules.scheduled(connection)
        known = schedules.remembered(connection)
        entries, new = [], []
        for one in wanted:
            before = known.pop(one.agent, None)
            if before is not None and before.schedule == one.text:
                entries.append(_Entry(one, parse_time(before.next_due), before.last_fired))
            elif (due := next_due(one, moment)) is not None:
                entries.append(_Entry(one, due, before.last_fired if before else None))
                new.append(entries[-1])
        schedules.remember(connection, [_remembered(entry) for entry in new])
        schedules.forget(connection, [*known])
        return entries

    def _fire(self, connection: Connection, due: Sequence[_Entry], moment: datetime) -> bool:
        assert self._lease is not None, "only who leads fires"
        fired = {entry.scheduled.agent: _after(entry, moment) for entry in due}
        try:
            with connection.transaction():
                self._lease.verify(connection)
                submitted = [_submit(connection, entry) for entry in due]
                schedules.remember(connection, [_remembered(entry) for entry in fired.values() if entry])
        except Locked:
            self._lease = None
            return False
        kept = (fired.get(entry.scheduled.agent, entry) for entry in self._entries)
        self._entries = [entry for entry in kept if entry is not None]
        return any(submitted)


def keep_scheduling(
    scheduler: Scheduler, connect: Callable[[], Connection], stopped: Callable[[], bool]
) -> None:
    """Tick until `stopped`. Raises ReconcilerError where not even the first connection succeeds."""
    connection = connect()
    while not stopped():
        try:
            scheduler.tick(connection)
        except DatabaseError as error:
            _log.warning("database failed", code=error.code, message=error.message)
            connection.close()
            with suppress(DatabaseError):
                connection = connect()
        time.sleep(TICK)
    scheduler.close(connection)
    connection.close()


def next_due(scheduled: Scheduled, after: datetime) -> datetime | None:
    """The first time after `after` (with zone) at which the schedule is due, in UTC; None if it never is again.

    By the clock on the wall of its zone: what falls into the hour that is skipped in spring comes at its end, what
    falls into the one that comes twice in autumn comes once, unless it comes every so often.
    """
    from cronsim import CronSim, CronSimError

    try:
        zone = ZoneInfo(scheduled.timezone) if scheduled.timezone else UTC
        found = next(CronSim(scheduled.expression, after.astimezone(zone)))
    except StopIteration:
        return None
    except (CronSimError, KeyError, OSError, ValueError) as error:
        # The manifest was checked, on a machine that knew the zone.
        _log.error(
            "schedule not understood", agent=scheduled.agent, schedule=scheduled.text, error=str(error)
        )
        return None
    return found.astimezone(UTC)


def _after(entry: _Entry, moment: datetime) -> _Entry | None:
    """The entry once it has been fired: from now on, whatever was missed."""
    due = next_due(entry.scheduled, moment)
    return None if due is None else _Entry(entry.scheduled, due, time_text(moment))


def _submit(connection: Connection, entry: _Entry) -> bool:
    """Whether a task was submitted."""
    agent = entry.scheduled.agent
    if schedules.unended(connection, agent, ORIGIN):
        _log.warning("scheduled task skipped", agent=agent, reason="the one before has not ended")
        return False
    key = f"{ORIGIN} {time_text(entry.due)}"
    try:
        return TaskQueue(connection).submit(agent, {}, idempotency_key=key, origin=ORIGIN).created
    except Refused as error:
        _log.warning("scheduled task skipped", agent=agent, reason=error.message)
        return False
    except RunError as error:
        # Nobody is there to be told that the type wants input which the clock has not. A task that fails because of
        # it stands where everybody looks.
        _log.error("scheduled task cannot run", agent=agent, message=error.message, where=error.where)
        task = NewTask(agent, {}, idempotency_key=key, max_attempts=1, origin=ORIGIN)
        return tasks.submit(connection, [task])[0].created


def _remembered(entry: _Entry) -> Remembered:
    one = entry.scheduled
    return Remembered(one.agent, one.text, entry.last_fired, time_text(entry.due))

"""How many tasks of an agent may start now."""

from __future__ import annotations

from datetime import datetime

from reconciler.database import rates
from reconciler.database.connection import Connection
from reconciler.spec.limits import Limits

UNBOUNDED = 2**31


def allowance(connection: Connection, agent: str, limits: Limits, now: datetime) -> int:
    """Tasks the agent's limits leave room for; its share is held against others until the transaction ends.

    0 where another worker is just taking tasks of the same agent: there is no use in waiting for that.
    """
    if limits.concurrency is None and limits.tasks_per_minute is None:
        return UNBOUNDED
    if not rates.try_lock(connection, _rate_name(agent)):
        return 0
    room = UNBOUNDED
    if limits.concurrency is not None:
        room = limits.concurrency - _running(connection, agent)
    if room > 0 and limits.tasks_per_minute is not None:
        room = min(room, rates.left(connection, _rate(agent, limits.tasks_per_minute), now))
    return max(0, room)


def started(connection: Connection, agent: str, limits: Limits, now: datetime, count: int) -> None:
    """Count tasks against the agent's limits, in the transaction in which `allowance` was asked."""
    if limits.tasks_per_minute is not None and count:
        rates.record(connection, _rate(agent, limits.tasks_per_minute), now, count)


def _running(connection: Connection, agent: str) -> int:
    sql = "SELECT count(*) FROM tasks WHERE state = 'running' AND agent = ?"
    return int(connection.execute(sql, (agent,))[0][0])


def _rate(agent: str, per_minute: int) -> rates.Rate:
    return rates.Rate(_rate_name(agent), per_minute, 60)


def _rate_name(agent: str) -> str:
    return f"tasks/{agent}"

"""How often something may happen in a while, counted by all processes in one place.

A rate's while is cut into sixty stretches, each with a count. A stretch counts until all of it is over: never more
than the rate allows lie within any such while, and room returns at most a sixtieth of it late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from reconciler.database.connection import Connection

STRETCHES = 60


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in `seconds`, of what has this name."""

    name: str
    count: int
    seconds: float


class Counter(Protocol):
    """Counts rates elsewhere than in the database."""

    def take(self, rate: Rate) -> bool:
        """Count one more; False where there is no room. Raises Unavailable."""


def left(connection: Connection, rate: Rate, now: datetime) -> int:
    """How many may still happen now. Inside a transaction that ends in `record`, others may wait for it."""
    ((used,),) = connection.execute(
        "SELECT coalesce(sum(count), 0) FROM rate_counts WHERE name = ? AND bucket > ?",
        (rate.name, _bucket(rate, now) - STRETCHES - 1),
    )
    return max(0, rate.count - int(used))


def record(connection: Connection, rate: Rate, now: datetime, count: int = 1) -> None:
    """Count so many, and forget what no longer matters."""
    bucket = _bucket(rate, now)
    connection.execute(
        "INSERT INTO rate_counts (name, bucket, count) VALUES (?, ?, ?)"
        " ON CONFLICT (name, bucket) DO UPDATE SET count = rate_counts.count + excluded.count",
        (rate.name, bucket, count),
    )
    connection.execute(
        "DELETE FROM rate_counts WHERE name = ? AND bucket < ?", (rate.name, bucket - STRETCHES)
    )


def lock(connection: Connection, name: str) -> None:
    """Until the transaction ends nobody else counts by this name. SQLite's transaction is alone anyway."""
    if connection.dialect == "postgresql":
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (name,))


def try_lock(connection: Connection, name: str) -> bool:
    """The same without waiting: whether nobody else is counting."""
    if connection.dialect == "sqlite":
        return True
    ((locked,),) = connection.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(?, 0))", (name,))
    return bool(locked)


def _bucket(rate: Rate, now: datetime) -> int:
    return int(now.timestamp() * STRETCHES / rate.seconds)

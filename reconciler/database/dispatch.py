"""Tasks that are due, for those who hand them on to a broker instead of claiming them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.database.clock import time_text
from reconciler.database.connection import Connection

_DUE = "SELECT id, kind, type FROM tasks WHERE state = 'pending' AND not_before <= ?"


@dataclass(frozen=True, slots=True)
class DueTask:
    """`type` is empty for a static agent's."""

    id: str
    kind: str
    type: str


def due_since(connection: Connection, since: datetime, now: datetime) -> list[DueTask]:
    """The tasks that have become due between the two."""
    sql = f"{_DUE} AND not_before > ? ORDER BY id"
    return [DueTask(*row) for row in connection.execute(sql, (time_text(now), time_text(since)))]


def all_due(connection: Connection, now: datetime, limit: int) -> list[DueTask]:
    """The oldest of all that are due."""
    sql = f"{_DUE} ORDER BY id LIMIT ?"
    return [DueTask(*row) for row in connection.execute(sql, (time_text(now), limit))]


def live_types(connection: Connection) -> list[str]:
    """Names of the types that have an agent."""
    rows = connection.execute("SELECT DISTINCT type FROM agents WHERE deleted_at IS NULL ORDER BY type")
    return [name for (name,) in rows]

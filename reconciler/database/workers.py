"""Who works the queue, as they last said."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

from reconciler.database.clock import moment_of, now_text, time_text
from reconciler.database.connection import Connection

FORGOTTEN_AFTER = 24 * 3600.0
"""Seconds after which a worker that was not heard of is taken off the list."""


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """`kind` is the executor, `capacity` how many tasks it runs at a time."""

    id: str
    host: str
    pid: int
    kind: str
    started_at: str
    seen_at: str
    capacity: int


def enlist(connection: Connection, worker: str, kind: str, capacity: int) -> None:
    """This process works from now on, as `worker`; who has long been silent is forgotten."""
    now = moment_of(connection)
    forgotten = time_text(now - timedelta(seconds=FORGOTTEN_AFTER))
    at = time_text(now)
    with connection.transaction():
        connection.execute("DELETE FROM workers WHERE seen_at < ?", (forgotten,))
        connection.execute(
            "INSERT INTO workers (id, host, pid, kind, started_at, seen_at, capacity) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
            (worker, socket.gethostname(), os.getpid(), kind, at, at, capacity),
        )


def seen(connection: Connection, worker: str) -> None:
    """It still works."""
    with connection.transaction(durable=False):
        connection.execute("UPDATE workers SET seen_at = ? WHERE id = ?", (now_text(connection), worker))


def dismiss(connection: Connection, worker: str) -> None:
    """It has ended in order."""
    connection.execute("DELETE FROM workers WHERE id = ?", (worker,))


def enlisted(connection: Connection) -> list[WorkerRecord]:
    rows = connection.execute(
        "SELECT id, host, pid, kind, started_at, seen_at, capacity FROM workers ORDER BY started_at, id"
    )
    return [WorkerRecord(*row) for row in rows]

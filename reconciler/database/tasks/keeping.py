"""Claims while they last: renewed, and given back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from reconciler.database.clock import moment_of, now_text, time_text
from reconciler.database.connection import Connection
from reconciler.database.records.batches import in_batches
from reconciler.database.tasks.records import Held


def heartbeat(connection: Connection, worker: str, tokens: Mapping[str, int], *, ttl: float) -> Held:
    """Hold these tasks for `ttl` more seconds; `tokens` is the token of each claim by the id of its task."""
    expires = time_text(moment_of(connection) + timedelta(seconds=ttl))
    held: dict[str, tuple[int, str | None]] = {}
    with connection.transaction(durable=False):
        for places, batch in in_batches(tokens):
            rows = connection.execute(
                f"UPDATE tasks SET expires_at = ? WHERE state = 'running' AND worker = ? AND id IN {places}"
                " RETURNING id, token, cancel_requested",
                [expires, worker, *batch],
            )
            held |= {id_: (token, wanted) for id_, token, wanted in rows}
    lost = {id_ for id_, token in tokens.items() if id_ not in held or held[id_][0] != token}
    cancelled = {id_ for id_, (_, wanted) in held.items() if wanted is not None}
    return Held(frozenset(lost), frozenset(cancelled - lost))


def release(connection: Connection, worker: str, ids: Collection[str]) -> int:
    """Give back what has not been run to its end; how many tasks that were. The attempt does not count.

    A task that somebody wants cancelled is cancelled instead.
    """
    now = now_text(connection)
    released = 0
    with connection.transaction():
        for places, batch in in_batches(ids):
            rows = connection.execute(f"{_RELEASE} AND id IN {places} RETURNING id", [now, worker, *batch])
            released += len(rows)
    return released


_RELEASE = """
UPDATE tasks SET
  state = CASE WHEN cancel_requested IS NOT NULL THEN 'cancelled' ELSE 'pending' END,
  finished_at = CASE WHEN cancel_requested IS NOT NULL THEN ? END,
  error_code = CASE WHEN cancel_requested IS NOT NULL THEN 'cancelled' END,
  error_message = cancel_requested,
  attempts = attempts - 1, expires_at = NULL
WHERE state = 'running' AND worker = ?"""

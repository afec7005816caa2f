"""Doorbells: hear, without asking all the time, that somebody has something for those who wait.

There is one for workers, who wait for tasks, and one for the controller, who waits for its source to change. On
PostgreSQL a bell is rung by `ring` and heard at once. SQLite has none: whoever waits asks often, and cheaply,
whether another connection has committed anything.
"""

from __future__ import annotations

import secrets
from typing import Literal, Protocol

from reconciler.database.connection import Connection

Channel = Literal["reconciler_tasks", "reconciler_source"]
TASKS: Channel = "reconciler_tasks"
SOURCE: Channel = "reconciler_source"


class Doorbell(Protocol):
    interval: float
    """Seconds between two calls of `rang`, so that nobody waits longer; infinite where `fileno` tells when."""

    def fileno(self) -> int | None:
        """Readable when it rings; None where there is nothing to wait for."""

    def rang(self) -> bool:
        """Whether it has rung since it was asked last. Raises DatabaseError where it cannot be heard any more."""

    def close(self) -> None: ...


def ring(connection: Connection, channel: Channel = TASKS) -> None:
    """Wake those who wait; inside a transaction, once it is committed."""
    if connection.dialect == "postgresql":
        connection.execute(f"NOTIFY {channel}")
    elif channel == SOURCE:
        # Tasks come and go all the time in the same file: what is meant for the controller has a note of its own.
        connection.execute(
            "INSERT INTO catalog_meta (key, value) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (SOURCE, secrets.token_hex(8)),
        )


def doorbell(connection: Connection, channel: Channel = TASKS) -> Doorbell:
    """Of the database of a connection, which must be used by whoever asks `rang` only. It has not rung yet, except
    that the workers' on SQLite says so at first."""
    if connection.dialect == "sqlite":
        return _SqliteDoorbell(connection) if channel == TASKS else _SqliteNotes(connection)
    from reconciler.database.postgres_doorbell import PostgresDoorbell

    return PostgresDoorbell(connection.address, connection.url, channel)


class _SqliteDoorbell:
    interval = 0.01

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._version = -1

    def fileno(self) -> int | None:
        return None

    def rang(self) -> bool:
        # Counts what others commit, not what this connection does itself. Read from shared memory: microseconds.
        ((version,),) = self._connection.execute("PRAGMA data_version")
        if version == self._version:
            return False
        self._version = version
        return True

    def close(self) -> None:
        """The connection is not its own."""


class _SqliteNotes(_SqliteDoorbell):
    """Of all that others commit, only what `ring` has left."""

    interval = 0.2

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        super().rang()
        self._note = self._read()

    def rang(self) -> bool:
        if not super().rang():
            return False
        before, self._note = self._note, self._read()
        return self._note != before

    def _read(self) -> object:
        return self._connection.execute("SELECT value FROM catalog_meta WHERE key = ?", (SOURCE,))

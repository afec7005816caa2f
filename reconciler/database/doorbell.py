"""Doorbell: hears, without asking all the time, that somebody has something for those who wait.

On PostgreSQL it is rung by `ring` and heard at once. SQLite has no bell: whoever waits asks often, and cheaply,
whether another connection has committed anything.
"""

from __future__ import annotations

from typing import Protocol

from reconciler.database.connection import Connection

CHANNEL = "reconciler_tasks"


class Doorbell(Protocol):
    interval: float
    """Seconds between two calls of `rang`, so that nobody waits longer; infinite where `fileno` tells when."""

    def fileno(self) -> int | None:
        """Readable when it rings; None where there is nothing to wait for."""

    def rang(self) -> bool:
        """Whether it has rung since it was asked last. Raises DatabaseError where it cannot be heard any more."""

    def close(self) -> None: ...


def ring(connection: Connection) -> None:
    """Wake those who wait; inside a transaction, once it is committed."""
    if connection.dialect == "postgresql":
        connection.execute(f"NOTIFY {CHANNEL}")


def doorbell(connection: Connection) -> Doorbell:
    """Of the database of a connection, which must be used by whoever asks `rang` only."""
    if connection.dialect == "sqlite":
        return _SqliteDoorbell(connection)
    from reconciler.database.postgres_doorbell import PostgresDoorbell

    return PostgresDoorbell(connection.address, connection.url)


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

"""Short questions that only read, asked of SQLite on one connection kept for them. What was learnt by one holds for the
next as long as nobody commits anything, which SQLite tells for next to nothing: a key that was revoked, or a type that
was changed, is seen by the very next request."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from reconciler.database.connection import Connection
from reconciler.errors import DatabaseError

REMEMBERED = 5_000
"""Things known at once, after which all are looked up anew."""

T = TypeVar("T")


class Moment:
    """The database as it is now, and what is `known` of it: filled and used by whoever asks, under their own keys."""

    __slots__ = ("connection", "known")

    def __init__(self, connection: Connection, known: dict[Any, Any]) -> None:
        self.connection, self.known = connection, known


class Reader:
    """May be asked by several threads, one after the other. `connecting` opens a connection for it alone: one that
    wrote itself would not be told of what it wrote."""

    def __init__(self, connecting: Callable[[], Connection]) -> None:
        self._connecting = connecting
        self._connection: Connection | None = None
        self._lock = Lock()
        self._counter: int | None = None
        self._known: dict[Any, Any] = {}

    def ask(self, question: Callable[[Moment], T]) -> T:
        """The answer, all of it of one moment."""
        with self._lock:
            connection = self._connection
            if connection is None:
                connection = self._connection = self._connecting()
                self._forget(None)
            try:
                with connection.snapshot():
                    counter = connection.change_counter()
                    if counter is None or counter != self._counter or len(self._known) > REMEMBERED:
                        self._forget(counter)
                    return question(Moment(connection, self._known))
            except DatabaseError:
                self._close()
                raise

    def close(self) -> None:
        with self._lock:
            self._close()

    def _forget(self, counter: int | None) -> None:
        self._counter, self._known = counter, {}

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

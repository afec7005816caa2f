"""What a server holds while it runs. Made by `bootstrap`'s means, handed to routes by `server_of`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from fastapi import Request

from api.auth import Authenticator, Guesses
from api.config import ServeConfig
from reconciler.bootstrap import open_reconciler, open_writer
from reconciler.database.connection import Connection, connect
from reconciler.database.upgrade import ensure_catalog
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.control.proposals import Writer
    from reconciler.control.reconciler import Reconciler

IDLE_CONNECTIONS = 8
"""Connections kept open for the next request."""


@dataclass
class ServerState:
    """`writer` puts proposals into the source; `authenticator` tells who asks."""

    settings: Settings
    config: ServeConfig
    authenticator: Authenticator
    guesses: Guesses = field(default_factory=Guesses)
    _idle: list[Connection] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of this request's own, out of those that are idle. One that failed is not used again."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = connect(self.settings.database, lock_timeout=self.settings.lock_timeout)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()

    def reconciler(self) -> Reconciler:
        """To be used as a context manager, by one request."""
        return open_reconciler(self.settings, create=True)

    def writer(self) -> Writer:
        return open_writer(
            self.settings, forge=self.config.forge, forge_api=self.config.forge_api, direct=self.config.direct
        )

    def prepare(self) -> None:
        """The catalog, if it is not there or too old. Raises DatabaseError."""
        with self.connection() as connection:
            ensure_catalog(connection)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def server_of(request: Request) -> ServerState:
    state: ServerState = request.app.state.server
    return state

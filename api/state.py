"""What a server holds while it runs. Made by `bootstrap`'s means, handed to routes by `server_of`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
from fastapi import Request

from api.auth import Authenticator, Guesses, KeyAuthenticator, Rates
from api.config import ServeConfig
from api.metrics import ServerMetrics
from api.operations import Operations
from api.reading import Moment, Reader
from api.watching import TaskWatch
from reconciler.agents.static import StaticAgents, installed_agents
from reconciler.bootstrap import (
    open_agent_registry,
    open_builder,
    open_cipher,
    open_proposer,
    open_reconciler,
    open_writer,
)
from reconciler.database import long_work
from reconciler.database.api_keys import Role
from reconciler.database.connection import Connection, connect
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import ReconcilerError
from reconciler.settings import Settings
from reconciler.tools.registry import ToolRegistry, builtin_registry

if TYPE_CHECKING:
    from reconciler.agents.registry import AgentRegistry
    from reconciler.builder.service import AgentBuilderService
    from reconciler.control.proposals import Writer
    from reconciler.control.proposing import Proposer
    from reconciler.control.reconciler import Reconciler

IDLE_CONNECTIONS = 16
"""Connections kept open for the next request."""

T = TypeVar("T")
_log = logging.getLogger("reconciler.api")


@dataclass
class ServerState:
    settings: Settings
    config: ServeConfig
    stopping: bool = False
    """The server was asked to stop: streams end."""
    _idle: list[Connection] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.guesses = Guesses(self.config.guesses_per_minute)
        self.rates = Rates(self.config.requests_per_minute)
        self.authenticator: Authenticator = KeyAuthenticator(self.config.pepper, self.later)
        self.metrics = ServerMetrics()
        self.operations = Operations(self.connection)
        self.watch = TaskWatch(self.connection)
        self._reader = Reader(self._opened) if self.settings.database.startswith("sqlite") else None
        self._background = ThreadPoolExecutor(1, "later")
        self._folder: TemporaryDirectory[str] | None = None

    # --- the database ---------------------------------------------------------------------------------------

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of this request's own, out of those that are idle. One that failed is not used again."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._opened()
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

    def _opened(self) -> Connection:
        return connect(self.settings.database, lock_timeout=self.settings.lock_timeout)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """The answer to a short question that only reads. A SQLite file is asked at once: handing the question to a
        thread would take longer than the answer does."""
        if self.settings.database.startswith("sqlite"):
            return self._asked(question)
        return await anyio.to_thread.run_sync(self._asked, question)

    async def recall(self, question: Callable[[Moment], T]) -> T:
        """The same, with what earlier questions have learnt at hand where nothing has changed since."""
        if self._reader is not None:
            return self._reader.ask(question)
        return await anyio.to_thread.run_sync(
            self._asked, lambda connection: question(Moment(connection, {}))
        )

    def _asked(self, question: Callable[[Connection], T]) -> T:
        with self.connection() as connection:
            return question(connection)

    def later(self, work: Callable[[Connection], None]) -> None:
        """Done soon, by somebody else. That it fails is only logged."""

        def run() -> None:
            try:
                self._asked(work)
            except ReconcilerError as error:
                _log.warning("%s: %s", error.code, error.message)

        self._background.submit(run)

    # --- what answers ---------------------------------------------------------------------------------------

    def reconciler(self) -> Reconciler:
        """To be used as a context manager, by one request."""
        return open_reconciler(self.settings, create=True)

    def proposer(self) -> Proposer:
        """For one wish."""
        return open_proposer(self.settings, self._writer())

    def _writer(self) -> Writer:
        config = self.config
        return open_writer(
            self.settings, forge=config.forge, forge_api=config.forge_api, direct=config.direct
        )

    @property
    def follows_git(self) -> bool:
        return self.settings.source.startswith("git+")

    @cached_property
    def agents(self) -> AgentRegistry:
        return open_agent_registry(self.settings)

    @cached_property
    def builder(self) -> AgentBuilderService:
        return open_builder(self.settings, connecting=self.connection, writer=self._writer)

    @cached_property
    def files(self) -> Path:
        """A folder for exports and imports on their way, nobody else's, that goes with the server."""
        self._folder = TemporaryDirectory(prefix="reconciler-")
        return Path(self._folder.name)

    @cached_property
    def static(self) -> StaticAgents:
        return installed_agents()

    @cached_property
    def tools(self) -> ToolRegistry:
        return builtin_registry()

    @cached_property
    def _cipher(self) -> Cipher:
        return open_cipher(self.settings)

    def cipher(self, role: Role) -> Cipher:
        """Encrypted fields are opened for operators; for others they are not there."""
        return self._cipher if role.covers(Role.OPERATOR) else NO_KEY

    # --- from start to end ----------------------------------------------------------------------------------

    def prepare(self) -> None:
        """The catalog, if it is not there or too old. Raises DatabaseError."""
        with self.connection() as connection:
            ensure_catalog(connection)
            for identity in long_work.interrupt_orphans(connection):
                _log.warning("operation %s was interrupted: its server is gone", identity)

    def close(self) -> None:
        """Waits for operations: an apply is not to be cut in two."""
        self.operations.close()
        self._background.shutdown()
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        if self._reader is not None:
            self._reader.close()
        if self._folder is not None:
            self._folder.cleanup()


def server_of(request: Request) -> ServerState:
    state: ServerState = request.app.state.server
    return state

"""StandingConnection: what a worker keeps open to its database, and the host over it that answers its tasks."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.database import tasks
from reconciler.database.connection import Connection
from reconciler.database.rates import Counter
from reconciler.database.rows.cipher import Cipher
from reconciler.database.rows.host import DatabaseHost
from reconciler.execution.secret_store import SecretStore


class StandingConnection:
    """Opened when first asked for, and anew when asked after it was closed; `opened` is told of each."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        cipher: Cipher,
        opened: Callable[[Connection], None] = lambda connection: None,
        counter: Counter | None = None,
    ) -> None:
        """`counter` counts the calls of tools, if the database does not."""
        self._connect, self._cipher, self._opened, self._counter = connect, cipher, opened, counter
        self._connection: Connection | None = None
        self._host: DatabaseHost | None = None

    def get(self) -> Connection:
        """Raises DatabaseError."""
        if self._connection is None:
            self._connection = self._connect()
            self._opened(self._connection)
        return self._connection

    def host(self) -> DatabaseHost:
        """Over the very same connection: between the worker's own statements, which are never half done then."""
        if self._host is None:
            connection = self.get()
            bound = SecretStore(lambda agent: tasks.blueprint(connection, agent))
            self._host = DatabaseHost(connection, secrets=bound, cipher=self._cipher, counter=self._counter)
        return self._host

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._host = None

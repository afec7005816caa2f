"""Databases on a PostgreSQL server, made anew each time: one of thousands of tables takes more locks to empty
than a server has."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from itertools import count
from urllib.parse import urlsplit

from tests.benchmarks.contest import PeerMissingError


class Postgres:
    """A context manager. The server is looked for, or started, when the first database is asked for."""

    def __init__(self) -> None:
        self._prefix = f"reconciler_benchmark_{secrets.token_hex(3)}"
        self._numbers = count()
        self._server = ""
        self._names: list[str] = []
        self._closing = ExitStack()

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *exc: object) -> None:
        with self._closing:
            for name in self._names:
                self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def new(self) -> str:
        """The URL of an empty database. Raises PeerMissingError where there is no server."""
        self._find_server()
        name = f"{self._prefix}_{next(self._numbers)}"
        self._names.append(name)
        self._run(f'CREATE DATABASE "{name}"')
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()

    def renew(self, url: str) -> None:
        name = urlsplit(url).path.removeprefix("/")
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')
        self._run(f'CREATE DATABASE "{name}"')

    def _find_server(self) -> None:
        if self._server:
            return
        try:
            from tests.postgres_server import NoServerError, running
        except ImportError as error:
            raise PeerMissingError(f"PostgreSQL needs psycopg: {error}") from error
        try:
            self._server = self._closing.enter_context(running())
        except NoServerError as error:
            raise PeerMissingError(f"no PostgreSQL: {error}") from error

    def _run(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

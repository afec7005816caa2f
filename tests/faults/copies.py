"""Copies of one filled database: made in a fraction of the time it takes to fill another."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from reconciler.database.connection import connect


class Copies(Protocol):
    """`original` is to be filled; `seal` ends that, and from then on `take` gives the URLs of copies."""

    original: str

    def seal(self) -> None: ...

    def take(self) -> str: ...

    def drop(self) -> None: ...


def copies_of(dialect: str, folder: Path, request: pytest.FixtureRequest) -> Copies:
    if dialect == "sqlite":
        return SqliteCopies(folder)
    return PostgresCopies(request.getfixturevalue("postgres_databases").take())


class SqliteCopies:
    def __init__(self, folder: Path) -> None:
        self._file = folder / "original.db"
        self._numbers = count()
        self.original = f"sqlite:///{self._file}"

    def seal(self) -> None:
        with connect(self.original) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def take(self) -> str:
        copy = self._file.with_name(f"copy{next(self._numbers)}.db")
        shutil.copy(self._file, copy)
        return f"sqlite:///{copy}"

    def drop(self) -> None:
        """The folder goes with the test run."""


class PostgresCopies:
    """The statistics are copied too, so that a large table is known as one."""

    def __init__(self, original: str) -> None:
        self.original = original
        self._template = urlsplit(original).path.removeprefix("/")
        self._taken: str | None = None

    def seal(self) -> None:
        with psycopg.connect(self.original, autocommit=True) as connection:
            connection.execute("ANALYZE")

    def take(self) -> str:
        """The copy before this one is dropped."""
        self.drop()
        self._taken = f"{self._template}_copy"
        self._run("CREATE DATABASE {} TEMPLATE {}", self._taken, self._template)
        return urlsplit(self.original)._replace(path=f"/{self._taken}").geturl()

    def drop(self) -> None:
        if self._taken is not None:
            self._run("DROP DATABASE {} WITH (FORCE)", self._taken)
            self._taken = None

    def _run(self, statement: str, *names: str) -> None:
        server = urlsplit(self.original)._replace(path="/postgres").geturl()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

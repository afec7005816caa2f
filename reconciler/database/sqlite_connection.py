"""The SQLite side of `connection`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.database.connection import Connection, Params, Row
from reconciler.database.failures import DriverMissing, Unreachable, from_sqlite
from reconciler.database.sql_text import Dialect

OLDEST = (3, 35, 0)
"""First release with RETURNING and DROP COLUMN."""

CACHE_KIB = 64_000
"""Memory that a writing connection may fill. A thousand tables made in one transaction all write to the pages of
the schema: with SQLite's own 2,000 these would go to the disk and come back tens of thousands of times."""


class SqliteConnection(Connection):
    dialect: Dialect = "sqlite"
    _journal_chosen = False
    _has_wal = False
    _durable = True

    def __init__(self, url: str, path: Path | None, *, lock_timeout: float) -> None:
        """`path` is absolute; None opens a database in memory, which lives as long as the connection."""
        if sqlite3.sqlite_version_info < OLDEST:
            raise DriverMissing(
                f"SQLite {sqlite3.sqlite_version} is too old",
                hint="use a Python built with SQLite 3.35 or newer",
            )
        self.url = self.address = url
        # Links resolved: two names of one file are one database.
        self.identity = str(path.resolve()) if path else ":memory:"
        if path and not path.parent.is_dir():
            raise Unreachable(
                f"the folder {path.parent} does not exist", where=url, hint=f"mkdir -p {path.parent}"
            )
        try:
            # isolation_level=None: the driver's own BEGINs would leave DDL outside of transactions.
            # A web request may open its connection on one thread and close it on another.
            self._raw = sqlite3.connect(
                path or ":memory:", timeout=lock_timeout, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise from_sqlite(error, self.identity) from error
        try:
            self._prepare()
        except BaseException:
            self._raw.close()
            raise

    def _prepare(self) -> None:
        self.execute("PRAGMA foreign_keys = ON")
        # A file that is no database is refused now. Of all questions this one is answered without reading the
        # schema, which takes long where there are thousands of tables, and which a plan may not need.
        self.execute("PRAGMA schema_version")

    def execute(self, sql: str, params: Params = ()) -> list[Row]:
        try:
            return self._raw.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise from_sqlite(error, self.identity, sql) from error

    def _execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            self._raw.executemany(sql, rows)
        except sqlite3.Error as error:
            raise from_sqlite(error, self.identity, sql) from error

    def stream(self, sql: str, params: Params = ()) -> Iterator[Row]:
        try:
            yield from self._raw.execute(sql, params)
        except sqlite3.Error as error:
            raise from_sqlite(error, self.identity, sql) from error

    def foreign_keys(self, enabled: bool) -> None:
        if self.in_transaction:
            # SQLite would ignore the pragma in silence, and a rebuild would then delete rows by cascade.
            raise RuntimeError("foreign keys are switched outside of a transaction")
        self.execute(f"PRAGMA foreign_keys = {'ON' if enabled else 'OFF'}")

    @property
    def in_transaction(self) -> bool:
        return self._raw.in_transaction

    def close(self) -> None:
        self._raw.close()

    def change_counter(self) -> int | None:
        ((counter,),) = self.execute("PRAGMA data_version")
        return int(counter)

    def _begin(self, *, durable: bool = True) -> None:
        self._choose_journal()
        if not durable and self._has_wal:
            # There this means: no waiting for the disk. The next durable commit takes this one along.
            self.execute("PRAGMA synchronous = NORMAL")
            self._durable = False
        self.execute("BEGIN IMMEDIATE")

    def _choose_journal(self) -> None:
        if self._journal_chosen:
            return
        # WAL, so that readers (the API, a plan) go on while an apply writes, and see the state before it.
        # It is a property of the file: the first transaction switches it, or a later one while others use it.
        # `synchronous` stays at FULL: a revision that was reported as applied must survive a power cut.
        ((mode,),) = self.execute("PRAGMA journal_mode")
        if mode == "delete":
            with suppress(sqlite3.OperationalError):
                ((mode,),) = self._raw.execute("PRAGMA journal_mode = WAL")
        self._has_wal = mode == "wal"
        self.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._journal_chosen = True

    def _commit(self) -> None:
        self.execute("COMMIT")

    def _ended(self) -> None:
        if not self._durable:
            self.execute("PRAGMA synchronous = FULL")
            self._durable = True

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self.in_transaction:
            raise RuntimeError("already in a transaction")
        self._choose_journal()
        self.execute("BEGIN")
        with self._ending():
            yield

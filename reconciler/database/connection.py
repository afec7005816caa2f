"""One connection to one database, the same on SQLite and PostgreSQL.

Raw DBAPI: the control plane sends few, large statements, and importing an ORM for them would cost more than
running them. Only the driver that the URL asks for is imported. Every failure of a driver leaves as one of
`failures`' exceptions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from reconciler.database.failures import DatabaseMissing
from reconciler.database.sql_text import Dialect
from reconciler.errors import UsageError

Row = tuple[Any, ...]
Params = Sequence[Any]

LOCK_TIMEOUT = 5.0
"""Seconds a statement waits for another session's lock, unless told otherwise."""

_POSTGRES_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


class Connection(ABC):
    """Statements run one by one and count at once, unless inside `transaction()`.

    Placeholders are `?` on both dialects; a statement without parameters is sent as it is. `url` is for
    people: its password is masked. `identity` names the database itself, however its URL was written.
    `address` is the URL to open a second connection with, password included.
    """

    dialect: Dialect
    url: str
    identity: str
    address: str
    _savepoints = 0

    @abstractmethod
    def execute(self, sql: str, params: Params = ()) -> list[Row]:
        """Run one statement; the rows it gave, none for a statement that gives none."""

    def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement for each row of parameters, in order: for all, or if one fails for none."""
        if self.in_transaction:
            self._execute_many(sql, rows)
        else:
            with self.transaction():
                self._execute_many(sql, rows)

    @abstractmethod
    def _execute_many(self, sql: str, rows: Iterable[Params]) -> None: ...

    @abstractmethod
    def stream(self, sql: str, params: Params = ()) -> Iterator[Row]:
        """Rows one by one, held neither in the driver nor here. Other statements may run in between."""

    @abstractmethod
    def foreign_keys(self, enabled: bool) -> None:
        """Switch SQLite's enforcement, outside of a transaction. PostgreSQL always enforces."""

    @property
    @abstractmethod
    def in_transaction(self) -> bool: ...

    @abstractmethod
    def close(self) -> None:
        """Give the connection back; what was not committed is undone. Closing twice does nothing."""

    @abstractmethod
    def _begin(self, *, durable: bool = True) -> None: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """A read-only transaction in which all queries see the same moment."""

    def change_counter(self) -> int | None:
        """A number that is another one once some other connection has committed anything; None where the database
        keeps none that costs less to ask for than what one would want to know."""
        return None

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing. SQLite locks for writing from the start: a reader turning writer may fail.

        What is not `durable` is there for everybody once committed, costs no wait for the disk, and may be gone
        again after a power cut, unless a durable transaction came later.
        """
        if self.in_transaction:
            raise RuntimeError("already in a transaction; use savepoint()")
        self._begin(durable=durable)
        with self._ending():
            yield

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside can fail without the transaction around it failing."""
        if not self.in_transaction:
            raise RuntimeError("a savepoint needs a transaction around it")
        self._savepoints += 1
        name = f"reconciler_{self._savepoints}"
        self.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if self.in_transaction:
                self.execute(f"ROLLBACK TO SAVEPOINT {name}")
                self.execute(f"RELEASE SAVEPOINT {name}")
            raise
        self.execute(f"RELEASE SAVEPOINT {name}")

    def script(self, statements: Iterable[str]) -> None:
        """Run statements one after the other; the first failure stops it."""
        for statement in statements:
            self.execute(statement)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """COMMIT what ran inside, or ROLLBACK if it, or the commit itself, failed."""
        try:
            yield
            self._commit()
        except BaseException:
            # SQLite ends the transaction by itself on some failures, PostgreSQL with the connection.
            if self.in_transaction:
                self.execute("ROLLBACK")
            raise
        finally:
            self._ended()

    @abstractmethod
    def _ended(self) -> None:
        """Called after a transaction, however it ended."""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def connect(url: str, *, create: bool = True, lock_timeout: float = LOCK_TIMEOUT) -> Connection:
    """Open `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host:port/database`.

    `create=False` raises DatabaseMissing for a SQLite file that is not there; else it is created empty.
    A PostgreSQL database is never created. `lock_timeout` is in seconds.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        from reconciler.database.sqlite_connection import SqliteConnection

        path = _sqlite_path(url)
        if not create and not (path is not None and path.exists()):
            raise DatabaseMissing(f"there is no database {path or 'in memory'} yet", where=masked(url))
        return SqliteConnection(url, path, lock_timeout=lock_timeout)
    if scheme in _POSTGRES_SCHEMES:
        from reconciler.database.postgres_connection import PostgresConnection

        return PostgresConnection(f"postgresql://{rest}", masked(url), lock_timeout=lock_timeout)
    raise UsageError(
        f"{masked(url)} is not the URL of a database",
        hint="write sqlite:///file.db or postgresql://host/database",
    )


def database_exists(url: str) -> bool:
    """Whether there is anything to connect to; nothing is created by asking."""
    try:
        connect(url, create=False).close()
    except DatabaseMissing:
        return False
    return True


def masked(url: str) -> str:
    """The URL with any password in it replaced by `***`."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as an unclosed bracket: rather hide all than show half of it
        return f"{url.partition('://')[0]}://***"
    netloc = parts.netloc
    if "@" in netloc:
        user, _, host = netloc.rpartition("@")
        name, colon, _ = user.partition(":")
        netloc = f"{name}{':***' if colon else ''}@{host}"
    query = parts.query
    if "password" in query:
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode(
            [(key, "***" if "password" in key else value) for key, value in pairs], safe="*/=,-"
        )
    return urlunsplit((parts.scheme, netloc, parts.path, query, "")) if netloc or query else url


def _sqlite_path(url: str) -> Path | None:
    """The file's absolute path; None for a database in memory."""
    rest = url.removeprefix("sqlite://")
    if rest in ("", "/", "/:memory:"):
        return None
    if not rest.startswith("/") or "?" in rest:
        raise UsageError(
            f"{url} is not the URL of a SQLite file",
            hint="write sqlite:/// and a relative path, or sqlite://// and an absolute one, without options",
        )
    return Path(unquote(rest[1:])).expanduser().absolute()

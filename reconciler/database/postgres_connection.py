"""The PostgreSQL side of `connection`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from itertools import count

from reconciler.database.connection import Connection, Params, Row
from reconciler.database.failures import DriverMissing, from_connecting, from_postgres
from reconciler.database.sql_text import Dialect
from reconciler.errors import DatabaseError

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import TransactionStatus
except ImportError as missing:
    raise DriverMissing(
        "PostgreSQL needs the psycopg package, which is not installed",
        hint="pip install 'reconciler[postgres]'",
    ) from missing

CONNECT_TIMEOUT = 10
"""Seconds until a server that does not answer counts as unreachable, unless the URL says otherwise."""
CLIENT_CHECK = 1000
"""Milliseconds after which the server looks whether the client is still there, while a statement runs."""
STREAM_ROWS = 1000
"""Rows a stream fetches at a time."""

_QUOTED_OR_PLACEHOLDER = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*"
    | --[^\n]* | /\*.*?\*/
    | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
    | (?P<mark>\?)
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=512)
def numbered(sql: str) -> str:
    """`?` -> `$1`, `$2`, …, except within quotes and comments."""
    numbers = count(1)
    return _QUOTED_OR_PLACEHOLDER.sub(lambda m: f"${next(numbers)}" if m["mark"] else m[0], sql)


class PostgresConnection(Connection):
    dialect: Dialect = "postgresql"

    def __init__(self, address: str, url: str, *, lock_timeout: float) -> None:
        """`address` is what libpq is given, `url` what people are shown."""
        self.address = address
        self.url = url
        self._streams = count(1)
        try:
            timeout = int(conninfo_to_dict(address).get("connect_timeout") or CONNECT_TIMEOUT)
            # Raw cursors: `$1` reaches the server as it is, and `%` means nothing to the driver.
            self._raw = psycopg.connect(
                address,
                autocommit=True,
                connect_timeout=timeout,
                application_name="reconciler",
                client_encoding="utf8",
                cursor_factory=psycopg.RawCursor,
                # A statement prepared before a table was altered fails after it.
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise from_connecting(error, url) from error
        info = self._raw.info
        self.identity = f"{info.host}:{info.port}/{info.dbname}"
        # Set by a statement, as poolers refuse startup options.
        with suppress(psycopg.Error):  # not every server can
            # Without it a server works on for a client that was killed, and keeps its locks as long.
            self._raw.execute(f"SET client_connection_check_interval = {CLIENT_CHECK}")
        self.execute(f"SET lock_timeout = {round(lock_timeout * 1000)}; SET timezone = 'UTC'")

    def execute(self, sql: str, params: Params = ()) -> list[Row]:
        try:
            cursor = self._raw.execute(_sql(sql, params), params or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise from_postgres(error, self.url, sql) from error

    def _execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        try:
            with self._raw.cursor() as cursor:
                cursor.executemany(numbered(sql), rows)
        except psycopg.Error as error:
            raise from_postgres(error, self.url, sql) from error

    def stream(self, sql: str, params: Params = ()) -> Iterator[Row]:
        # A server-side cursor lives in a transaction; without one around it, the stream has its own.
        with nullcontext() if self.in_transaction else self.snapshot():
            try:
                with psycopg.RawServerCursor(self._raw, f"reconciler_stream_{next(self._streams)}") as cursor:
                    cursor.itersize = STREAM_ROWS
                    cursor.execute(_sql(sql, params), params or None)
                    yield from cursor
            except psycopg.Error as error:
                raise from_postgres(error, self.url, sql) from error

    def foreign_keys(self, enabled: bool) -> None:
        if self.in_transaction:
            raise RuntimeError("foreign keys are switched outside of a transaction")

    @property
    def in_transaction(self) -> bool:
        return self._raw.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR)

    def close(self) -> None:
        self._raw.close()

    def _begin(self, *, durable: bool = True) -> None:
        self.execute("BEGIN" if durable else "BEGIN; SET LOCAL synchronous_commit = off")

    def _commit(self) -> None:
        # The server answers COMMIT of a failed transaction by rolling back, and calls that a success.
        if self._raw.info.transaction_status == TransactionStatus.INERROR:
            raise DatabaseError("a statement of this transaction failed; nothing of it was kept")
        self.execute("COMMIT")

    def _ended(self) -> None:
        """What was set for the transaction ended with it."""

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self.in_transaction:
            raise RuntimeError("already in a transaction")
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        with self._ending():
            yield


def _sql(sql: str, params: Params) -> str:
    return numbered(sql) if params else sql

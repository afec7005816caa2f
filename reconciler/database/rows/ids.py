"""Ids of rows that are yet to be written, handed out from reserved blocks.

SQLite's `sqlite_sequence` and PostgreSQL's sequences never give a number twice, to no process; what a block holds when
its process ends is lost, which leaves a gap and nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

from reconciler.database.connection import Connection
from reconciler.database.failures import NotThere
from reconciler.database.rows.refusals import changed_meanwhile
from reconciler.database.sql_text import quote

LARGEST_BLOCK = 1024


class Ids:
    """Shared by all threads of a process. Blocks double from one id on: who writes a single row leaves no gap."""

    def __init__(self, reserve: Callable[[str, int], list[int]]) -> None:
        """`reserve` gives so many new ids of a table."""
        self._reserve = reserve
        self._blocks: dict[str, deque[int]] = {}
        self._sizes: dict[str, int] = {}
        self._lock = Lock()

    def take(self, table: str) -> int:
        """An id that no other row of the table has or will have. Raises Conflict where there is no such table."""
        with self._lock:
            block = self._blocks.setdefault(table, deque())
            if not block:
                size = self._sizes[table] = min(self._sizes.get(table, 0) * 2 or 1, LARGEST_BLOCK)
                block.extend(self._reserve(table, size))
            return block.popleft()


def reserve(connection: Connection, table: str, count: int) -> list[int]:
    """So many ids that nobody else gets, in ascending order. Not inside a transaction on SQLite: what is rolled back
    there is reserved no more. Raises Conflict where there is no such table."""
    try:
        if connection.dialect == "sqlite":
            return _reserve_on_sqlite(connection, table, count)
        rows = connection.execute(
            "SELECT nextval(pg_get_serial_sequence(?, 'id')) FROM generate_series(1, ?)",
            (quote(table), count),
        )
    except NotThere as error:
        raise changed_meanwhile(table) from error
    return sorted(int(number) for (number,) in rows)


def highest(connection: Connection, table: str) -> int:
    """The greatest id that was ever given out; 0 where none was."""
    if connection.dialect == "sqlite":
        rows = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
    else:
        rows = connection.execute(
            "SELECT pg_sequence_last_value(pg_get_serial_sequence(?, 'id')::regclass)", (quote(table),)
        )
    return int(rows[0][0] or 0) if rows else 0


def _reserve_on_sqlite(connection: Connection, table: str, count: int) -> list[int]:
    # Not durable by itself: a row that bears one of these ids makes it so, and without one nothing is lost.
    with connection.transaction(durable=False):
        connection.execute(
            f"INSERT INTO sqlite_sequence (name, seq) SELECT ?, (SELECT coalesce(max(id), 0) FROM {quote(table)})"
            " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (table, table),
        )
        ((last,),) = connection.execute(
            "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ? RETURNING seq", (count, table)
        )
    return [*range(last - count + 1, last + 1)]

"""Times as the catalog keeps them: ISO 8601 text in UTC, always with microseconds, sorting as times do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def utc_now() -> str:
    return time_text(datetime.now(UTC))


def time_text(moment: datetime) -> str:
    """`2025-01-31T08:00:00.000000Z`. The moment must know its zone."""
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def parse_time(text: str) -> datetime:
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)


def moment_of(connection: Connection) -> datetime:
    """Now, by the server's clock on PostgreSQL, as its clients' may differ; SQLite has none of its own."""
    if connection.dialect == "sqlite":
        return datetime.now(UTC)
    ((text,),) = connection.execute(
        """SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    )
    return parse_time(text)


def now_text(connection: Connection) -> str:
    """The moment of a connection, as the catalog keeps it."""
    return time_text(moment_of(connection))

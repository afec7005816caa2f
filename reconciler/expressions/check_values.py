"""Dates, times and uuids in the one form in which conditions compare them: as SQLite stores them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from uuid import UUID

from reconciler.expressions.check_syntax import ValueKind


def canonical_date(value: str | date) -> str:
    """`2026-01-31`. Raises ValueError."""
    if isinstance(value, str):
        value = date.fromisoformat(value)
    return value.strftime("%Y-%m-%d") if value.year >= 1000 else value.isoformat()


def canonical_datetime(value: str | date) -> str:
    """`2026-01-31 13:00:00.000000`, UTC. No zone means UTC, no time midnight. Raises ValueError."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    try:
        moment = value.astimezone(UTC) if value.tzinfo else value
    except OverflowError as error:
        raise ValueError("beyond the years 1 to 9999") from error
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def canonical_uuid(value: str | UUID) -> str:
    """32 lower-case hexadecimal digits. Raises ValueError."""
    return (value if isinstance(value, UUID) else UUID(value)).hex


CANONICAL: Mapping[ValueKind, tuple[Callable[[str], str], str]] = {
    "date": (canonical_date, "a date such as '2026-01-31'"),
    "datetime": (canonical_datetime, "a time such as '2026-01-31T13:00:00Z'"),
    "uuid": (canonical_uuid, "a uuid"),
}
"""How a text becomes a value of the kind, and what such a text looks like."""

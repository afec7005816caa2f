"""Times as the catalog keeps them: ISO 8601 text in UTC, always with microseconds, sorting as times do."""

from __future__ import annotations

from datetime import UTC, datetime

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def utc_now() -> str:
    return time_text(datetime.now(UTC))


def time_text(moment: datetime) -> str:
    """`2025-01-31T08:00:00.000000Z`. The moment must know its zone."""
    return moment.astimezone(UTC).strftime(TIME_FORMAT)


def parse_time(text: str) -> datetime:
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)

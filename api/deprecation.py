"""What is on its way out says so in headers: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594)."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from fastapi import Request

from reconciler.database.clock import parse_time


def tell(request: Request, message: str, sunset: str, since: str) -> None:
    """`since` is when the version that says so was registered; `sunset` a day, or empty. Nothing without a message."""
    if not message:
        return
    headers = request.scope["state"]["headers"]
    headers.append((b"deprecation", b"@%d" % int(parse_time(since).timestamp())))
    if sunset:
        day = datetime.fromisoformat(sunset).replace(tzinfo=UTC)
        headers.append((b"sunset", format_datetime(day, usegmt=True).encode()))

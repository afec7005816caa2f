"""Well-known shapes of texts, and moments written as texts."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from reconciler.spec.fields import StringFormat
from reconciler.spec.hosts import normal_host
from reconciler.spec.recipients import parse_recipient

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def has_format(text: str, form: StringFormat) -> bool:
    """Whether a text has a well-known shape."""
    match form:
        case StringFormat.EMAIL:
            address = parse_recipient(text)
            return address is not None and not address.anyone
        case StringFormat.URI:
            return _is_uri(text)
        case StringFormat.HOSTNAME:
            return normal_host(text) is not None and not _is_address(text, 4) and not _is_address(text, 6)
        case StringFormat.IPV4:
            return _is_address(text, 4)
        case StringFormat.IPV6:
            return _is_address(text, 6)
        case StringFormat.SLUG:
            return _SLUG.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    if any(character.isspace() or ord(character) < 32 for character in text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.scheme) and bool(parts.netloc or parts.path) and (parts.port or 0) >= 0
    except ValueError:
        return False


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def utc_text(moment: datetime) -> str:
    """A moment in UTC, in one way: `2025-12-31T23:59:00Z`, with a fraction only where it has one. One without
    a zone is in UTC. Raises OverflowError beyond the years 1 to 9999."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.isoformat()[: -len("+00:00")] + "Z"

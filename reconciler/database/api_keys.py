"""Keys of the API: made, found, revoked. A key is shown once; what is kept cannot be turned back into it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from reconciler.database.clock import now_text, time_text, utc_now
from reconciler.database.connection import Connection
from reconciler.errors import NotFound

PREFIX = "rk"
SEEN_EVERY = timedelta(minutes=1)
"""After which the last use of a key is written down anew: not every request is worth a write."""


class Role(StrEnum):
    """Each may do what the ones before it may."""

    VIEWER = "viewer"
    AUTHOR = "author"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        return _RANKS[self] >= _RANKS[other]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. Times are as the catalog keeps them."""

    id: str
    name: str
    role: Role
    created_at: str
    created_by: str
    expires_at: str | None = None
    last_used_at: str | None = None
    revoked_at: str | None = None

    def usable(self, now: str) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


_COLUMNS = "id, name, role, created_at, created_by, expires_at, last_used_at, revoked_at"


def create_key(
    connection: Connection,
    name: str,
    role: Role,
    *,
    pepper: bytes,
    created_by: str,
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A new key: the text to hand to its holder (`rk_ID_SECRET`), and what is kept of it. `pepper` keys the hash."""
    identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    now = now_text(connection)
    expiry = time_text(expires_at) if expires_at else None
    connection.execute(
        "INSERT INTO api_keys (id, name, role, hash, created_at, created_by, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (identity, name, role.value, _hash(pepper, secret), now, created_by, expiry),
    )
    return f"{PREFIX}_{identity}_{secret}", ApiKey(identity, name, role, now, created_by, expiry)


def find_key(connection: Connection, text: str, *, pepper: bytes) -> ApiKey | None:
    """The usable key of this text. A text that is no key takes as long as one that is."""
    prefix, _, rest = text.partition("_")
    identity, _, secret = rest.partition("_")
    rows = connection.execute(f"SELECT hash, {_COLUMNS} FROM api_keys WHERE id = ?", (identity[:24],))
    known = str(rows[0][0]) if rows else "0" * 64
    same = hmac.compare_digest(known, _hash(pepper, secret))
    if not (same and rows and prefix == PREFIX):
        return None
    key = _key(rows[0][1:])
    return key if key.usable(utc_now() if key.expires_at else "") else None


def is_in_use_unnoted(key: ApiKey) -> bool:
    """Whether it is time to write down anew that a key is in use."""
    last = key.last_used_at
    return last is None or last < time_text(datetime.now(UTC) - SEEN_EVERY)


def note_use(connection: Connection, key: ApiKey) -> None:
    """Write down that a key is in use."""
    now = now_text(connection)
    connection.execute("UPDATE api_keys SET last_used_at = ? WHERE id = ?", (now, key.id))


def keys(connection: Connection) -> list[ApiKey]:
    """All keys, newest first, the revoked and expired ones too."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM api_keys ORDER BY created_at DESC, id")
    return [_key(row) for row in rows]


def revoke_key(connection: Connection, identity: str) -> ApiKey:
    """Raises NotFound. Revoking twice keeps the first time."""
    now = now_text(connection)
    connection.execute(
        "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (now, identity)
    )
    rows = connection.execute(f"SELECT {_COLUMNS} FROM api_keys WHERE id = ?", (identity,))
    if not rows:
        raise NotFound(f"there is no key {identity}", hint="list them with `reconcile keys list`")
    return _key(rows[0])


def _key(row: tuple[object, ...]) -> ApiKey:
    identity, name, role, *times = row
    return ApiKey(str(identity), str(name), Role(str(role)), *times)  # type: ignore[arg-type]  # texts or None


def _hash(pepper: bytes, secret: str) -> str:
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()

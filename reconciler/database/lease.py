"""The lease: only one applies at a time, and whoever was overtaken cannot write any more.

A lease that has expired, or whose holder is provably dead, is taken over at once. Dead is a process of this
machine that no longer runs (SQLite), or a server session that has ended (PostgreSQL). Each taking raises the
*fencing token*; `verify` inside a transaction refuses to go on under an older one, and keeps others from
taking over until that transaction ends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.database.clock import moment_of, now_text, time_text
from reconciler.database.connection import Connection
from reconciler.database.process_identity import is_gone, own_identity
from reconciler.errors import Locked, NotFound

DEFAULT_TTL = 30.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Held until `expires_at`, for `ttl` seconds after it was acquired or last renewed."""

    name: str
    holder: str
    token: int
    ttl: float
    expires_at: str

    def verify(self, connection: Connection) -> None:
        """Raise Locked if the lease was lost; else it cannot be until the transaction around this call ends.

        Also renews, as of when that transaction is committed. Raises RuntimeError outside of a transaction.
        """
        if not connection.in_transaction:
            raise RuntimeError("a lease is verified inside the transaction that relies on it")
        self._extend(connection)

    def renew(self, connection: Connection) -> Lease:
        """The lease for another `ttl` seconds. Raises Locked if it was lost."""
        return replace(self, expires_at=self._extend(connection))

    def release(self, connection: Connection) -> None:
        """Let others have it. Nothing happens if it was lost: then it is not ours to release."""
        # The row stays, since the next token must be higher.
        connection.execute(
            "UPDATE leases SET holder = '', expires_at = '' WHERE name = ? AND token = ?",
            (self.name, self.token),
        )

    def _extend(self, connection: Connection) -> str:
        expires_at = _expiry(connection, self.ttl)
        # The update locks the row, or on SQLite the database: that is what holds off a takeover.
        held = connection.execute(
            "UPDATE leases SET expires_at = ? WHERE name = ? AND token = ? AND holder <> '' RETURNING token",
            (expires_at, self.name, self.token),
        )
        if not held:
            raise Locked(
                f"the lease {self.name!r} of {self.holder} was taken over by another",
                where=connection.url,
                hint="nothing more was written; see what the other did, then try again",
            )
        return expires_at


def acquire(connection: Connection, name: str = "apply", *, holder: str, ttl: float = DEFAULT_TTL) -> Lease:
    """Take the lease. Raises Locked, naming the holder and since when, if somebody alive has it.

    `holder` is for people, such as `ann@laptop`, and never empty. `ttl` is in seconds. Not inside a
    transaction.
    """
    if not holder:
        raise ValueError("a lease has a holder")
    with connection.transaction():
        connection.execute(
            "INSERT INTO leases (name, holder, token, acquired_at, expires_at, evidence)"
            " VALUES (?, '', 0, '', '', '{}') ON CONFLICT (name) DO NOTHING",
            (name,),
        )
        token = _token_of_free(connection, name) + 1
        now = moment_of(connection)
        expires_at = time_text(now + timedelta(seconds=ttl))
        connection.execute(
            "UPDATE leases SET holder = ?, token = ?, acquired_at = ?, expires_at = ?, evidence = ?"
            " WHERE name = ?",
            (holder, token, time_text(now), expires_at, json.dumps(_evidence(connection)), name),
        )
    return Lease(name, holder, token, ttl, expires_at)


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """A lease as it is on record. `state` is held, expired, orphaned (its holder is provably dead) or free."""

    name: str
    state: str
    holder: str
    token: int
    acquired_at: str
    expires_at: str


def listed(connection: Connection) -> list[LeaseRecord]:
    """All leases there ever were, by name."""
    now = now_text(connection)
    rows = connection.execute(
        "SELECT name, holder, token, acquired_at, expires_at, evidence FROM leases ORDER BY name"
    )
    return [
        LeaseRecord(
            name, _state(connection, holder, expires_at, now, evidence), holder, token, since, expires_at
        )
        for name, holder, token, since, expires_at, evidence in rows
    ]


def break_lease(connection: Connection, name: str) -> LeaseRecord:
    """Takes the lease from whoever has it, who writes nothing more under it; what it was. Raises NotFound."""
    with connection.transaction():
        before = next((one for one in listed(connection) if one.name == name), None)
        if before is None or before.state == "free":
            raise NotFound(f"nobody holds a lease {name!r}", hint="reconcile lease list shows what is held")
        connection.execute(
            "UPDATE leases SET holder = '', expires_at = '', token = token + 1 WHERE name = ?", (name,)
        )
    return before


def _state(connection: Connection, holder: str, expires_at: str, now: str, evidence: str) -> str:
    if not holder:
        return "free"
    if _is_dead(connection, json.loads(evidence)):
        return "orphaned"
    return "expired" if expires_at <= now else "held"


def _token_of_free(connection: Connection, name: str) -> int:
    """The last token of a lease nobody holds, its row locked; raises Locked if somebody does."""
    sql = "SELECT holder, token, acquired_at, expires_at, evidence FROM leases WHERE name = ?"
    if connection.dialect == "sqlite":
        rows = connection.execute(sql, (name,))
    else:
        # A row that is locked is one whose holder is in the midst of a unit: neither wait nor judge.
        rows = connection.execute(f"{sql} FOR UPDATE SKIP LOCKED", (name,))
    if rows:
        holder, token, _, expires_at, evidence = rows[0]
        expired = expires_at <= now_text(connection)
        if not holder or expired or _is_dead(connection, json.loads(evidence)):
            return int(token)
    else:
        rows = connection.execute(sql, (name,))
    holder, _, since, expires_at, _ = rows[0]
    raise Locked(
        f"{holder or 'another session'} holds the lease {name!r} since {since or 'just now'}",
        where=connection.url,
        hint=f"wait until it is done; unless renewed, its lease ends at {expires_at}",
    )


def _evidence(connection: Connection) -> dict[str, str]:
    """By what another process can tell that this one is dead."""
    if connection.dialect == "sqlite":
        return own_identity()
    ((backend, started),) = connection.execute(
        "SELECT pid::text, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    return {"backend": backend, "backend_start": started}


def _is_dead(connection: Connection, evidence: dict[str, str]) -> bool:
    if connection.dialect == "sqlite":
        return is_gone(evidence)
    if "backend" not in evidence:
        return False
    # A role without the right to see others' sessions reads their start as NULL: those count as alive.
    alive = connection.execute(
        "SELECT 1 FROM pg_stat_activity WHERE pid = ?::int"
        " AND (backend_start IS NULL OR backend_start = ?::timestamptz)",
        (evidence["backend"], evidence["backend_start"]),
    )
    return not alive


def _expiry(connection: Connection, ttl: float) -> str:
    return time_text(moment_of(connection) + timedelta(seconds=ttl))

"""Objects that no apply touches for a while, because somebody said so: when, why, and until when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.audit import append_audit
from reconciler.database.records.rows import AuditEntry
from reconciler.database.records.writing import set_meta

EVERYTHING = "*"
"""The address of a suspension of all there is and all to come."""

_COLUMNS = "address, reason, owner, since, until"


@dataclass(frozen=True, slots=True)
class Suspension:
    """`since` and `until` are times as the catalog keeps them; `until` None: until somebody resumes it."""

    address: str
    reason: str
    owner: str
    since: str
    until: str | None = None


def in_force(connection: Connection) -> dict[str, Suspension]:
    """By address; those whose time is over are left out."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM suspensions")
    if not rows:
        return {}
    now = now_text(connection)
    return {row[0]: Suspension(*row) for row in rows if row[4] is None or row[4] > now}


def suspend(
    connection: Connection, addresses: Iterable[str], *, owner: str, reason: str, until: str | None
) -> list[Suspension]:
    """Suspends each, in place of what was said of it before."""
    with connection.transaction():
        now = now_text(connection)
        made = [Suspension(address, reason, owner, now, until) for address in addresses]
        connection.execute_many(
            f"INSERT INTO suspensions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (address) DO UPDATE SET reason = excluded.reason, owner = excluded.owner,"
            " since = excluded.since, until = excluded.until",
            [(one.address, one.reason, one.owner, one.since, one.until) for one in made],
        )
        _recorded(connection, "suspend", [one.address for one in made], owner, reason)
    return made


def resume(connection: Connection, addresses: Iterable[str], *, actor: str, reason: str = "") -> list[str]:
    """The addresses that were suspended until now."""
    with connection.transaction():
        known = {row[0] for row in connection.execute("SELECT address FROM suspensions")}
        resumed = [address for address in dict.fromkeys(addresses) if address in known]
        for address in resumed:
            connection.execute("DELETE FROM suspensions WHERE address = ?", (address,))
        if resumed:
            _recorded(connection, "resume", resumed, actor, reason)
    return resumed


def _recorded(
    connection: Connection, action: str, addresses: Collection[str], actor: str, reason: str
) -> None:
    append_audit(connection, [AuditEntry(actor, action, address, "", "", reason) for address in addresses])
    set_meta(connection, {})  # every plan made before is another one now

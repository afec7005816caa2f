"""Who did what: a chain in which each row's hash covers the row before it.

A row that was altered, taken out or put in between breaks the chain; rows cut off at its end do not, so
whoever must prove completeness keeps the newest hash elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from reconciler.database.clock import utc_now
from reconciler.database.connection import Connection
from reconciler.database.records.rows import AuditEntry, AuditRecord

_COLUMNS = "id, at, actor, action, address, before, after, reason, previous_hash, hash"


def append_audit(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Append in order. Inside a transaction: two writers at once would both continue from the same row."""
    if not connection.in_transaction:
        raise RuntimeError("audit entries are written inside a transaction")
    if connection.dialect == "postgresql":
        # Conflicts with itself and lets readers read; SQLite's transaction is alone in writing anyway.
        connection.execute("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE")
    newest = connection.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
    previous = str(newest[0][0]) if newest else ""
    at = utc_now()
    rows = []
    for e in entries:
        digest = _link(previous, at, e)
        rows.append((at, e.actor, e.action, e.address, e.before, e.after, e.reason, previous, digest))
        previous = digest
    connection.execute_many(
        "INSERT INTO audit (at, actor, action, address, before, after, reason, previous_hash, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def audit_trail(connection: Connection, limit: int = 100) -> list[AuditRecord]:
    """The newest records, newest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY id DESC LIMIT ?", (limit,))
    return [AuditRecord(row[0], row[1], AuditEntry(*row[2:8]), row[8], row[9]) for row in rows]


def first_broken_link(connection: Connection) -> int | None:
    """The id of the first row that does not follow from the one before it; None where the chain holds."""
    previous = ""
    for row in connection.stream(f"SELECT {_COLUMNS} FROM audit ORDER BY id"):
        number, at, *words, linked, digest = row
        if linked != previous or digest != _link(previous, at, AuditEntry(*words)):
            return int(number)
        previous = digest
    return None


def _link(previous: str, at: str, entry: AuditEntry) -> str:
    # As JSON, so that no two different rows can read alike when strung together.
    words = (previous, at, entry.actor, entry.action, entry.address, entry.before, entry.after, entry.reason)
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()

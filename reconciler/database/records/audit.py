"""Who did what: a chain in which each row's hash covers the row before it.

A row that was altered, taken out, put in between or moved breaks the chain. How long the chain is and how it ends is
kept beside it, in the same transaction, so that rows cut off or added at its end are found as well. Whoever can rewrite
both is found out by a hash that was noted elsewhere: a chain that was made anew does not hold it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.rows import AuditEntry, AuditRecord

_COLUMNS = "id, at, actor, action, address, before, after, reason, previous_hash, hash"
_ANCHOR = "audit"
"""The key of `catalog_meta`."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is empty or None does not narrow. `since` is a time as the catalog writes it, `before` an id."""

    address: str = ""
    actor: str = ""
    action: str = ""
    since: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What `verify` found. `count` rows hold, the last of them with the hash `head`. `fault` is empty where all is
    well; `row` is the id of the first row that is wrong, None where rows are missing or strange at the end."""

    count: int
    head: str
    fault: str = ""
    row: int | None = None


def append_audit(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Append in order. Inside a transaction: two writers at once would both continue from the same row."""
    if not connection.in_transaction:
        raise RuntimeError("audit entries are written inside a transaction")
    if connection.dialect == "postgresql":
        # Conflicts with itself and lets readers read; SQLite's transaction is alone in writing anyway.
        connection.execute("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE")
    count, previous = _anchor(connection)
    at = now_text(connection)
    rows = []
    for e in entries:
        digest = _link(previous, at, e)
        rows.append((at, e.actor, e.action, e.address, e.before, e.after, e.reason, previous, digest))
        previous = digest
    if not rows:
        return
    connection.execute_many(
        "INSERT INTO audit (at, actor, action, address, before, after, reason, previous_hash, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    # Not by `set_meta`: that something was recorded is no reason to make a plan anew.
    connection.execute(
        "INSERT INTO catalog_meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_ANCHOR, f"{count + len(rows)} {previous}"),
    )


def audit_trail(
    connection: Connection, limit: int = 100, only: AuditFilter = AuditFilter()
) -> list[AuditRecord]:
    """The newest records, newest first."""
    conditions = {
        "address = ?": only.address,
        "actor = ?": only.actor,
        "action = ?": only.action,
        "at >= ?": only.since,
        "id < ?": only.before or "",
    }
    given = {condition: value for condition, value in conditions.items() if value != ""}
    where = " AND ".join(given) or "TRUE"
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY id DESC LIMIT ?", [*given.values(), limit]
    )
    return [AuditRecord(row[0], row[1], AuditEntry(*row[2:8]), row[8], row[9]) for row in rows]


def verify(connection: Connection, noted: str = "") -> AuditVerdict:
    """Follow the chain from its beginning to its end. `noted` is a hash that once was the newest: it must be there."""
    with connection.snapshot():
        anchored = _anchor(connection)
        count, previous, seen = 0, "", not noted
        for row in connection.stream(f"SELECT {_COLUMNS} FROM audit ORDER BY id"):
            number, at, *words, linked, digest = row
            if linked != previous:
                return AuditVerdict(count, previous, "does not follow from the row before it", int(number))
            if digest != _link(previous, at, AuditEntry(*words)):
                return AuditVerdict(count, previous, "is not as it was written", int(number))
            count, previous, seen = count + 1, digest, seen or digest == noted
    if anchored != (count, previous):
        return AuditVerdict(count, previous, _differing(count, anchored))
    if not seen:
        return AuditVerdict(
            count, previous, f"no row has the hash {noted}: this is not the chain it was noted of"
        )
    return AuditVerdict(count, previous)


def first_broken_link(connection: Connection) -> int | None:
    """The id of the first row that does not follow from the one before it; None where the chain holds."""
    return verify(connection).row


def _differing(count: int, anchored: tuple[int, str]) -> str:
    if count == anchored[0]:
        return "the newest row is not the one that was written last"
    return f"{count} rows are there, {anchored[0]} were written"


def _anchor(connection: Connection) -> tuple[int, str]:
    """How many rows were written, and the hash of the last. New rows follow from there: a chain that was cut off is
    not continued as if it were whole."""
    rows = connection.execute("SELECT value FROM catalog_meta WHERE key = ?", (_ANCHOR,))
    count, _, head = str(rows[0][0]).partition(" ") if rows else ("0", "", "")
    return (int(count) if count.isdigit() else -1), head


def _link(previous: str, at: str, entry: AuditEntry) -> str:
    # As JSON, so that no two different rows can read alike when strung together.
    words = (previous, at, entry.actor, entry.action, entry.address, entry.before, entry.after, entry.reason)
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()

"""Revisions: the journal of applies, their units, and the state each of them left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.rows import RevisionRecord, RevisionState, UnitRecord
from reconciler.errors import NotFound

_REVISION = (
    "number, plan_id, parent, state, desired_digest, source, source_commit, actor, reason,"
    " started_at, finished_at, summary"
)


def begin_revision(
    connection: Connection,
    *,
    plan_id: str,
    desired_digest: str,
    source: str = "",
    commit: str = "",
    actor: str = "",
    reason: str = "",
    summary: str = "{}",
) -> int:
    """Open the next revision, in state applying; its number. They count from 1 without gaps. `summary` is
    JSON.

    The caller holds the lease: two at once would reach for the same number, and one of them fail.
    """
    rows = connection.execute(
        f"INSERT INTO revisions ({_REVISION})"
        " SELECT coalesce(max(number), 0) + 1, ?, max(number), 'applying', ?, ?, ?, ?, ?, ?, NULL, ?"
        " FROM revisions RETURNING number",
        (plan_id, desired_digest, source, commit, actor, reason, now_text(connection), summary),
    )
    return int(rows[0][0])


def finish_revision(connection: Connection, number: int, state: RevisionState, summary: str = "{}") -> None:
    """Close a revision; `summary` is JSON."""
    connection.execute(
        "UPDATE revisions SET state = ?, finished_at = ?, summary = ? WHERE number = ?",
        (state, now_text(connection), summary, number),
    )


def interrupt_revisions(connection: Connection) -> list[int]:
    """Mark revisions that are still applying as interrupted, or as applied if all their units are; their
    numbers.

    The caller holds the lease, so that whoever was applying them is gone.
    """
    rows = connection.execute(
        "UPDATE revisions SET state = CASE WHEN ("
        " SELECT min(CASE WHEN state = 'applied' THEN 1 ELSE 0 END) FROM revision_units"
        " WHERE revision = number"
        ") = 1 THEN 'applied' ELSE 'interrupted' END WHERE state = 'applying' RETURNING number"
    )
    return sorted(number for (number,) in rows)


def record_units(connection: Connection, revision: int, units: Iterable[UnitRecord]) -> None:
    """Record units, or what became of them."""
    connection.execute_many(
        "INSERT INTO revision_units (revision, position, name, state, changes, sql_up, error)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (revision, position) DO UPDATE"
        " SET name = excluded.name, state = excluded.state, changes = excluded.changes,"
        " sql_up = excluded.sql_up, error = excluded.error",
        [(revision, u.position, u.name, u.state, u.changes, u.sql_up, u.error) for u in units],
    )


def record_objects(connection: Connection, revision: int, digests: Mapping[str, str | None]) -> None:
    """Record what the revision set, by address, and with None what it removed."""
    connection.execute_many(
        "INSERT INTO revision_objects (revision, address, digest) VALUES (?, ?, ?)"
        " ON CONFLICT (revision, address) DO UPDATE SET digest = excluded.digest",
        [(revision, address, digest) for address, digest in digests.items()],
    )


def revisions(connection: Connection, limit: int = 20) -> list[RevisionRecord]:
    """The newest revisions, newest first."""
    rows = connection.execute(f"SELECT {_REVISION} FROM revisions ORDER BY number DESC LIMIT ?", (limit,))
    return [RevisionRecord(*row) for row in rows]


def newest_effective(connection: Connection) -> int | None:
    """The number of the newest revision that changed anything, even if it was cut short; None where none did."""
    rows = connection.execute(
        "SELECT max(number) FROM revisions"
        " WHERE state IN ('applied', 'partial') OR number IN (SELECT revision FROM revision_objects)"
    )
    number: int | None = rows[0][0]
    return number


def revision(connection: Connection, number: int) -> RevisionRecord:
    """Raises NotFound."""
    rows = connection.execute(f"SELECT {_REVISION} FROM revisions WHERE number = ?", (number,))
    if not rows:
        raise NotFound(f"there is no revision {number}", hint="list them with `reconcile history`")
    return RevisionRecord(*rows[0])


def units(connection: Connection, revision: int) -> list[UnitRecord]:
    """The units of a revision in their order."""
    rows = connection.execute(
        "SELECT position, name, state, changes, sql_up, error FROM revision_units"
        " WHERE revision = ? ORDER BY position",
        (revision,),
    )
    return [UnitRecord(*row) for row in rows]


def state_at(connection: Connection, number: int) -> dict[str, str]:
    """Digest by address of what was live when a revision had ended. Raises NotFound."""
    revision(connection, number)
    return dict(
        connection.execute(
            "SELECT address, digest FROM ("
            " SELECT address, digest, row_number() OVER (PARTITION BY address ORDER BY revision DESC) AS age"
            " FROM revision_objects WHERE revision <= ?) AS newest WHERE age = 1 AND digest IS NOT NULL",
            (number,),
        )
    )


def digests_since(connection: Connection, address: str, number: int) -> list[str]:
    """What an address was set to after a revision, newest first; removals are left out."""
    rows = connection.execute(
        "SELECT digest FROM revision_objects WHERE address = ? AND revision > ? AND digest IS NOT NULL"
        " ORDER BY revision DESC",
        (address, number),
    )
    return [digest for (digest,) in rows]

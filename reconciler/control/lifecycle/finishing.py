"""What is left of a deletion once an apply has taken the object out of service.

Whoever holds the lease does it: the apply itself, or, if that was killed, the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.database import deletions, records
from reconciler.errors import Locked, ReconcilerError

if TYPE_CHECKING:
    from reconciler.control.keeping import Held
    from reconciler.database.connection import Connection
    from reconciler.database.deletions import Deletion


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A deletion of which something is left, and why. The next apply tries again."""

    address: str
    why: str


def finish_deletions(connection: Connection, lease: Held, retention: float | None) -> list[Unfinished]:
    """Those that could not be finished. Nobody else's apply fails because of them; raises Locked once the lease is
    lost. `retention` is for how many seconds what is parked is kept at least."""
    waiting = deletions.unfinished(connection)
    if not waiting:
        return []
    left: list[Unfinished] = []
    carried: list[Deletion] = []
    for deletion in waiting:
        try:
            _carry_out(connection, lease, deletion, retention)
        except Locked as error:
            if error.code == "locked":
                raise
            left.append(Unfinished(deletion.address, error.message))
        except ReconcilerError as error:
            left.append(Unfinished(deletion.address, error.message))
        else:
            carried.append(deletion)
    return left + _conclude(connection, lease, carried)


def _conclude(connection: Connection, lease: Held, carried: list[Deletion]) -> list[Unfinished]:
    from reconciler.database.observe import remember_if_clean
    from reconciler.database.remains import scrub

    purged = [deletion for deletion in carried if deletion.mode == "purge"]
    lease.renew(connection)
    clean = scrub(connection) if purged else True
    done = carried if clean else [deletion for deletion in carried if deletion.mode != "purge"]
    with connection.transaction():
        lease.verify(connection)
        for deletion in done:
            deletions.conclude(connection, deletion.id)
    remember_if_clean(connection)
    if clean:
        return []
    why = "its rows are gone, but the file could not be rewritten while others use it"
    return [Unfinished(deletion.address, why) for deletion in purged]


def _carry_out(connection: Connection, lease: Held, deletion: Deletion, retention: float | None) -> None:
    kind = deletion.address.partition("/")[0]
    if deletion.mode == "purge":
        connection.foreign_keys(kind == "agent")  # of tables that all go, none has to wait for another
        try:
            with connection.transaction():
                lease.verify(connection)
                _purge(connection, deletion)
        finally:
            connection.foreign_keys(True)
    elif kind == "type":
        from reconciler.control.lifecycle.parking import park_retained

        park_retained(connection, lease, deletion, retention)


def _purge(connection: Connection, deletion: Deletion) -> None:
    from reconciler.database.remains import purge

    gone = purge(connection, deletion.address)
    parts = [(gone.tasks.in_flight + gone.tasks.ended, "tasks"), (gone.sessions, "conversations")]
    if deletion.address.startswith("agent/"):  # the tables of a type went, and were counted, with the plan
        parts.append((sum(table.rows for table in gone.tables), "rows"))
    told = ", ".join(f"{count} {what}" for count, what in parts)
    entry = records.AuditEntry(
        deletion.actor, "purge", deletion.address, deletion.digest, told, deletion.reason
    )
    records.append_audit(connection, [entry])
    records.set_meta(connection, {})

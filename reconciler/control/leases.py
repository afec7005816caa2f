"""Who leads: told to look, or made to stop by hand, which goes on record."""

from __future__ import annotations

from reconciler.database import records
from reconciler.database.conditions import LEADER
from reconciler.database.connection import Connection
from reconciler.database.doorbell import SOURCE, ring
from reconciler.database.lease import LeaseRecord, break_lease, listed


def break_recorded(connection: Connection, name: str, *, actor: str, reason: str) -> LeaseRecord:
    """Raises NotFound. The audit tells who did it, and from whom it was taken."""
    before = break_lease(connection, name)
    with connection.transaction():
        records.append_audit(
            connection, [records.AuditEntry(actor, "break", f"lease/{name}", before.holder, "", reason)]
        )
    return before


def leader(connection: Connection) -> str:
    """Who makes the passes now; empty where no controller does."""
    held = (one for one in listed(connection) if one.name == LEADER and one.state == "held")
    return next((one.holder for one in held), "")


def woken(connection: Connection) -> str:
    """The leader, who was told to look at its source now; empty where there is none to be told."""
    found = leader(connection)
    if found:
        ring(connection, SOURCE)
    return found

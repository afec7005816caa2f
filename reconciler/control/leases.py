"""Taking a lease away by hand, on record."""

from __future__ import annotations

from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.database.lease import LeaseRecord, break_lease


def break_recorded(connection: Connection, name: str, *, actor: str, reason: str) -> LeaseRecord:
    """Raises NotFound. The audit tells who did it, and from whom it was taken."""
    before = break_lease(connection, name)
    with connection.transaction():
        records.append_audit(
            connection, [records.AuditEntry(actor, "break", f"lease/{name}", before.holder, "", reason)]
        )
    return before

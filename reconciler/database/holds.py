"""Agents on hold: they run no tasks, whatever their manifests say, until somebody lifts the hold.

A hold stands beside the deployment, so that no apply lifts it. Putting on hold also asks for what runs to be cancelled.
Each hold and each lifting is in the audit, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.audit import append_audit
from reconciler.database.records.rows import AuditEntry

AUTOMATIC = "reconciler"
"""Who holds an agent that had too many incidents."""


@dataclass(frozen=True, slots=True)
class Hold:
    agent: str
    at: str
    actor: str
    reason: str


def hold(connection: Connection, agent: str, *, actor: str, reason: str) -> bool:
    """False if it was on hold already, which stays as it was. In the transaction around it if there is one."""
    if not connection.in_transaction:
        with connection.transaction():
            return hold(connection, agent, actor=actor, reason=reason)
    now = now_text(connection)
    held = connection.execute(
        "INSERT INTO agent_holds (agent, held_at, held_by, reason) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (agent) DO NOTHING RETURNING agent",
        (agent, now, actor, reason),
    )
    if not held:
        return False
    append_audit(connection, [AuditEntry(actor, "disable", f"agent/{agent}", "enabled", "on hold", reason)])
    wish = f"agent {agent} was put on hold by {actor}: {reason}"
    connection.execute(
        "UPDATE tasks SET cancel_requested = coalesce(cancel_requested, ?) WHERE agent = ? AND state = 'running'",
        (wish, agent),
    )
    return True


def lift(connection: Connection, agent: str, *, actor: str, reason: str) -> bool:
    """False if it was not on hold."""
    with connection.transaction():
        lifted = connection.execute("DELETE FROM agent_holds WHERE agent = ? RETURNING agent", (agent,))
        if lifted:
            entry = AuditEntry(actor, "enable", f"agent/{agent}", "on hold", "enabled", reason)
            append_audit(connection, [entry])
    return bool(lifted)


def holds(connection: Connection) -> Mapping[str, Hold]:
    """All that are on hold, by agent."""
    rows = connection.execute("SELECT agent, held_at, held_by, reason FROM agent_holds ORDER BY agent")
    return {row[0]: Hold(*row) for row in rows}

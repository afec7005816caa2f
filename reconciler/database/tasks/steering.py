"""What people do to tasks: cancel them, bring dead letters back, clear away what is old.

Who did it is on record once it is done: both are committed together.
"""

from __future__ import annotations

from collections.abc import Collection

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.audit import append_audit
from reconciler.database.records.batches import in_batches
from reconciler.database.records.rows import AuditEntry
from reconciler.errors import NotFound
from reconciler.spec.task import TaskState

PURGED_AT_ONCE = 1000


def cancel(connection: Connection, task_id: str, actor: str, reason: str = "") -> TaskState:
    """What the task is now: cancelled, `running` if its worker has yet to notice, or as it ended before.

    Of a task that is cancelled no rows are kept, even if it comes to its end first. Raises NotFound.
    """
    wish = f"cancelled by {actor or 'somebody'}" + (f": {reason}" if reason else "")
    now = now_text(connection)
    with connection.transaction():
        rows = connection.execute(_CANCEL.format(which="id"), (now, wish, wish, task_id))
        if rows:
            after = "cancelled" if rows[0][0] == "cancelled" else "cancel requested"
            append_audit(connection, [AuditEntry(actor, "cancel", f"task/{task_id}", "", after, reason)])
    if not rows:
        rows = connection.execute("SELECT state FROM tasks WHERE id = ?", (task_id,))
    if not rows:
        raise no_such_task(task_id)
    return TaskState(rows[0][0])


_CANCEL = """
UPDATE tasks SET
  finished_at = CASE WHEN state = 'pending' THEN ? END,
  error_code = CASE WHEN state = 'pending' THEN 'cancelled' ELSE error_code END,
  error_message = CASE WHEN state = 'pending' THEN ? ELSE error_message END,
  cancel_requested = coalesce(cancel_requested, ?),
  state = CASE WHEN state = 'pending' THEN 'cancelled' ELSE state END
WHERE {which} = ? AND state IN ('pending', 'running') RETURNING state"""


def cancel_all_of(connection: Connection, agent: str, actor: str, reason: str) -> int:
    """Cancel all of an agent's tasks that have not ended, on the record as one; how many. Inside a transaction."""
    wish = f"cancelled by {actor or 'somebody'}: {reason}"
    now = now_text(connection)
    rows = connection.execute(_CANCEL.format(which="agent"), (now, wish, wish, agent))
    if rows:
        told = f"{len(rows)} task{'' if len(rows) == 1 else 's'}"
        append_audit(connection, [AuditEntry(actor, "cancel", f"agent/{agent}", "", told, reason)])
    return len(rows)


def redrive(connection: Connection, ids: Collection[str], actor: str = "", reason: str = "") -> list[str]:
    """Let dead letters be tried again, with all their attempts before them; the ids of those that were dead letters."""
    now = now_text(connection)
    driven: list[str] = []
    with connection.transaction():
        for places, batch in in_batches(ids):
            rows = connection.execute(
                "UPDATE tasks SET state = 'pending', attempts = 0, not_before = ?, finished_at = NULL"
                f" WHERE state = 'dead_letter' AND id IN {places} RETURNING id",
                [now, *batch],
            )
            driven += [row[0] for row in rows]
        entries = [
            AuditEntry(actor, "redrive", f"task/{id_}", "dead_letter", "pending", reason)
            for id_ in sorted(driven)
        ]
        append_audit(connection, entries)
    return sorted(driven)


def purge(connection: Connection, finished_before: str) -> int:
    """Delete tasks that ended before a time, dead letters excepted; how many. Their rows stay."""
    purged = 0
    while True:
        # Bit by bit, so that nobody has to wait for the whole of it.
        rows = connection.execute(
            "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE finished_at < ?"
            " AND state IN ('succeeded', 'failed', 'cancelled') ORDER BY id LIMIT ?) RETURNING id",
            (finished_before, PURGED_AT_ONCE),
        )
        purged += len(rows)
        if len(rows) < PURGED_AT_ONCE:
            return purged


def no_such_task(task_id: str) -> NotFound:
    return NotFound(f"there is no task {task_id}", hint="list them with `reconcile tasks list`")

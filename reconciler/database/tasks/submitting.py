"""Tasks on their way in."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.json_text import to_json
from reconciler.database.records.batches import in_batches
from reconciler.database.tasks.identity import new_task_id
from reconciler.database.tasks.records import NewTask, Submitted
from reconciler.errors import NotFound
from reconciler.spec.findings import did_you_mean

_INSERT = """
INSERT INTO tasks (id, agent, kind, type, type_version, state, input, settings, idempotency_key, submitted_at,
  not_before, token, attempts, max_attempts, revision, manifest_digest, prompt_digest, model, tokens, origin, actor)
VALUES (?, ?, ?, ?, '', 'pending', ?, ?, ?, ?, ?, 0, 0, ?, 0, '', '', '', 0, ?, ?)
ON CONFLICT DO NOTHING"""


def submit(connection: Connection, tasks: Sequence[NewTask]) -> list[Submitted]:
    """One for each task, in their order; all are there once it returns, in the transaction around it if there is one.

    Input is taken as it comes: whoever submits has validated it. Raises NotFound for a dynamic agent that is not
    deployed; a disabled one keeps its tasks waiting.
    """
    if not tasks:
        return []
    ids = [task.id or new_task_id() for task in tasks]
    if connection.in_transaction:
        return _submit(connection, tasks, ids)
    with connection.transaction():
        return _submit(connection, tasks, ids)


def _submit(connection: Connection, tasks: Sequence[NewTask], ids: Sequence[str]) -> list[Submitted]:
    types = _types(connection, tasks)
    now = now_text(connection)
    rows = [
        (
            id_,
            task.agent,
            task.kind,
            types.get(task.agent, ""),
            to_json(task.input),
            to_json(task.settings),
            task.idempotency_key or None,
            now,
            task.not_before or now,
            task.max_attempts,
            task.origin,
            task.actor,
        )
        for id_, task in zip(ids, tasks, strict=True)
    ]
    known = _known(connection, [task.id for task in tasks if task.id])
    connection.execute_many(_INSERT, rows)
    meant = _by_key(connection, tasks)
    submitted = []
    for id_, task in zip(ids, tasks, strict=True):
        found = meant[task.agent, task.idempotency_key] if task.idempotency_key else id_
        submitted.append(Submitted(found, found == id_ and id_ not in known))
    return submitted


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Those that a task has already."""
    return {
        row[0]
        for places, batch in in_batches(ids)
        for row in connection.execute(f"SELECT id FROM tasks WHERE id IN {places}", batch)
    }


def _types(connection: Connection, tasks: Sequence[NewTask]) -> dict[str, str]:
    """Type by name of the dynamic agents. Raises NotFound."""
    wanted = {task.agent for task in tasks if task.kind == "dynamic"}
    types: dict[str, str] = {}
    for places, batch in in_batches(wanted):
        types |= dict(
            connection.execute(
                f"SELECT name, type FROM agents WHERE deleted_at IS NULL AND name IN {places}", batch
            )
        )
    for name in sorted(wanted - types.keys()):
        known = [row[0] for row in connection.execute("SELECT name FROM agents WHERE deleted_at IS NULL")]
        raise NotFound(f"there is no agent {name}", hint=did_you_mean(name, known))
    return types


def _by_key(connection: Connection, tasks: Sequence[NewTask]) -> dict[tuple[str, str], str]:
    """Id by agent and idempotency key, of all keys that were given."""
    found: dict[tuple[str, str], str] = {}
    for agent in {task.agent for task in tasks if task.idempotency_key}:
        keys = [task.idempotency_key for task in tasks if task.agent == agent and task.idempotency_key]
        for places, batch in in_batches(keys):
            sql = f"SELECT idempotency_key, id FROM tasks WHERE agent = ? AND idempotency_key IN {places}"
            found |= {(agent, key): id_ for key, id_ in connection.execute(sql, [agent, *batch])}
    return found

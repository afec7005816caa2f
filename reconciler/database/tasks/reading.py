"""Tasks as they stand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from typing import Any

from reconciler.database.connection import Connection, Row
from reconciler.database.json_text import from_json
from reconciler.database.records.batches import in_batches
from reconciler.database.tasks.records import TaskFilter, TaskLine, TaskPage, TaskRecord
from reconciler.database.tasks.steering import no_such_task
from reconciler.errors import UsageError
from reconciler.spec.task import Failure, TaskState, Values

_LINE = (
    "id, agent, kind, type, type_version, state, attempts, max_attempts, submitted_at, not_before, started_at,"
    " finished_at, worker, error_code, error_message, tokens, origin, actor"
)
_REST = (
    "input, settings, output, trace, error_where, error_hint, idempotency_key, cancel_requested, expires_at, token,"
    " revision, manifest_digest, prompt_digest, model"
)
ALL = TaskFilter()
_UNSUCCESSFUL = frozenset({TaskState.FAILED, TaskState.CANCELLED, TaskState.DEAD_LETTER})
_UNFINISHED = ((TaskState.PENDING,), (TaskState.RUNNING,))
MOST = 1000
"""Tasks on one page."""


def get(connection: Connection, task_id: str) -> TaskRecord:
    """Raises NotFound."""
    rows = connection.execute(f"SELECT {_LINE}, {_REST} FROM tasks WHERE id = ?", (task_id,))
    if not rows:
        raise no_such_task(task_id)
    line, rest = _line(rows[0]), rows[0][18:]
    given, settings, output, trace, where, hint, *facts = rest
    failure = None
    if line.error_code is not None:
        failure = Failure(line.error_code, line.error_message or "", where or "", hint or "")
    return TaskRecord(
        line,
        from_json(given),
        from_json(settings),
        None if output is None else from_json(output),
        [] if trace is None else from_json(trace),
        failure,
        *facts,
    )


def list_tasks(
    connection: Connection, filters: TaskFilter = ALL, cursor: str = "", limit: int = 50
) -> TaskPage:
    """The newest first, from behind the cursor of a page before. Raises UsageError for what is no cursor."""
    limit = max(1, min(limit, MOST))
    conditions, params = _conditions(filters)
    if cursor:
        conditions.append("id < ?")
        params.append(_id_of(cursor))
    unfinished = connection.dialect == "sqlite" and filters.states in _UNFINISHED
    # `+`: SQLite would rather walk through all tasks by id than sort the few that have not ended.
    order = "+id" if unfinished else "id"
    sql = f"SELECT {_LINE} FROM tasks WHERE {' AND '.join(conditions)} ORDER BY {order} DESC LIMIT ?"
    rows = connection.execute(sql, [*params, limit + 1])
    tasks = tuple(map(_line, rows[:limit]))
    return TaskPage(tasks, _cursor(tasks[-1].id) if len(rows) > limit else "")


def lines(connection: Connection, ids: Collection[str]) -> list[TaskLine]:
    """These tasks as they are in a list, those of them that there are."""
    return [
        _line(row)
        for places, batch in in_batches(ids)
        for row in connection.execute(f"SELECT {_LINE} FROM tasks WHERE id IN {places}", batch)
    ]


def outputs(connection: Connection, ids: Collection[str]) -> dict[str, Values]:
    """What these tasks gave, by id, those of them that gave anything."""
    return {
        id_: from_json(output)
        for places, batch in in_batches(ids)
        for id_, output in connection.execute(
            f"SELECT id, output FROM tasks WHERE output IS NOT NULL AND id IN {places}", batch
        )
    }


def waiting_and_running(connection: Connection) -> dict[str, dict[TaskState, int]]:
    """How many tasks of each agent have not ended, by agent and state."""
    found: dict[str, dict[TaskState, int]] = {}
    for state in (TaskState.PENDING, TaskState.RUNNING):
        # The state is written out: only so it is known that the index of just these tasks will do.
        sql = f"SELECT agent, count(*) FROM tasks WHERE state = '{state}' GROUP BY agent"
        for agent, count in connection.execute(sql):
            found.setdefault(agent, {})[state] = count
    return found


def _line(row: Row) -> TaskLine:
    values = list(row[:18])
    values[5] = TaskState(values[5])
    return TaskLine(*values)


def _conditions(filters: TaskFilter) -> tuple[list[str], list[Any]]:
    conditions, params = ["TRUE"], []
    for condition, value in (
        ("agent = ?", filters.agent),
        ("type = ?", filters.type),
        ("error_code = ?", filters.error_code),
        ("submitted_at >= ?", filters.since),
        ("submitted_at < ?", filters.until),
    ):
        if value:
            conditions.append(condition)
            params.append(value)
    conditions += _of_states(filters.states)
    return conditions, params


def _of_states(states: Collection[TaskState]) -> Iterator[str]:
    """Written out, as above: of members of an enumeration there are few, and none is from outside."""
    if len(states) == 1:
        yield f"state = '{TaskState(*states)}'"
    elif states:
        named = ", ".join(f"'{TaskState(state)}'" for state in states)
        yield f"state IN ({named})"
    if states and _UNSUCCESSFUL.issuperset(states):
        # SQLite takes the index of just these only where its own condition is said.
        yield "state IN ('failed', 'cancelled', 'dead_letter')"


def _cursor(task_id: str) -> str:
    return base64.urlsafe_b64encode(task_id.encode()).decode().rstrip("=")


def _id_of(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise UsageError(
            "that is no cursor of a list of tasks", hint="give the `next` of the page before, as it is"
        ) from None

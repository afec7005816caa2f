"""A type whose agents write notes, for tests of tasks: deployed, submitted, run in a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.rows.ids import reserve
from reconciler.database.tasks import Claimed, Ended, Finished, NewTask, claim, finish, submit
from reconciler.spec.task import Failure, TaskResult, Write
from tests.integration.deployed import agent_of, deploy, type_of

NOTES = type_of(
    "notes", {"note": {"text": {"type": "string", "required": True, "unique": True}, "size": "integer"}}
)
LONG_AGO, FAR_OFF = "2000-01-01T00:00:00.000000Z", "2999-01-01T00:00:00.000000Z"


def deploy_notes(connection: Connection, **limits_by_agent: dict[str, Any]) -> None:
    """The agents `ann` and `ben`, with limits if any are given."""
    agents = [agent_of(name, "notes", limits=limits_by_agent.get(name, {})) for name in ("ann", "ben")]
    deploy(connection, [NOTES], agents)


def submitted(connection: Connection, agent: str = "ann", count: int = 1, **more: Any) -> list[str]:
    """Ids of so many new tasks."""
    return [one.id for one in submit(connection, [NewTask(agent, {"n": n}, **more) for n in range(count)])]


def claimed(connection: Connection, limit: int = 100, worker: str = "w1", **more: Any) -> list[Claimed]:
    return claim(connection, worker, limit, ttl=60, **more)


def note(connection: Connection, text: str, **values: Any) -> Write:
    """A new note, its id reserved."""
    (row_id,) = reserve(connection, "notes__note", 1)
    return Write("notes", "note", "ann", "1.0.0", "insert", {"text": text, **values}, row_id)


def succeed(connection: Connection, one: Claimed, *writes: Write) -> Finished:
    (finished,) = finish(connection, [Ended(one, TaskResult(output={"done": True}, writes=writes))])
    return finished


def fail(connection: Connection, one: Claimed, code: str = "unavailable") -> Finished:
    (finished,) = finish(connection, [Ended(one, TaskResult(failure=Failure(code, "so it is")))])
    return finished


def let_expire(connection: Connection, ids: Sequence[str] = ()) -> None:
    """Claims of these tasks, or of all, have run out."""
    connection.execute_many(
        "UPDATE tasks SET expires_at = ? WHERE state = 'running' AND (? = '' OR id = ?)",
        [(LONG_AGO, id_, id_) for id_ in (ids or [""])],
    )


def let_be_due(connection: Connection) -> None:
    """What waits for another attempt has waited long enough."""
    connection.execute("UPDATE tasks SET not_before = ? WHERE state = 'pending'", (LONG_AGO,))


def states(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT id, state FROM tasks"))


def rows_of(connection: Connection) -> dict[str, list[str]]:
    """Texts of the notes by the task that wrote them."""
    found: dict[str, list[str]] = {}
    for task_id, text in connection.execute("SELECT task_id, text FROM notes__note ORDER BY id"):
        found.setdefault(task_id, []).append(text)
    return found

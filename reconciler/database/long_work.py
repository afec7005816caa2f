"""Long work asked for over HTTP: begun, told of, ended; and what became of it where its server died."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection, Row
from reconciler.database.json_text import from_json, to_json
from reconciler.database.process_identity import is_gone, own_identity
from reconciler.database.tasks.identity import new_task_id
from reconciler.errors import NotFound

State = Literal["running", "succeeded", "failed", "interrupted"]
_COLUMNS = "id, kind, state, actor, submitted_at, finished_at, request, result"


@dataclass(frozen=True, slots=True)
class LongWork:
    """`request` is what was asked for, `result` what came of it: of failed work an object with `code` and `detail`."""

    id: str
    kind: str
    state: State
    actor: str
    submitted_at: str
    finished_at: str | None
    request: Mapping[str, Any]
    result: Mapping[str, Any] | None


def begin(connection: Connection, kind: str, actor: str, request: Mapping[str, Any]) -> str:
    """The id of work that this process does from now on."""
    identity, now = new_task_id(), now_text(connection)
    connection.execute(
        "INSERT INTO operations (id, kind, state, actor, submitted_at, request) VALUES (?, ?, 'running', ?, ?, ?)",
        (identity, kind, actor, now, to_json({"asked": request, "process": own_identity()})),
    )
    return identity


def end(connection: Connection, identity: str, state: State, result: Mapping[str, Any]) -> None:
    """Work that was declared interrupted meanwhile is not, after all."""
    now = now_text(connection)
    connection.execute(
        "UPDATE operations SET state = ?, finished_at = ?, result = ? WHERE id = ?",
        (state, now, to_json(result), identity),
    )


def get(connection: Connection, identity: str) -> LongWork:
    """Raises NotFound."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM operations WHERE id = ?", (identity,))
    if not rows:
        raise NotFound(f"there is no operation {identity[:60]}")
    return _work(rows[0])


def newest(connection: Connection, before: str = "", limit: int = 50) -> list[LongWork]:
    """The newest first, from behind an id."""
    condition, params = ("WHERE id < ?", [before]) if before else ("", [])
    sql = f"SELECT {_COLUMNS} FROM operations {condition} ORDER BY id DESC LIMIT ?"
    return [_work(row) for row in connection.execute(sql, [*params, limit])]


def interrupt_orphans(connection: Connection) -> list[str]:
    """Work whose process is provably gone is interrupted; its ids. That of other machines is theirs to tell of."""
    rows = connection.execute("SELECT id, request FROM operations WHERE state = 'running'")
    gone = [str(identity) for identity, request in rows if is_gone(from_json(request).get("process", {}))]
    result = {
        "code": "interrupted",
        "detail": "the server ended while it ran; see what is in place, and ask again",
    }
    for identity in gone:
        end(connection, identity, "interrupted", result)
    return gone


def _work(row: Row) -> LongWork:
    identity, kind, state, actor, submitted_at, finished_at, request, result = row
    asked = from_json(request).get("asked", {})
    return LongWork(
        identity,
        kind,
        state,
        actor,
        submitted_at,
        finished_at,
        asked,
        None if result is None else from_json(result),
    )

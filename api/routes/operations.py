"""Long work that was asked for: what it is, how far it has come, what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.auth import Caller, Viewer
from api.names import OperationId
from api.operations import Work
from api.paging import Limit
from api.state import ServerState, server_of
from api.streaming import STREAM, LastEventId, event, event_stream
from api.wire import Page, json_response, problems
from reconciler.database import long_work
from reconciler.database.long_work import LongWork

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])
INTERVAL = 0.2
"""Seconds between two looks at work that somebody follows."""


@dataclass(frozen=True, slots=True)
class ProgressView:
    point: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Operation:
    """`progress` is null where another server does the work, or nobody any more. `result` of failed work has `code`
    and `detail`."""

    id: str
    kind: str
    state: Literal["running", "succeeded", "failed", "interrupted"]
    actor: str
    submitted_at: str
    finished_at: str | None
    request: dict[str, Any]
    progress: ProgressView | None
    result: dict[str, Any] | None


ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {"model": Operation, "description": "It is being done; `Location` tells of it."}
}


def accepted(request: Request, caller: Caller, kind: str, asked: dict[str, Any], work: Work) -> Response:
    """Starts work, and answers with where to follow it."""
    state = server_of(request)
    identity = state.operations.start(kind, f"api:{caller.name}", asked, work)
    with state.connection() as connection:
        found = long_work.get(connection, identity)
    return json_response(_view(state, found), 202, {"Location": f"/api/v1/operations/{identity}"})


@router.get("", operation_id="list_operations")
def list_operations(
    request: Request,
    caller: Viewer,
    cursor: Annotated[str, Query(pattern="^[0-9a-f-]{36}$|^$", max_length=36)] = "",
    limit: Limit = 50,
) -> Page[Operation]:
    """The newest first."""
    state = server_of(request)
    with state.connection() as connection:
        found = long_work.newest(connection, cursor, limit + 1)
    shown = [_view(state, work) for work in found[:limit]]
    return Page(items=shown, next=shown[-1].id if len(found) > limit else None)


@router.get("/{id}", operation_id="get_operation", responses=problems(404))
def get_operation(request: Request, caller: Viewer, operation: OperationId) -> Operation:
    """How far it has come, or what came of it."""
    state = server_of(request)
    with state.connection() as connection:
        return _view(state, long_work.get(connection, operation))


@router.get(
    "/{id}/events",
    operation_id="follow_operation",
    response_class=StreamingResponse,
    responses=STREAM | problems(404),
)
async def follow_operation(
    request: Request,
    caller: Viewer,
    operation: OperationId,
    last: LastEventId = "",
) -> StreamingResponse:
    """Server-sent events: `progress` while it is being done, then `end`."""
    state: ServerState = request.app.state.server
    first = await state.ask(lambda connection: long_work.get(connection, operation))

    async def events() -> AsyncIterator[bytes]:
        found, told = first, last
        while found.state == "running":
            now = _view(state, found)
            stage = f"{now.progress.point}-{now.progress.done}" if now.progress else "running"
            if stage != told:
                told = stage
                yield event("progress", now, stage)
            await asyncio.sleep(INTERVAL)
            found = await state.ask(lambda connection: long_work.get(connection, operation))
        yield event("end", _view(state, found), found.state)

    return event_stream(state, events())


def _view(state: ServerState, work: LongWork) -> Operation:
    progress = state.operations.progress(work.id) if work.state == "running" else None
    return Operation(
        work.id,
        work.kind,
        work.state,
        work.actor,
        work.submitted_at,
        work.finished_at,
        dict(work.request),
        ProgressView(progress.point, progress.done, progress.total) if progress else None,
        None if work.result is None else dict(work.result),
    )

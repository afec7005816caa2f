"""Tasks: submitted, listed, looked at, cancelled, tried again, followed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.auth import Author, Operator, Viewer
from api.conditions import Idempotent
from api.names import AgentName, TaskId
from api.paging import Cursor, Limit
from api.state import ServerState, server_of
from api.streaming import STREAM, LastEventId, event, event_stream
from api.watching import stage
from api.wire import Page, json_response, problems
from reconciler.database import tasks
from reconciler.database.api_keys import Role
from reconciler.database.doorbell import ring
from reconciler.database.tasks import TaskFilter, TaskLine, TaskRecord
from reconciler.execution.tasks import TaskQueue
from reconciler.spec.task import TaskState

router = APIRouter(prefix="/api/v1", tags=["tasks"])
TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?Z$"
ID = "^[0-9a-f-]{36}$"


class NewTaskBody(BaseModel, extra="forbid"):
    """`settings` override the agent's for this one run."""

    input: dict[str, Any] = Field(examples=[{"text": "Remember the milk"}])
    settings: dict[str, Any] = Field(default_factory=dict)
    max_attempts: int = Field(3, ge=1, le=20)
    not_before: str = Field(
        "", max_length=40, pattern=f"{TIME}|^$", description="Not before this time, in UTC."
    )


class SubmittedTask(BaseModel):
    """`created` is false where a task of that idempotency key had been submitted before."""

    id: str
    state: TaskState = TaskState.PENDING
    created: bool


@dataclass(frozen=True, slots=True)
class TaskDetail(TaskLine):
    """A task with all that is known of it; `trace` has each attempt of each step."""

    input: dict[str, Any]
    settings: dict[str, Any]
    output: dict[str, Any] | None
    trace: list[dict[str, Any]]
    error_where: str
    error_hint: str
    cancel_requested: str | None
    revision: int
    model: str


class Cancelled(BaseModel):
    """What the task is now; `running` if its worker has yet to notice."""

    id: str
    state: TaskState


class Redriven(BaseModel):
    tasks: list[str]


@router.post(
    "/agents/{id}/tasks",
    operation_id="submit_task",
    status_code=202,
    response_model=SubmittedTask,
    responses=problems(404, 409),
)
def submit_task(
    request: Request, caller: Author, name: AgentName, body: NewTaskBody, once: Idempotent
) -> Response:
    """Puts a task into the queue; `Location` is where to follow it."""
    state = server_of(request)
    with state.connection() as connection:
        # Whoever may submit may have it sealed, though not opened again.
        queue = TaskQueue(connection, state.static, state.cipher(Role.OPERATOR))

        def work() -> Response:
            submitted = queue.submit(
                name,
                body.input,
                settings=body.settings,
                max_attempts=body.max_attempts,
                not_before=body.not_before,
                origin="api",
                actor=caller.name,
            )
            document = {"id": submitted.id, "state": "pending", "created": submitted.created}
            return json_response(document, 202, {"Location": f"/api/v1/tasks/{submitted.id}"})

        return once.within(connection, work)


@router.get("/tasks", operation_id="list_tasks")
def list_tasks(
    request: Request,
    caller: Viewer,
    agent: Annotated[str, Query(max_length=63)] = "",
    type: Annotated[str, Query(max_length=63)] = "",  # noqa: A002 - as it is called there
    state: Annotated[list[TaskState], Query(max_length=6)] = [],  # noqa: B006
    error_code: Annotated[str, Query(max_length=63)] = "",
    since: Annotated[str, Query(pattern=f"{TIME}|^$", max_length=40)] = "",
    until: Annotated[str, Query(pattern=f"{TIME}|^$", max_length=40)] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[TaskLine]:
    """The newest first."""
    wanted = TaskFilter(agent, type, tuple(dict.fromkeys(state)), error_code, since, until)
    with server_of(request).connection() as connection:
        found = tasks.list_tasks(connection, wanted, cursor, limit)
    return Page(items=list(found.tasks), next=found.next or None)


@router.get("/tasks/{id}", operation_id="get_task", responses=problems(404))
def get_task(request: Request, caller: Viewer, task: TaskId) -> TaskDetail:
    """One task, with its steps."""
    with server_of(request).connection() as connection:
        return detail(tasks.get(connection, task))


@router.post("/tasks/{id}/cancel", operation_id="cancel_task", responses=problems(404))
def cancel_task(
    request: Request,
    caller: Operator,
    task: TaskId,
    reason: Annotated[str, Query(max_length=500)] = "",
) -> Cancelled:
    """Of a task that is cancelled no rows are kept, even if it comes to its end first."""
    with server_of(request).connection() as connection:
        return Cancelled(id=task, state=tasks.cancel(connection, task, caller.name, reason))


@router.post("/tasks/{id}/redrive", operation_id="redrive_task", responses=problems(404))
def redrive_task(request: Request, caller: Operator, task: TaskId) -> Redriven:
    """Lets a task that used up its attempts be tried again."""
    with server_of(request).connection() as connection:
        tasks.get(connection, task)
        driven = tasks.redrive(connection, [task])
        ring(connection)
    return Redriven(tasks=driven)


@router.get(
    "/tasks/{id}/events",
    operation_id="follow_task",
    response_class=StreamingResponse,
    responses=STREAM | problems(404),
)
async def follow_task(
    request: Request,
    caller: Viewer,
    task: TaskId,
    last: LastEventId = "",
) -> StreamingResponse:
    """Server-sent events: `task` whenever the task has become something else, then `end` with all that came of it."""
    state: ServerState = request.app.state.server
    line = (await state.ask(lambda connection: tasks.get(connection, task))).line

    async def events() -> AsyncIterator[bytes]:
        async for now in state.watch.follow(line):
            if now.state.ended:
                record = await state.ask(lambda connection: tasks.get(connection, task))
                yield event("end", detail(record), stage(now))
            elif stage(now) != last:
                yield event("task", now, stage(now))

    return event_stream(state, events())


def detail(record: TaskRecord) -> TaskDetail:
    line, failure = record.line, record.failure
    return TaskDetail(
        **{name: getattr(line, name) for name in TaskLine.__dataclass_fields__},
        input=dict(record.input),
        settings=dict(record.settings),
        output=None if record.output is None else dict(record.output),
        trace=[dict(step) for step in record.trace],
        error_where=failure.where if failure else "",
        error_hint=failure.hint if failure else "",
        cancel_requested=record.cancel_requested,
        revision=record.revision,
        model=record.model,
    )

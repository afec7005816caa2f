"""Types and agents deleted as a preview showed, and brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from api.auth import Caller, Operator
from api.conditions import IfMatch, etag, require_match
from api.names import AgentName, TypeName
from api.problems import Refusal
from api.state import server_of
from api.wire import json_response, problems
from api.writing import Reason
from reconciler.control.lifecycle.deleting import Deleted, Deletions
from reconciler.control.lifecycle.impact import Impact
from reconciler.control.lifecycle.restoring import Restored, restore
from reconciler.control.proposals import Author, Proposed
from reconciler.control.reports import Outcome
from reconciler.database.api_keys import Role
from reconciler.database.deletions import Mode
from reconciler.database.remains import TableExtent, TaskCounts

router = APIRouter(prefix="/api/v1")

ModeQuery = Annotated[
    Mode | None,
    Query(
        description="soft: tables stay, hard: they are parked, purge: all is destroyed, for an admin only. Default: as"
        " the type's `deletion_policy` has it."
    ),
]
Preview = Annotated[bool, Query(description="Only tell what would go.")]
Confirm = Annotated[
    str,
    Query(
        max_length=63, description="The name once more: what is parked or destroyed is not done by accident."
    ),
]
Cascade = Annotated[bool, Query(description="Delete the agents of the type as well.")]
CancelTasks = Annotated[bool, Query(description="Cancel tasks in flight, and wait for them to stop.")]


class ImpactView(BaseModel):
    """What a deletion takes along. `dependents` would not stand without it, and stop it; `restorable_until` is null
    where it is not restorable, or without an end."""

    address: str
    mode: Mode
    version: str
    removed: list[str]
    in_source: bool
    tables: list[TableExtent]
    tasks: TaskCounts
    sessions: int
    dependents: list[str]
    restorable: bool
    restorable_until: str | None
    exportable: int


class Place(BaseModel):
    """Where the source was changed. `live`: at once; else on `branch`, where people decide."""

    live: bool
    paths: list[str]
    branch: str
    commit: str
    url: str


class DeletedView(BaseModel):
    """With `preview` only `impact`. `place` is null where the object had left the source already; `unfinished` says
    why, by address, the next apply has something left to do."""

    impact: ImpactView
    place: Place | None = None
    revision: int | None = None
    unfinished: dict[str, str] = {}


class RestoredView(BaseModel):
    """`withdrawn`: the deletion was only ordered, and is no more."""

    restored: list[str]
    withdrawn: bool
    place: Place | None
    revision: int | None


_ANSWERS: dict[int | str, dict[str, Any]] = {
    202: {"model": DeletedView, "description": "Proposed on a branch; people decide."}
}
_RESTORED: dict[int | str, dict[str, Any]] = {
    202: {"model": RestoredView, "description": "Proposed on a branch; people decide."}
}


@router.delete(
    "/agent-types/{type}",
    operation_id="delete_agent_type",
    tags=["types"],
    response_model=DeletedView,
    responses=_ANSWERS | problems(404, 409, 412, 428),
)
def delete_agent_type(
    request: Request,
    caller: Operator,
    name: TypeName,
    mode: ModeQuery = None,
    preview: Preview = False,
    confirm: Confirm = "",
    cascade: Cascade = False,
    cancel_tasks: CancelTasks = False,
    reason: Reason = "",
    if_match: IfMatch = None,
) -> Response:
    """Takes a type out of service, with what became of its tables as `preview=true` shows beforehand."""

    def look(deletions: Deletions) -> Impact:
        return deletions.preview(f"type/{name}", mode, cascade=cascade)

    return _delete(request, caller, name, look, preview, confirm, cancel_tasks, reason, if_match)


@router.delete(
    "/agents/dynamic/{id}",
    operation_id="delete_dynamic_agent",
    tags=["agents"],
    response_model=DeletedView,
    responses=_ANSWERS | problems(404, 409, 412, 428),
)
@router.delete(
    "/agents/{id}",
    operation_id="delete_agent",
    tags=["agents"],
    response_model=DeletedView,
    responses=_ANSWERS | problems(404, 409, 412, 428),
)
def delete_agent(
    request: Request,
    caller: Operator,
    name: AgentName,
    mode: ModeQuery = None,
    preview: Preview = False,
    confirm: Confirm = "",
    cancel_tasks: CancelTasks = False,
    reason: Reason = "",
    if_match: IfMatch = None,
) -> Response:
    """Takes an agent out of service; a purge destroys the rows it wrote."""

    def look(deletions: Deletions) -> Impact:
        return deletions.preview(f"agent/{name}", mode)

    return _delete(request, caller, name, look, preview, confirm, cancel_tasks, reason, if_match)


@router.post(
    "/agent-types/{type}/restore",
    operation_id="restore_agent_type",
    tags=["types"],
    response_model=RestoredView,
    responses=_RESTORED | problems(404, 409, 412),
)
def restore_agent_type(request: Request, caller: Operator, name: TypeName, reason: Reason = "") -> Response:
    """Brings back a type that was deleted, with the agents that left with it and the tables that were parked."""
    return _restore(request, caller, f"type/{name}", reason)


@router.post(
    "/agents/{id}/restore",
    operation_id="restore_agent",
    tags=["agents"],
    response_model=RestoredView,
    responses=_RESTORED | problems(404, 409, 412),
)
def restore_agent(request: Request, caller: Operator, name: AgentName, reason: Reason = "") -> Response:
    """Brings back an agent that was deleted."""
    return _restore(request, caller, f"agent/{name}", reason)


def _delete(
    request: Request,
    caller: Caller,
    name: str,
    look: Callable[[Deletions], Impact],
    preview: bool,
    confirm: str,
    cancel_tasks: bool,
    reason: str,
    if_match: str | None,
) -> Response:
    state = server_of(request)
    with state.connection() as connection:
        deletions = Deletions(state.settings, connection, state.proposer)
        impact = look(deletions)
        if preview:
            return json_response(_deleted(Deleted(impact)))
        _refuse_unless_meant(caller, impact, name, confirm, if_match)
        done = deletions.delete(
            impact,
            actor=f"api:{caller.name}",
            reason=reason,
            author=Author(caller.name),
            cancel_tasks=cancel_tasks,
        )
    return json_response(_deleted(done), 200 if done.proposed is None or done.proposed.live else 202)


def _refuse_unless_meant(
    caller: Caller, impact: Impact, name: str, confirm: str, if_match: str | None
) -> None:
    if impact.mode == "purge" and not caller.role.covers(Role.ADMIN):
        raise Refusal(403, "forbidden", "a purge takes the role admin", hint="mode=hard parks instead")
    if impact.mode != "soft" and confirm != name:
        raise Refusal(
            422,
            "unconfirmed",
            f"a deletion of mode {impact.mode} is confirmed by the name: confirm={name}",
            hint="preview=true tells what would go",
        )
    if digest := impact.removed[impact.address]:
        require_match(if_match, etag(digest))


def _restore(request: Request, caller: Caller, address: str, reason: str) -> Response:
    state = server_of(request)
    with state.connection() as connection:
        actor, author = f"api:{caller.name}", Author(caller.name)
        done = restore(connection, state.proposer, address, actor=actor, author=author, reason=reason)
    return json_response(_restored(done), 200 if done.proposed is None or done.proposed.live else 202)


def _deleted(done: Deleted) -> dict[str, Any]:
    impact = {name: getattr(done.impact, name) for name in ImpactView.model_fields}
    return {
        "impact": {**impact, "removed": sorted(done.impact.removed)},
        **_went(done.proposed, done.outcome),
        "unfinished": {one.address: one.why for one in done.unfinished},
    }


def _restored(done: Restored) -> dict[str, Any]:
    return {
        "restored": list(done.restored),
        "withdrawn": done.withdrawn,
        **_went(done.proposed, done.outcome),
    }


def _went(proposed: Proposed | None, outcome: Outcome | None) -> dict[str, Any]:
    return {
        "place": asdict(proposed) if proposed else None,
        "revision": outcome.revision if outcome else None,
    }

"""Writes: a wish becomes YAML in the source, and where that is live at once, the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import Caller
from api.bodies import ManifestBody
from api.conditions import etag, require_match
from api.problems import Refusal
from api.state import server_of
from api.wire import json_response
from reconciler.control.proposals import Author
from reconciler.control.proposing import Done, Proposer, Wish
from reconciler.errors import NotFound
from reconciler.plans.plan import Plan
from reconciler.plans.render.json_document import hazard_document

Allow = Annotated[
    list[str],
    Query(
        max_length=100,
        description="Hazards that may pass, each `CODE` or `CODE:OBJECT`, as a plan names them.",
        examples=[["destructive:notes.note.priority"]],
    ),
]
Reason = Annotated[str, Query(max_length=500, description="Why, for history and audit.")]


class PlannedChange(BaseModel):
    action: str = Field(examples=["add"])
    address: str = Field(examples=["type/notes"])
    reason: str = ""


class PlannedHazard(BaseModel):
    code: str
    severity: str
    address: str
    rows: int | None
    message: str
    suggestion: str


class PlanSummary(BaseModel):
    """What a write changes. `id` is the plan's identity."""

    id: str
    changes: list[PlannedChange]
    hazards: list[PlannedHazard]


class Written(BaseModel):
    """Where a write went. `live`: it is applied, as `revision`, unless that is null as there was nothing to do. Else
    `branch` and `commit` say where it waits, and `url` is the pull request, if a forge was asked for one."""

    address: str = Field(examples=["type/notes"])
    live: bool
    revision: int | None = None
    paths: list[str] = Field(examples=[["notes/type.yaml"]])
    branch: str = ""
    commit: str = ""
    url: str = ""
    plan: PlanSummary


WRITTEN: dict[int | str, dict[str, Any]] = {
    202: {"model": Written, "description": "Proposed on a branch; people decide."},
}


_NOUNS = {"type": "agent type", "agent": "agent"}
_COLLECTIONS = {"type": "agent-types", "agent": "agents"}


def add(request: Request, caller: Caller, body: ManifestBody, allow: list[str], reason: str) -> Response:
    """Raises Refusal where there is one of this address already, and what `write` raises."""
    noun, proposer = _NOUNS[body.kind], server_of(request).proposer()
    if body.address in proposer.state.entries:
        raise Refusal(409, "exists", f"there is an {noun} {body.name} already", hint="PUT changes it")
    return write(
        request,
        caller,
        Wish(f"Add {noun} {body.name}", put=(body.document,)),
        body.address,
        allow=allow,
        reason=reason,
        location=f"/api/v1/{_COLLECTIONS[body.kind]}/{body.name}",
        proposer=proposer,
    )


def replace(
    request: Request, caller: Caller, body: ManifestBody, if_match: str | None, allow: list[str], reason: str
) -> Response:
    """`if_match` is the tag of what the caller has seen. Raises NotFound, Refusal and what `write` raises."""
    noun, proposer = _NOUNS[body.kind], server_of(request).proposer()
    entry = proposer.state.entries.get(body.address)
    if entry is None:
        raise NotFound(f"the source has no {noun} {body.name}", hint="POST adds one")
    require_match(if_match, etag(entry.digest))
    wish = Wish(f"Change {noun} {body.name}", put=(body.document,))
    return write(request, caller, wish, body.address, allow=allow, reason=reason, proposer=proposer)


def write(
    request: Request,
    caller: Caller,
    wish: Wish,
    address: str,
    *,
    allow: list[str],
    reason: str = "",
    location: str = "",
    proposer: Proposer,
) -> Response:
    """Carries out a wish. `location` is where something new will be: 201; 202 for what waits on a branch. Raises what
    `Proposer` raises."""
    draft = proposer.draft(wish)
    author = Author(caller.name)
    done = proposer.carry_out(draft, author, allow=allow, actor=f"api:{caller.name}", reason=reason)
    return written(request, done, address, location=location)


def written(request: Request, done: Done, address: str, *, location: str) -> Response:
    status = 202 if not done.proposed.live else 201 if location else 200
    document = {
        "address": address,
        "live": done.proposed.live,
        "revision": done.outcome.revision if done.outcome is not None else None,
        **asdict(done.proposed),
        "plan": plan_summary(done.plan),
    }
    headers = {"Location": location} if location else {}
    digest = _digest(request, address) if done.proposed.live else ""
    return json_response(document, status, headers | ({"ETag": etag(digest)} if digest else {}))


def plan_summary(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "changes": [
            {"action": change.action.value, "address": change.address, "reason": change.reason}
            for change in plan.changes
        ],
        "hazards": [hazard_document(hazard) for hazard in plan.hazards],
    }


def _digest(request: Request, address: str) -> str:
    """Of what is live there now; empty where nothing is."""
    from reconciler.database.records import entries

    with server_of(request).connection() as connection:
        found: Mapping[str, str] = entries(connection)
    return found.get(address, "")

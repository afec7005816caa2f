"""The builder: a conversation that ends in manifests. Without a language model it asks its questions by rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from api.auth import Author, Caller
from api.conditions import Idempotent
from api.names import SessionId
from api.paging import Limit
from api.problems import ProblemItem, item_of
from api.state import server_of
from api.streaming import EVENTS, UNBUFFERED, event
from api.wire import Page, also, json_response, problems
from api.writing import PlanSummary, plan_summary
from reconciler.builder.views import (
    Finalized,
    Preview,
    Question,
    Reply,
    Risk,
    SessionBrief,
    SessionView,
    TestVerdict,
)
from reconciler.control.proposals import Author as ManifestAuthor
from reconciler.control.reports import Outcome
from reconciler.database.api_keys import Role
from reconciler.errors import ReconcilerError

router = APIRouter(prefix="/api/v1/agent-builder", tags=["builder"])


class StartBody(BaseModel, extra="forbid"):
    """`model` is a language model that there has to be; empty: any there is. `text` is said at once."""

    template: str | None = Field(None, max_length=63, examples=["blank"])
    model: str = Field("", max_length=100)
    guided: bool = Field(False, description="Ask by rules, without a language model.", examples=[True])
    text: str = Field("", max_length=20_000)


class ChatBody(BaseModel, extra="forbid"):
    """With a `version` only if nobody else has spoken since."""

    text: str = Field(max_length=20_000, examples=["It sorts support mail"])
    version: int | None = Field(None, ge=1, le=2**53)


class FinalizeBody(BaseModel, extra="forbid"):
    """`allow`: hazards that may pass where it is applied at once, each `CODE` or `CODE:OBJECT`."""

    version: int | None = Field(None, ge=1, le=2**53)
    allow: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=100)


class PreviewView(BaseModel):
    """The draft as it is: YAML, what it would change, tests, risks. `ready`: it can be finalized."""

    session: str
    version: int
    state: str
    yaml: str
    documents: list[dict[str, Any]]
    files: dict[str, str]
    plan: PlanSummary | None
    plan_text: str
    docs: str
    sample_input: dict[str, Any]
    sample_output: dict[str, Any] | None
    tests: list[TestVerdict]
    risks: list[Risk]
    problems: list[ProblemItem]
    ready: bool
    agent: str
    questions: list[Question]


class FinalizedView(BaseModel):
    """Where the manifests went; `revision` where they were applied at once."""

    session: SessionView
    agent: str
    summary: str
    live: bool
    paths: list[str]
    branch: str
    commit: str
    url: str
    revision: int | None


_PROPOSED: dict[int | str, dict[str, Any]] = {
    202: {"model": FinalizedView, "description": "Proposed on a branch; people decide."}
}


@router.post(
    "/start",
    operation_id="start_builder_session",
    status_code=201,
    response_model=SessionView,
    responses=problems(404, 409, 424, 502),
)
def start_builder_session(request: Request, caller: Author, body: StartBody, once: Idempotent) -> Response:
    """A new session, which has asked its first question."""

    def work() -> Response:
        view = server_of(request).builder.start(
            owner=caller.id, template=body.template, model=body.model, guided=body.guided, text=body.text
        )
        return json_response(view, 201, {"Location": f"/api/v1/agent-builder/{view.id}"})

    return once(work)


@router.get("", operation_id="list_builder_sessions")
def list_builder_sessions(request: Request, caller: Author, limit: Limit = 50) -> Page[SessionBrief]:
    """Your sessions, the one last spoken in first; an admin sees all."""
    found = server_of(request).builder.list_sessions(owner=_owner(caller), limit=limit)
    return Page(items=list(found))


@router.get(
    "/{session}", operation_id="get_builder_session", response_model=SessionView, responses=problems(404)
)
def get_builder_session(request: Request, caller: Author, session: SessionId) -> Response:
    """The conversation as it stands."""
    return json_response(server_of(request).builder.session(session, owner=_owner(caller)))


@router.post(
    "/{session}/chat",
    operation_id="say_to_builder",
    response_model=Reply,
    responses=also(EVENTS) | problems(404, 409, 412, 424, 502),
)
def say_to_builder(request: Request, caller: Author, session: SessionId, body: ChatBody) -> Response:
    """One turn. As `text/event-stream` the text comes in pieces (`piece`), then whole with all else (`reply`); or an
    `error` ends it, with what was said kept."""
    builder = server_of(request).builder
    spoken = builder.stream(session, body.text, owner=_owner(caller), version=body.version)
    if EVENTS not in request.headers.get("accept", ""):
        *_, reply = spoken
        return json_response(reply)
    first = next(spoken)  # what refuses the turn is told before the stream begins

    def events() -> Iterator[bytes]:
        number, piece = 0, first
        try:
            while isinstance(piece, str):
                number += 1
                yield event("piece", {"text": piece}, str(number))
                piece = next(spoken)
        except ReconcilerError as error:
            yield event("error", {"code": error.code, "detail": error.message, "hint": error.hint}, "error")
            return
        yield event("reply", piece, "reply")

    return StreamingResponse(events(), media_type=EVENTS, headers=UNBUFFERED)


@router.get(
    "/{session}/schema",
    operation_id="get_builder_schema",
    response_model=PreviewView,
    responses=problems(404, 409),
)
def get_builder_schema(request: Request, caller: Author, session: SessionId) -> Response:
    """The draft, with everything to look at before a yes."""
    return json_response(_preview(server_of(request).builder.schema(session, owner=_owner(caller))))


@router.post(
    "/{session}/finalize",
    operation_id="finalize_builder_session",
    response_model=FinalizedView,
    responses=_PROPOSED | problems(404, 409, 412),
)
def finalize_builder_session(
    request: Request, caller: Author, session: SessionId, body: FinalizeBody, once: Idempotent
) -> Response:
    """Writes the draft into the source, checked once more; where that is live at once, it is applied."""

    def work() -> Response:
        state = server_of(request)
        applied = state.config.direct or not state.follows_git
        done = state.builder.finalize(
            session,
            ManifestAuthor(caller.name),
            owner=_owner(caller),
            version=body.version,
            allow=body.allow if applied else None,
        )
        outcome = None
        if done.proposed.live:
            outcome = state.proposer().apply(
                body.allow, actor=f"api:{caller.name}", reason=f"builder {session}"
            )
        return json_response(_finalized(done, outcome), 200 if done.proposed.live else 202)

    return once(work)


@router.delete("/{session}", operation_id="delete_builder_session", status_code=204, responses=problems(404))
def delete_builder_session(request: Request, caller: Author, session: SessionId) -> None:
    """Forgets the conversation. What was finalized stays."""
    server_of(request).builder.delete(session, owner=_owner(caller))


def _owner(caller: Caller) -> str | None:
    return None if caller.role is Role.ADMIN else caller.id


def _preview(found: Preview) -> Mapping[str, Any]:
    told = {name: getattr(found, name) for name in PreviewView.model_fields}
    return {
        **told,
        "plan": plan_summary(found.plan) if found.plan is not None else None,
        "problems": [item_of(problem).model_dump() for problem in found.problems],
    }


def _finalized(done: Finalized, outcome: Outcome | None) -> Mapping[str, Any]:
    return {
        "session": done.session,
        "agent": done.agent,
        "summary": done.summary,
        **asdict(done.proposed),
        "revision": outcome.revision if outcome is not None else None,
    }

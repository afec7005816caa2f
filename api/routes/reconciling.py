"""Making the source true, taking it back, and what was parked on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import Admin, Operator, Viewer
from api.conditions import Idempotent, etag, not_modified
from api.operations import Report
from api.paging import Cursor, Limit, page_of
from api.routes.operations import ACCEPTED, Operation, accepted
from api.state import server_of
from api.wire import JSON, Page, problems
from api.writing import Reason
from reconciler.control.reports import ArchiveRecord, Outcome, RevisionDetail, RevisionSummary, Status
from reconciler.plans.plan import Plan

router = APIRouter(prefix="/api/v1", tags=["reconciling"])
NUMBER = 2**53
Number = Annotated[int, Path(ge=1, le=NUMBER)]


class PlanDocument(BaseModel):
    """The plan as `reconcile --plan --json` prints it."""

    format_version: str
    id: str
    source: str
    database: str
    units: list[dict[str, Any]]
    changes: list[dict[str, Any]]
    hazards: list[dict[str, Any]]
    drift: list[dict[str, Any]]
    problems: list[dict[str, Any]]
    held: list[str]
    suspended: list[str]
    summary: dict[str, int]


class DriftItem(BaseModel):
    """What the database has differs from what was applied last, though nobody changed the source."""

    address: str
    recorded: str | None = None
    live: str | None = None
    message: str


class ReconcileBody(BaseModel, extra="forbid"):
    """With a `plan_id`, only if the plan is still that one. `allow` lets hazards pass."""

    plan_id: str = Field("", max_length=64, examples=[""])
    allow: list[Annotated[str, Field(max_length=300)]] = Field(default_factory=list, max_length=100)
    reason: str = Field("", max_length=500, examples=["release 12"])


class RollbackBody(ReconcileBody):
    """`revision` is the one whose state comes back: 0 the empty beginning, null the one before the newest."""

    revision: int | None = Field(None, ge=0, le=NUMBER)


class Done(BaseModel):
    """`revision` is null where there was nothing to do."""

    plan_id: str
    revision: int | None
    applied: list[str]
    failed: list[tuple[str, str]]


@router.get(
    "/plan",
    operation_id="get_plan",
    response_model=PlanDocument,
    responses={
        200: {"content": {"text/markdown": {"schema": {"type": "string"}}}},
        304: {"description": "As it was."},
    },
)
def get_plan(request: Request, caller: Viewer) -> Response:
    """What the source would change; as `text/markdown` for a pull request. Its ETag is the plan's id."""
    with server_of(request).reconciler() as reconciler:
        plan = reconciler.plan()
        headers = {"ETag": etag(plan.id), "Vary": "Accept"}
        if not_modified(request, etag(plan.id)):
            return Response(status_code=304, headers=headers)
        if "text/markdown" in request.headers.get("accept", ""):
            from reconciler.plans.render.markdown import render_markdown

            text = render_markdown(
                plan, root=reconciler.settings.source, sensitive_settings=reconciler.sensitive_settings
            )
            return Response(text, headers=headers, media_type="text/markdown")
        document = _document(plan, reconciler.sensitive_settings)
    return Response(orjson.dumps(document), headers=headers, media_type=JSON)


@router.post(
    "/reconcile",
    operation_id="reconcile",
    status_code=202,
    response_model=Operation,
    responses=ACCEPTED | problems(409),
)
def reconcile(request: Request, caller: Operator, body: ReconcileBody, once: Idempotent) -> Response:
    """Plans and applies the source as it is."""
    state = server_of(request)

    def work(report: Report) -> Mapping[str, Any]:
        with state.reconciler() as reconciler:
            plan = reconciler.plan()
            if body.plan_id:
                reconciler.check(body.plan_id, plan)
            done = reconciler.apply(
                plan, allow=body.allow, reason=body.reason, actor=f"api:{caller.name}", progress=report
            )
        return asdict(done)

    return once(lambda: accepted(request, caller, "reconcile", body.model_dump(), work))


@router.post(
    "/rollback",
    operation_id="rollback",
    status_code=202,
    response_model=Operation,
    responses=ACCEPTED | problems(404, 409),
)
def rollback(request: Request, caller: Operator, body: RollbackBody, once: Idempotent) -> Response:
    """Brings back the state of a former revision: specs, tables, and values that were parked."""
    state = server_of(request)

    def work(report: Report) -> Mapping[str, Any]:
        with state.reconciler() as reconciler:
            plan = reconciler.rollback_plan(body.revision)
            if body.plan_id:
                reconciler.check(body.plan_id, plan)
            reason = body.reason or f"rollback to revision {body.revision}"
            done = reconciler.apply(
                plan, allow=body.allow, reason=reason, actor=f"api:{caller.name}", progress=report
            )
        return asdict(done)

    return once(lambda: accepted(request, caller, "rollback", body.model_dump(), work))


@router.get(
    "/rollback/plan", operation_id="plan_rollback", response_model=PlanDocument, responses=problems(404)
)
def plan_rollback(
    request: Request,
    caller: Viewer,
    revision: Annotated[int | None, Query(ge=0, le=NUMBER, description="Default: the one before.")] = None,
) -> Response:
    """What a rollback would change. Nothing is written."""
    with server_of(request).reconciler() as reconciler:
        document = _document(reconciler.rollback_plan(revision), reconciler.sensitive_settings)
    return Response(orjson.dumps(document), media_type=JSON)


@router.get("/status", operation_id="get_status")
def get_status(request: Request, caller: Viewer) -> Status:
    """What is wanted, what is, object by object."""
    with server_of(request).reconciler() as reconciler:
        return reconciler.status()


@router.get("/drift", operation_id="list_drift")
def list_drift(request: Request, caller: Viewer) -> Page[DriftItem]:
    """What somebody has changed in the database by another road."""
    with server_of(request).reconciler() as reconciler:
        found = _document(reconciler.plan(), reconciler.sensitive_settings)["drift"]
    return Page(items=[DriftItem(**drift) for drift in found])


@router.get("/revisions", operation_id="list_revisions")
def list_revisions(
    request: Request, caller: Viewer, cursor: Cursor = "", limit: Limit = 50
) -> Page[RevisionSummary]:
    """What was applied, newest first."""
    with server_of(request).reconciler() as reconciler:
        found = reconciler.history(10_000)
    by: dict[str, Any] = {"number": lambda revision: f"{revision.number:016}"}
    return page_of(found, by=by, name=lambda r: "", sort="-number", cursor=cursor, limit=limit)


@router.get("/revisions/{number}", operation_id="get_revision", responses=problems(404))
def get_revision(request: Request, caller: Viewer, number: Number) -> RevisionDetail:
    """One revision: its units, changes and statements."""
    with server_of(request).reconciler() as reconciler:
        return reconciler.revision(number)


@router.get("/archives", operation_id="list_archives")
def list_archives(
    request: Request,
    caller: Viewer,
    all: Annotated[bool, Query(description="Those that were restored or purged, too.")] = False,  # noqa: A002
) -> Page[ArchiveRecord]:
    """What was parked instead of destroyed."""
    with server_of(request).reconciler() as reconciler:
        return Page(items=reconciler.archives(all))


@router.post("/archives/{number}/restore", operation_id="restore_archive", responses=problems(404, 409))
def restore_archive(request: Request, caller: Operator, number: Number, reason: Reason = "") -> Done:
    """Brings a parked table back under its name. A column comes back once its field is declared again."""
    with server_of(request).reconciler() as reconciler:
        return _done(reconciler.restore_archive(number, reason=reason, actor=f"api:{caller.name}"))


@router.delete("/archives/{number}", operation_id="purge_archive", responses=problems(404, 409))
def purge_archive(request: Request, caller: Admin, number: Number, reason: Reason = "") -> Done:
    """Destroys what is parked. There is no way back."""
    with server_of(request).reconciler() as reconciler:
        return _done(reconciler.purge_archive(number, reason=reason, actor=f"api:{caller.name}"))


def _done(outcome: Outcome) -> Done:
    return Done(
        plan_id=outcome.plan_id,
        revision=outcome.revision,
        applied=list(outcome.applied),
        failed=list(outcome.failed),
    )


def _document(plan: Plan, sensitive: Any) -> dict[str, Any]:
    from reconciler.plans.render.json_document import plan_document

    return plan_document(plan, sensitive_settings=sensitive)

"""For those who look after the system: incidents, the audit, numbers for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.auth import Operator, Viewer
from api.paging import Limit
from api.state import server_of
from api.wire import Page
from reconciler.database import incidents, records, tasks

router = APIRouter(tags=["oversight"])


@dataclass(frozen=True, slots=True)
class Incident:
    """A violation seen while a task ran; `evidence` holds no value of a row, an input or a secret."""

    id: int
    at: str
    severity: str
    kind: str
    agent: str
    type: str
    task_id: str | None
    evidence: dict[str, Any]
    worker: str


@dataclass(frozen=True, slots=True)
class AuditItem:
    """Who did what. `hash` covers the item and `previous_hash`, so that none can be altered unnoticed."""

    id: int
    at: str
    actor: str
    action: str
    address: str
    reason: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The newest first; `next` is the cursor of what follows. `broken_at` is the first item that does not follow from
    the one before; null where all do, or nobody asked."""

    items: list[AuditItem]
    next: int | None
    broken_at: int | None


@router.get("/api/v1/incidents", operation_id="list_incidents")
def list_incidents(
    request: Request,
    caller: Viewer,
    agent: Annotated[str, Query(max_length=63)] = "",
    limit: Limit = 100,
) -> Page[Incident]:
    """The newest first."""
    with server_of(request).connection() as connection:
        found = incidents.latest(connection, agent=agent, limit=limit)
    return Page(
        items=[
            Incident(
                one.id,
                one.at,
                one.severity,
                one.kind,
                one.agent,
                one.type,
                one.task_id,
                dict(one.evidence),
                one.worker,
            )
            for one in found
        ]
    )


@router.get("/api/v1/audit", operation_id="get_audit")
def get_audit(
    request: Request,
    caller: Operator,
    address: Annotated[
        str, Query(max_length=80, description="Of this object only.", examples=["type/notes"])
    ] = "",
    actor: Annotated[str, Query(max_length=200)] = "",
    verify: Annotated[bool, Query(description="Follow the whole chain, which takes time.")] = False,
    cursor: Annotated[int | None, Query(ge=1, le=2**53, description="The `next` of the page before.")] = None,
    limit: Limit = 100,
) -> AuditTrail:
    """Who did what, and with `verify` whether the record of it still holds together."""
    with server_of(request).connection() as connection:
        wanted = records.AuditFilter(address=address, actor=actor, before=cursor)
        found = records.audit_trail(connection, limit + 1, wanted)
        broken = records.first_broken_link(connection) if verify else None
    items = [
        AuditItem(
            one.id,
            one.at,
            one.entry.actor,
            one.entry.action,
            one.entry.address,
            one.entry.reason,
            one.previous_hash,
            one.hash,
        )
        for one in found[:limit]
    ]
    return AuditTrail(items, items[-1].id if len(found) > limit else None, broken)


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(request: Request, caller: Viewer) -> Response:
    """Requests, and tasks that wait or run, for Prometheus."""
    state = server_of(request)
    with state.connection() as connection:
        counts = tasks.waiting_and_running(connection)
    return Response(state.metrics.text(counts), media_type=CONTENT_TYPE_LATEST)

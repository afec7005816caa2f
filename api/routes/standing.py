"""What stands in the way of objects, or speaks for them: conditions of the newest pass, suspensions, holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from api.auth import Operator, Viewer
from api.names import AgentName
from api.paging import Cursor, Limit, page_of
from api.state import server_of
from api.wire import Page, problems
from api.writing import Reason
from reconciler.database import conditions, holds, records
from reconciler.database.conditions import Condition
from reconciler.database.holds import Hold
from reconciler.database.suspensions import Suspension
from reconciler.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["reconciling"])

ADDRESS = r"^(\*|(type|agent|policy)/[a-z][a-z0-9-]{0,62})$"

Address = Annotated[
    str,
    Query(pattern=ADDRESS, description="`type/NAME`, `agent/NAME`, `policy/NAME`.", examples=["type/notes"]),
]


class Suspend(BaseModel, extra="forbid"):
    """`*` is everything there is, and all to come. `until` is a time with its zone; without one it lasts until somebody
    resumes it."""

    addresses: list[Annotated[str, Field(pattern=ADDRESS)]] = Field(
        min_length=1, max_length=100, examples=[["type/notes"]]
    )
    reason: str = Field(min_length=1, max_length=500, examples=["the table is being looked into"])
    until: AwareDatetime | None = Field(None, examples=["2030-12-01T08:00:00Z"])


@router.get("/conditions", operation_id="list_conditions")
def list_conditions(
    request: Request, caller: Viewer, cursor: Cursor = "", limit: Limit = 100
) -> Page[Condition]:
    """What the newest pass of a controller found of each object, by address; `source` is that of the source itself.
    Empty where no controller has run."""
    with server_of(request).connection() as connection:
        found = conditions.recorded(connection).values()
    return page_of(
        found,
        by={"address": lambda one: one.address},
        name=lambda one: "",
        sort="address",
        cursor=cursor,
        limit=limit,
    )


@router.get("/suspensions", operation_id="list_suspensions")
def list_suspensions(request: Request, caller: Viewer) -> Page[Suspension]:
    """Objects that no apply touches for a while, by address."""
    with server_of(request).reconciler() as reconciler:
        found = reconciler.suspensions()
    return Page(items=[found[address] for address in sorted(found)])


@router.post(
    "/suspensions",
    operation_id="suspend_objects",
    status_code=201,
    responses=problems(404),
)
def suspend_objects(request: Request, caller: Operator, body: Suspend) -> Page[Suspension]:
    """Neither an apply nor a controller touches them, whatever their manifests say: all of them, or if one is not known
    none. What was said of one before is replaced."""
    until: datetime | None = body.until
    with server_of(request).reconciler() as reconciler:
        made = reconciler.suspend(body.addresses, owner=f"api:{caller.name}", reason=body.reason, until=until)
    return Page(items=made)


@router.delete(
    "/suspensions",
    operation_id="resume_object",
    status_code=204,
    responses=problems(404),
    response_model=None,
)
def resume_object(request: Request, caller: Operator, address: Address) -> None:
    """Lets a suspended object follow its manifest again."""
    with server_of(request).reconciler() as reconciler:
        if not reconciler.resume([address], actor=f"api:{caller.name}"):
            raise NotFound(f"{address} is not suspended", hint="GET /api/v1/suspensions lists what is")


@router.get("/holds", operation_id="list_holds")
def list_holds(request: Request, caller: Viewer) -> Page[Hold]:
    """Agents that run no tasks until somebody enables them again, with who held them and why."""
    with server_of(request).connection() as connection:
        return Page(items=list(holds.holds(connection).values()))


class PutOnHold(BaseModel, extra="forbid"):
    agent: str = Field(min_length=1, max_length=63, examples=["my-notes"])
    reason: str = Field(min_length=1, max_length=500, examples=["it writes to the wrong people"])


@router.post("/holds", operation_id="hold_agent", status_code=201, responses=problems(404))
def hold_agent(request: Request, caller: Operator, body: PutOnHold) -> Hold:
    """At once, whatever its manifest says: what waits is not begun, what runs is asked to stop. An agent that is on
    hold already stays so for the reason it was."""
    with server_of(request).connection() as connection:
        if f"agent/{body.agent}" not in records.entries(connection):
            raise NotFound(f"there is no agent {body.agent}", hint="only deployed agents are put on hold")
        holds.hold(connection, body.agent, actor=f"api:{caller.name}", reason=body.reason)
        return holds.holds(connection)[body.agent]


@router.delete(
    "/holds/{id}", operation_id="lift_hold", status_code=204, responses=problems(404), response_model=None
)
def lift_hold(request: Request, caller: Operator, name: AgentName, reason: Reason = "") -> None:
    """Its tasks go on."""
    with server_of(request).connection() as connection:
        if not holds.lift(connection, name, actor=f"api:{caller.name}", reason=reason):
            raise NotFound(f"agent {name} is not on hold", hint="GET /api/v1/holds lists those that are")

"""Whether the server lives and can work. No key is needed: there is nothing to learn."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.problems import ProblemDetails
from api.state import server_of

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/livez", operation_id="get_liveness")
async def liveness() -> Alive:
    """The process answers."""
    return Alive()


@router.get("/readyz", operation_id="get_readiness", responses={503: {"model": ProblemDetails}})
def readiness(request: Request) -> Alive:
    """The database answers."""
    with server_of(request).connection() as connection:
        connection.execute("SELECT 1")
    return Alive()

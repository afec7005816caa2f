"""What is wanted, what is, and why they differ."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.auth import Viewer
from api.state import server_of
from reconciler.control.reports import Status

router = APIRouter(prefix="/api/v1", tags=["status"])


@router.get("/status", operation_id="get_status")
def status(request: Request, caller: Viewer) -> Status:
    """Where things stand, object by object."""
    with server_of(request).reconciler() as reconciler:
        return reconciler.status()

"""Forges tell of pushes; what they tell is believed if it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from api.auth import Caller
from api.operations import Report
from api.problems import Refusal
from api.routes.operations import ACCEPTED, Operation, accepted
from api.state import ServerState, server_of
from api.wire import Message, json_response, problems
from reconciler.control.controller.webhooks import Push, pushed
from reconciler.database.api_keys import Role

router = APIRouter(prefix="/api/v1/webhooks", tags=["reconciling"])
FORGE = Caller("webhook", "webhook", Role.OPERATOR)
_EXAMPLE = {"ref": "refs/heads/main", "after": "5" * 40, "repository": {"full_name": "team/agents"}}
_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
    },
    "parameters": [
        {
            "name": "X-Hub-Signature-256",
            "in": "header",
            "required": False,
            "description": "`sha256=` and the HMAC of the body under RECONCILER_WEBHOOK_SECRET.",
            "schema": {"type": "string"},
        }
    ],
}


@router.post(
    "/git",
    operation_id="receive_git_push",
    status_code=202,
    response_model=Operation,
    responses=ACCEPTED
    | {200: {"model": Message, "description": "Nothing to do with what is followed here."}}
    | problems(401, 404),
    openapi_extra=_REQUEST,
)
async def receive_git_push(request: Request) -> Response:
    """A push to the followed branch starts a reconciliation. GitHub, Gitea and GitLab are understood.

    Where a controller runs, on whatever machine, it is told to look at the branch now; else this server does it."""
    state, data = server_of(request), await request.body()
    if not state.config.webhook_secret:
        raise Refusal(404, "not-found", "webhooks are not configured", hint="set RECONCILER_WEBHOOK_SECRET")
    push = pushed(request.headers, data, state.config.webhook_secret)
    if push is None or not _followed(state, push):
        return json_response({"message": "nothing to do with what is followed here"})
    import anyio.to_thread

    return await anyio.to_thread.run_sync(_start, request, state, push)


def _start(request: Request, state: ServerState, push: Push) -> Response:
    def work(report: Report) -> Mapping[str, Any]:
        with state.reconciler() as reconciler:
            if controller := reconciler.wake_controller():
                return {"controller": controller}
            plan = reconciler.plan()
            return asdict(reconciler.apply(plan, reason="push", actor="webhook", progress=report))

    return accepted(request, FORGE, "reconcile", asdict(push), work)


def _followed(state: ServerState, push: Push) -> bool:
    """Whether the push went to the branch that is followed; a source without a branch is told of any."""
    if not state.follows_git:
        return True
    from reconciler.manifests.git import GitAddress

    ref = GitAddress(state.settings.source).ref
    return ref == "HEAD" or push.branch in (ref, ref.removeprefix("refs/heads/"))

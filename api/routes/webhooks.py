"""Forges tell of pushes; what they tell is believed if it is signed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api.auth import Caller
from api.operations import Report
from api.problems import Refusal
from api.routes.operations import ACCEPTED, Operation, accepted
from api.state import ServerState, server_of
from api.wire import Message, json_response, problems
from reconciler.database.api_keys import Role

router = APIRouter(prefix="/api/v1/webhooks", tags=["reconciling"])
FORGE = Caller("webhook", "webhook", Role.OPERATOR)
_SIGNED_IN = ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature")
_EVENT_IN = ("x-github-event", "x-gitea-event", "x-gitlab-event")
_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}, "example": {"ref": "refs/heads/main"}}
        },
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
    """A push to the followed branch starts a reconciliation. GitHub, Gitea and GitLab are understood."""
    state, data = server_of(request), await request.body()
    _verify(request, data, state.config.webhook_secret)
    try:
        told = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Refusal(400, "not-json", "the body is not JSON") from None
    if not _is_push(request) or not _followed(state, told):
        return json_response({"message": "nothing to do with what is followed here"})
    import anyio.to_thread

    return await anyio.to_thread.run_sync(_start, request, state, told)


def _start(request: Request, state: ServerState, told: Mapping[str, Any]) -> Response:
    def work(report: Report) -> Mapping[str, Any]:
        with state.reconciler() as reconciler:
            plan = reconciler.plan()
            return asdict(reconciler.apply(plan, reason="push", actor="webhook", progress=report))

    asked = {"ref": str(told.get("ref", ""))[:200], "after": str(told.get("after", ""))[:64]}
    return accepted(request, FORGE, "reconcile", asked, work)


def _verify(request: Request, data: bytes, secret: str) -> None:
    """Raises 404 where no secret is configured, 401 where the body is not signed with it."""
    if not secret:
        raise Refusal(404, "not-found", "webhooks are not configured", hint="set RECONCILER_WEBHOOK_SECRET")
    token = request.headers.get("x-gitlab-token")
    if token is not None:
        right = hmac.compare_digest(token.encode(), secret.encode())
    else:
        given = next((request.headers[name] for name in _SIGNED_IN if name in request.headers), "")
        wanted = hmac.new(secret.encode(), data, sha256).hexdigest()
        right = hmac.compare_digest(given.removeprefix("sha256=").encode(), wanted.encode())
    if not right:
        raise Refusal(401, "bad-signature", "the body is not signed with the secret of this webhook")


def _is_push(request: Request) -> bool:
    told = next((request.headers[name] for name in _EVENT_IN if name in request.headers), "push")
    return told.lower() in ("push", "push hook")


def _followed(state: ServerState, told: Any) -> bool:
    """Whether the push went to the branch that is followed; a source without a branch is told of any."""
    if not isinstance(told, dict) or not state.follows_git:
        return isinstance(told, dict)
    from reconciler.manifests.git import GitAddress

    ref = GitAddress(state.settings.source).ref
    return ref == "HEAD" or told.get("ref") in (ref, f"refs/heads/{ref}")

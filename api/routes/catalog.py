"""What agents may use and must keep to: tools, policies, the manifest language itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api.auth import Admin, Viewer
from api.bodies import Manifest, manifest_request
from api.conditions import IfMatch, etag, require_match
from api.state import server_of
from api.wire import Page, json_response, problems
from api.writing import WRITTEN, Allow, Reason, Written, write
from reconciler.control.proposing import Wish
from reconciler.database import records
from reconciler.errors import NotFound
from reconciler.spec.findings import did_you_mean
from reconciler.tools.base import ToolDeclaration

router = APIRouter(prefix="/api/v1", tags=["catalog"])


@dataclass(frozen=True, slots=True)
class ParameterView:
    type: str
    description: str
    required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class ToolView:
    """`effect` is none, read, write or external: what a call may touch. `agents` may call it."""

    name: str
    title: str
    description: str
    effect: str
    capabilities: list[str]
    parameters: dict[str, ParameterView]
    agents: list[str]


@dataclass(frozen=True, slots=True)
class PolicyView:
    name: str
    digest: str
    manifest: dict[str, Any]


@router.get("/tools", operation_id="list_tools")
def list_tools(request: Request, caller: Viewer) -> Page[ToolView]:
    """What steps can call, and which agents may."""
    users = _users(request)
    return Page(items=[_tool(found, users) for found in server_of(request).tools.find()])


@router.get("/tools/{name}", operation_id="get_tool", responses=problems(404))
def get_tool(request: Request, caller: Viewer, name: str) -> ToolView:
    """One tool and its parameters."""
    tools = server_of(request).tools
    found = tools.get(name)
    if found is None:
        raise NotFound(f"there is no tool {name[:60]}", hint=did_you_mean(name[:60], tools.names()))
    return _tool(found, _users(request))


@router.get("/policies", operation_id="list_policies")
def list_policies(request: Request, caller: Viewer) -> Page[PolicyView]:
    """What any type may ask for at most."""
    with server_of(request).connection() as connection:
        addresses = [address for address in records.entries(connection) if address.startswith("policy/")]
        digests, texts = records.entries(connection), records.spec_texts(connection, addresses)
    return Page(items=[_policy(address, digests[address], texts[address]) for address in sorted(texts)])


@router.get("/policies/{name}", operation_id="get_policy", response_model=PolicyView, responses=problems(404))
def get_policy(request: Request, caller: Viewer, name: str) -> Response:
    """One policy."""
    address = f"policy/{name}"
    with server_of(request).connection() as connection:
        text = records.spec_texts(connection, [address]).get(address)
        digest = records.entries(connection).get(address, "")
    if text is None:
        raise NotFound(f"there is no policy {name[:60]}")
    return json_response(_policy(address, digest, text), headers={"ETag": etag(digest)})


@router.put(
    "/policies/{name}",
    operation_id="put_policy",
    response_model=Written,
    responses=WRITTEN | {201: {"model": Written}} | problems(409, 412, 415, 428),
    openapi_extra=manifest_request("Policy"),
)
def put_policy(
    request: Request,
    caller: Admin,
    name: str,
    body: Manifest,
    if_match: IfMatch = None,
    allow: Allow = [],  # noqa: B006 - FastAPI copies it
    reason: Reason = "",
) -> Response:
    """Adds or changes a policy. Types that it forbids make the change fail, with every one of them named."""
    body.of_kind("policy", name)
    proposer = server_of(request).proposer()
    entry = proposer.state.entries.get(body.address)
    if entry is not None:
        require_match(if_match, etag(entry.digest))
    wish = Wish(f"{'Change' if entry else 'Add'} policy {name}", put=(body.document,))
    location = "" if entry else f"/api/v1/policies/{name}"
    return write(
        request,
        caller,
        wish,
        body.address,
        allow=allow,
        reason=reason,
        location=location,
        proposer=proposer,
    )


@router.get("/schemas/manifest", operation_id="get_manifest_schema")
def get_manifest_schema(request: Request, caller: Viewer) -> dict[str, Any]:
    """JSON Schema of all manifests, for editors and forms."""
    from reconciler.manifests.json_schema import json_schema

    return json_schema()


def _users(request: Request) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {}
    for agent in server_of(request).agents.list():
        for tool in agent.reach.tools:
            users.setdefault(tool, []).append(agent.name)
    return users


def _tool(found: ToolDeclaration, users: dict[str, list[str]]) -> ToolView:
    parameters = {
        name: ParameterView(str(one.type), one.description, one.required, one.default)
        for name, one in found.parameters.items()
    }
    return ToolView(
        found.name,
        found.title,
        found.description,
        found.effect.value,
        sorted(capability.value for capability in found.capabilities),
        parameters,
        users.get(found.name, []),
    )


def _policy(address: str, digest: str, text: str) -> PolicyView:
    return PolicyView(address.partition("/")[2], digest, orjson.loads(text))

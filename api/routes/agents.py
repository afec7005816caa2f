"""Agents, static and dynamic together; the dynamic ones also by paths of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from api.auth import Author, Caller, Operator, Viewer
from api.bodies import Manifest, manifest_request
from api.conditions import Idempotent, IfMatch, etag, not_modified
from api.deprecation import tell
from api.names import AgentName
from api.paging import Cursor, Limit, Sort, page_of
from api.state import server_of
from api.wire import UNCHANGED, Page, json_response, problems
from api.writing import WRITTEN, Allow, Reason, Written, add, replace, write
from reconciler.agents.lifecycle import Status
from reconciler.agents.listing import AgentFilter, AgentRecord
from reconciler.control.proposing import Wish
from reconciler.database import records

router = APIRouter(prefix="/api/v1/agents", tags=["agents"])
AGENT = manifest_request("Agent")


@dataclass(frozen=True, slots=True)
class ReachView:
    """What an agent can do, by what its type grants."""

    tools: tuple[str, ...]
    capabilities: tuple[str, ...]
    models: tuple[str, ...]
    writes: tuple[str, ...]
    reads: tuple[str, ...]
    hosts: tuple[str, ...]
    recipients: tuple[str, ...]
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent in a list. `type` is empty for a static one; `problem` says why a static one is broken."""

    name: str
    kind: Literal["dynamic", "static"]
    type: str
    version: str
    title: str
    description: str
    owner: str
    labels: dict[str, str]
    enabled: bool
    status: Status
    deprecated: str
    sunset: str
    schedule: str
    deployed_at: str
    revision: int
    reach: ReachView
    problem: str


@dataclass(frozen=True, slots=True)
class AgentDetail(AgentLine):
    """`manifest` is null for a static agent. Values of settings that the type calls sensitive are masked."""

    manifest: dict[str, Any] | None


_SORTED_BY: dict[str, Any] = {
    "name": lambda agent: agent.name,
    "type": lambda agent: agent.type,
    "deployed_at": lambda agent: agent.deployed_at,
}


@router.get("", operation_id="list_agents")
def list_agents(
    request: Request,
    caller: Viewer,
    kind: Literal["dynamic", "static"] | None = None,
    q: Annotated[str, Query(max_length=200, description="Text in name, title or description.")] = "",
    type: Annotated[str, Query(max_length=63)] = "",  # noqa: A002 - as it is called there
    status: Status | None = None,
    enabled: bool | None = None,
    owner: Annotated[str, Query(max_length=320)] = "",
    label: Annotated[str, Query(max_length=200, description="`key` or `key=value`.")] = "",
    tool: Annotated[str, Query(max_length=63)] = "",
    sort: Sort = "name",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[AgentLine]:
    """All agents there are. Without a status those that were removed are left out."""
    wanted = AgentFilter(
        text=q, type=type, kind=kind, status=status, enabled=enabled, owner=owner, label=label, tool=tool
    )
    found = server_of(request).agents.list(wanted)
    page = page_of(
        found, by=_SORTED_BY, name=lambda a: f"{a.name} {a.kind}", sort=sort, cursor=cursor, limit=limit
    )
    return Page(items=[AgentLine(**_fields(agent)) for agent in page.items], next=page.next)


@router.post(
    "/dynamic",
    operation_id="create_dynamic_agent",
    status_code=201,
    response_model=Written,
    responses=WRITTEN | problems(409, 412, 415),
    openapi_extra=AGENT,
)
@router.post(
    "",
    operation_id="create_agent",
    status_code=201,
    response_model=Written,
    responses=WRITTEN | problems(409, 412, 415),
    openapi_extra=AGENT,
)
def create_agent(
    request: Request,
    caller: Author,
    body: Manifest,
    once: Idempotent,
    allow: Allow = [],  # noqa: B006 - FastAPI copies it
    reason: Reason = "",
) -> Response:
    """Writes the agent's YAML into the source, beside its type."""
    body.of_kind("agent")
    return once(lambda: add(request, caller, body, allow, reason))


@router.get(
    "/{id}",
    operation_id="get_agent",
    response_model=AgentDetail,
    responses=UNCHANGED | problems(404),
)
def get_agent(request: Request, caller: Viewer, name: AgentName) -> Response:
    """One agent, with its manifest."""
    state = server_of(request)
    found = state.agents.get(name)
    manifest, tag, since = _manifest(request, found)
    headers = {"ETag": tag} if tag else {}
    tell(request, found.deprecated, found.sunset, since or found.deployed_at)
    if tag and not_modified(request, tag):
        return Response(status_code=304, headers=headers)
    return json_response(AgentDetail(**_fields(found), manifest=manifest), headers=headers)


@router.put(
    "/{id}",
    operation_id="replace_agent",
    response_model=Written,
    responses=WRITTEN | problems(404, 409, 412, 415, 428),
    openapi_extra=AGENT,
)
def replace_agent(
    request: Request,
    caller: Author,
    name: AgentName,
    body: Manifest,
    if_match: IfMatch = None,
    allow: Allow = [],  # noqa: B006
    reason: Reason = "",
) -> Response:
    """Changes the YAML where it stands: comments and order around the change survive."""
    return replace(request, caller, body.of_kind("agent", name), if_match, allow, reason)


@router.post(
    "/{id}/enable",
    operation_id="enable_agent",
    response_model=Written,
    responses=WRITTEN | problems(404, 409, 412),
)
def enable_agent(request: Request, caller: Operator, name: AgentName, once: Idempotent) -> Response:
    """Writes `enabled: true` into its manifest: tasks that wait are taken up."""
    return once(lambda: _switched(request, caller, name, enabled=True))


@router.post(
    "/{id}/disable",
    operation_id="disable_agent",
    response_model=Written,
    responses=WRITTEN | problems(404, 409, 412),
)
def disable_agent(request: Request, caller: Operator, name: AgentName, once: Idempotent) -> Response:
    """Writes `enabled: false` into its manifest: tasks wait until it is enabled again."""
    return once(lambda: _switched(request, caller, name, enabled=False))


def _switched(request: Request, caller: Caller, name: str, *, enabled: bool) -> Response:
    proposer = server_of(request).proposer()
    document = proposer.document(f"agent/{name}")
    changed = {**document, "spec": {**document["spec"], "enabled": enabled}}
    wish = Wish(f"{'Enable' if enabled else 'Disable'} agent {name}", put=(changed,))
    return write(request, caller, wish, f"agent/{name}", allow=[], proposer=proposer)


def _manifest(request: Request, agent: AgentRecord) -> tuple[dict[str, Any] | None, str, str]:
    """(manifest with sensitive settings masked, ETag, when its type's live version was registered)."""
    if agent.kind == "static":
        return None, "", ""
    address = f"agent/{agent.name}"
    with server_of(request).connection() as connection:
        text = records.spec_texts(connection, [address]).get(address)
        digest = records.entries(connection).get(address, "")
        type_text = records.spec_texts(connection, [f"type/{agent.type}"]).get(f"type/{agent.type}", "{}")
        versions = records.type_versions(connection, agent.type)
    if text is None:
        return None, "", ""
    since = next((version.registered_at for version in versions if version.current), "")
    declared = orjson.loads(type_text).get("spec", {}).get("settings", {})
    return _masked(orjson.loads(text), declared), etag(digest), since


def _masked(manifest: dict[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    settings = manifest["spec"].get("settings", {})
    for name in settings:
        field = declared.get(name)
        if not isinstance(field, str) and (field is None or field.get("sensitive") or field.get("encrypted")):
            settings[name] = "***"
    return manifest


def _fields(agent: AgentRecord) -> dict[str, Any]:
    reach = agent.reach
    return {
        **{name: getattr(agent, name) for name in AgentRecord.__dataclass_fields__},
        "labels": dict(agent.labels),
        "reach": ReachView(
            reach.tools,
            tuple(sorted(reach.capabilities)),
            reach.models,
            reach.writes,
            reach.reads,
            reach.hosts,
            reach.recipients,
            reach.agents,
        ),
    }

"""Agent types: contracts with their tables, registered by YAML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.auth import Author, Operator, Viewer
from api.bodies import Manifest, manifest_request
from api.conditions import Idempotent, IfMatch, etag, not_modified
from api.deprecation import tell
from api.names import TypeName
from api.paging import Cursor, Limit, Sort, page_of
from api.state import ServerState, server_of
from api.wire import UNCHANGED, YAML, Page, also, json_response, problems
from api.writing import WRITTEN, Allow, PlanSummary, Reason, Written, add, plan_summary, replace, write
from reconciler.agents.lifecycle import Status
from reconciler.control.proposing import Wish
from reconciler.database.records import TypeVersion
from reconciler.database.records.registered import RegisteredType, registered_types
from reconciler.errors import NotFound
from reconciler.spec.agent_type import semver_key
from reconciler.spec.findings import did_you_mean

router = APIRouter(prefix="/api/v1/agent-types", tags=["types"])


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A type in a list. `deprecated` says why, `sunset` until which day; both are empty where nothing is said."""

    name: str
    version: str
    status: Status
    title: str
    description: str
    owner: str
    labels: dict[str, str]
    deprecated: str
    sunset: str
    agents: int
    registered_at: str
    revision: int
    digest: str


@dataclass(frozen=True, slots=True)
class TypeDetail(TypeLine):
    manifest: dict[str, Any]


class Deprecate(BaseModel):
    message: str = Field(min_length=1, max_length=500, examples=["use email-triage instead"])
    sunset: str | None = Field(
        None,
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        description="The day (UTC) from which on its agents take no new tasks.",
        examples=["2027-01-31"],
    )


_SORTED_BY: dict[str, Any] = {
    "name": lambda line: line.name,
    "registered_at": lambda line: line.registered_at,
    "version": lambda line: "{:06}{:06}{:06}".format(*semver_key(line.version)),
    "owner": lambda line: line.owner,
}


@router.get("", operation_id="list_agent_types")
def list_agent_types(
    request: Request,
    caller: Viewer,
    q: Annotated[str, Query(max_length=200, description="Text in name, title or description.")] = "",
    status: Annotated[Status | None, Query(description="Removed ones are `retired`.")] = None,
    owner: Annotated[str, Query(max_length=320)] = "",
    label: Annotated[str, Query(max_length=200, description="`key` or `key=value`.")] = "",
    sort: Sort = "name",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Page[TypeLine]:
    """Types that are live; with `status=retired` also those that were removed."""
    with server_of(request).connection() as connection:
        found = registered_types(connection, removed=status is Status.RETIRED)
    lines = (_line(one) for one in found)
    key, given, value = label.partition("=")
    wanted = (
        line
        for line in lines
        if q.lower() in f"{line.name}\n{line.title}\n{line.description}".lower()
        and (status is None or line.status is status)
        and (not owner or line.owner == owner)
        and (not label or (key in line.labels and (not given or line.labels[key] == value)))
    )
    return page_of(wanted, by=_SORTED_BY, name=lambda x: x.name, sort=sort, cursor=cursor, limit=limit)


@router.post(
    "",
    operation_id="create_agent_type",
    status_code=201,
    response_model=Written,
    responses=WRITTEN | problems(409, 412, 415),
    openapi_extra=manifest_request("AgentType"),
)
def create_agent_type(
    request: Request,
    caller: Author,
    body: Manifest,
    once: Idempotent,
    allow: Allow = [],  # noqa: B006 - FastAPI copies it
    reason: Reason = "",
) -> Response:
    """Writes the type's YAML into the source. Refused, before anything is written, where its plan would be."""
    body.of_kind("type")
    return once(lambda: add(request, caller, body, allow, reason))


@router.get(
    "/{type}",
    operation_id="get_agent_type",
    response_model=TypeDetail,
    responses=also(YAML) | UNCHANGED | problems(404),
)
def get_agent_type(request: Request, caller: Viewer, name: TypeName) -> Response:
    """What is live. As `application/yaml` just the manifest."""
    state = server_of(request)
    found = _found(state, name)
    line, tag = _line(found), etag(found.digest)
    headers = {"ETag": tag, "Vary": "Accept"}
    tell(request, line.deprecated, line.sunset, line.registered_at)
    if not_modified(request, tag):
        return Response(status_code=304, headers=headers)
    manifest = orjson.loads(found.spec)
    if YAML in request.headers.get("accept", ""):
        from reconciler.manifests.write import rendered

        return Response(rendered(manifest), headers=headers, media_type=YAML)
    return json_response(TypeDetail(**_fields(line), manifest=manifest), headers=headers)


@router.put(
    "/{type}",
    operation_id="replace_agent_type",
    response_model=Written,
    responses=WRITTEN | problems(404, 409, 412, 415, 428),
    openapi_extra=manifest_request("AgentType"),
)
def replace_agent_type(
    request: Request,
    caller: Author,
    name: TypeName,
    body: Manifest,
    if_match: IfMatch = None,
    allow: Allow = [],  # noqa: B006
    reason: Reason = "",
) -> Response:
    """Changes the YAML where it stands: comments and order around the change survive."""
    return replace(request, caller, body.of_kind("type", name), if_match, allow, reason)


@router.post(
    "/{type}/plan",
    operation_id="plan_agent_type",
    response_model=PlanSummary,
    responses=problems(404, 409, 415),
    openapi_extra=manifest_request("AgentType"),
)
def plan_agent_type(request: Request, caller: Viewer, name: TypeName, body: Manifest) -> Response:
    """What this body would change. Nothing is written."""
    body.of_kind("type", name)
    draft = server_of(request).proposer().draft(Wish(f"Change agent type {name}", put=(body.document,)))
    return json_response(plan_summary(draft.plan))


@router.get("/{type}/versions", operation_id="list_agent_type_versions", responses=problems(404))
def list_agent_type_versions(request: Request, caller: Viewer, name: TypeName) -> Page[TypeVersion]:
    """Every version that was ever registered, the newest first."""
    versions = list(server_of(request).agents.versions(name))
    if not versions:
        raise NotFound(f"there never was an agent type {name[:60]}")
    return Page(items=versions)


@router.post(
    "/{type}/deprecate",
    operation_id="deprecate_agent_type",
    response_model=Written,
    responses=WRITTEN | problems(404, 409, 412),
)
def deprecate_agent_type(
    request: Request,
    caller: Operator,
    name: TypeName,
    told: Deprecate,
    once: Idempotent,
) -> Response:
    """Says in the manifest why the type should no longer be used, and makes that its next patch version."""

    def work() -> Response:
        proposer = server_of(request).proposer()
        document = proposer.document(f"type/{name}")
        major, minor, patch = semver_key(document["spec"]["version"])
        said: Any = told.message if told.sunset is None else told.model_dump()
        spec = {**document["spec"], "version": f"{major}.{minor}.{patch + 1}", "deprecated": said}
        wish = Wish(f"Deprecate agent type {name}: {told.message}", put=({**document, "spec": spec},))
        return write(request, caller, wish, f"type/{name}", allow=[], proposer=proposer)

    return once(work)


def _found(state: ServerState, name: str) -> RegisteredType:
    with state.connection() as connection:
        found = registered_types(connection, name=name)
        if found:
            return found[0]
        known = [one.name for one in registered_types(connection)]
    raise NotFound(f"there is no agent type {name[:60]}", hint=did_you_mean(name[:60], known))


def _line(found: RegisteredType) -> TypeLine:
    manifest = orjson.loads(found.spec)
    spec = manifest["spec"]
    return TypeLine(
        name=found.name,
        version=found.version,
        status=_status(found),
        title=spec.get("title") or "",
        description=spec.get("description") or "",
        owner=spec.get("owner") or "",
        labels=manifest["metadata"].get("labels", {}),
        deprecated=found.deprecated,
        sunset=found.sunset,
        agents=found.agents,
        registered_at=found.registered_at,
        revision=found.revision,
        digest=found.digest,
    )


def _status(found: RegisteredType) -> Status:
    today = datetime.now(UTC).date().isoformat()
    if not found.current or (found.sunset and found.sunset <= today):
        return Status.RETIRED
    return Status.DEPRECATED if found.deprecated else Status.ACTIVE


def _fields(line: TypeLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in TypeLine.__dataclass_fields__}

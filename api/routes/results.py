"""The rows that agents wrote, in the schema of their type."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.auth import Caller, Viewer
from api.direct import NAME, DirectRoute
from api.filters import Asked, asked, row_query, summary_query
from api.names import AgentName
from api.problems import Refusal
from api.reading import Moment
from api.state import ServerState, server_of
from api.wire import JSON, dumped, problems
from reconciler.database.api_keys import Role
from reconciler.database.connection import Connection
from reconciler.database.rows.cipher import Cipher
from reconciler.database.rows.export import exported
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.queries import Listing, chosen_fields, every_row
from reconciler.database.rows.summaries import summarise
from reconciler.database.rows.targets import Target, target
from reconciler.spec.field_schema import json_schema_of

router = APIRouter(prefix="/api/v1/agents", tags=["results"])

KEPT_LENGTH = 500
"""Bytes of the longest query that is kept ready to be asked again."""

FILES: dict[str, Literal["jsonl", "csv"]] = {
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "text/csv": "csv",
}


class Rows(BaseModel):
    """`total` is there where it was asked for. With `group` or `measure` each item is a group."""

    items: list[dict[str, Any]]
    next: str | None = None
    total: int | None = None


PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": told,
        "schema": schema,
        **({"example": example} if example is not None else {}),
    }
    for name, told, schema, example in (
        (
            "model",
            "The table; default: that of the type's output.",
            {"type": "string", "maxLength": 63},
            None,
        ),
        (
            "filter",
            "`filter[FIELD]=VALUE` or `filter[FIELD][OPERATOR]=VALUE` with eq ne lt le gt ge in contains is_null.",
            {"type": "object", "additionalProperties": {"type": "string"}},
            None,
        ),
        ("sort", "Fields, `-` in front: descending. Default: -id.", {"type": "string"}, "-id"),
        ("fields", "Only these.", {"type": "string"}, None),
        ("include", "References whose rows come along, each as `FIELD__row`.", {"type": "string"}, None),
        ("group", "Count and sum up by these fields.", {"type": "string"}, None),
        ("measure", "`count`, or `sum.`, `avg.`, `min.`, `max.` and a field.", {"type": "string"}, None),
        ("limit", "", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}, 50),
        ("cursor", "The `next` of the page before.", {"type": "string"}, None),
        ("count", "Tell how many there are in all.", {"type": "boolean", "default": False}, None),
        ("deleted", "Rows that were deleted softly too.", {"type": "boolean", "default": False}, None),
    )
]
for _parameter in PARAMETERS:
    if _parameter["name"] == "filter":
        _parameter |= {"style": "deepObject", "explode": True}

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        },
        "description": "A page as JSON; as JSON Lines or CSV all rows.",
    }
}


@router.get(
    "/dynamic/{id}/results",
    operation_id="query_dynamic_agent_results",
    response_model=Rows,
    responses=_ANSWERS | problems(404),
    openapi_extra={"parameters": PARAMETERS},
)
@router.get(
    "/{id}/results",
    operation_id="query_agent_results",
    response_model=Rows,
    responses=_ANSWERS | problems(404),
    openapi_extra={"parameters": PARAMETERS},
)
async def query_results(request: Request, caller: Viewer, name: AgentName) -> Response:
    """Rows of an agent, found, sorted, cut into pages or summed up; `Accept` chooses JSON, JSON Lines or CSV."""
    state: ServerState = request.app.state.server
    query = request.scope["query_string"]
    form = _form(request.headers.get("accept", ""))
    if form is not None:
        return _file(state, caller, name, asked(query), form)
    body = await state.recall(lambda moment: _rows(moment, state.cipher(caller.role), name, query))
    return Response(body, media_type=JSON)


DIRECT = [DirectRoute("GET", f"/api/v1/agents/(?:dynamic/)?{NAME}/results", Role.VIEWER, query_results)]


@router.get("/dynamic/{id}/schema", operation_id="get_dynamic_agent_schema", responses=problems(404))
def get_schema(
    request: Request,
    caller: Viewer,
    name: AgentName,
    model: Annotated[str, Query(max_length=63, description="Default: that of the type's output.")] = "",
) -> dict[str, Any]:
    """JSON Schema of the rows."""
    state = server_of(request)
    with state.connection() as connection:
        found = _target(connection, LiveModels(connection), name, model)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": str(found.model),
        **json_schema_of(dict(found.model.fields)),
    }


def _rows(moment: Moment, cipher: Cipher, name: str, query: bytes) -> bytes:
    connection = moment.connection
    models = LiveModels(connection, cipher)
    listing = moment.known.get(("results", name, query, cipher))
    if listing is None:
        question = asked(query)
        found = _target(connection, models, name, question.model)
        if question.summary:
            items = summarise(connection, found.model, summary_query(question, found.model, found.agent))
            return dumped({"items": items, "next": None, "total": None})
        if len(query) > KEPT_LENGTH:
            listing = Listing(found.model, row_query(question, found.model, found.agent))
        else:
            listing = _listing(found.model, found.agent, query)
            moment.known["results", name, query, cipher] = listing
    got = listing.page(connection, models)
    return dumped({"items": got.rows, "next": got.next or None, "total": got.total})


@lru_cache(512)
def _listing(model: LiveModel, agent: str, query: bytes) -> Listing:
    """Kept beyond the moment, as a commit somewhere changes which model is meant, not what is asked of it."""
    return Listing(model, row_query(asked(query), model, agent))


def _file(
    state: ServerState, caller: Caller, name: str, question: Asked, form: Literal["jsonl", "csv"]
) -> Response:
    """All rows, in pieces: what is wrong with the question is told before the first of them."""
    with state.connection() as connection:
        models = LiveModels(connection, state.cipher(caller.role))
        found = _target(connection, models, name, question.model)
        query = row_query(question, found.model, found.agent)
        fields = chosen_fields(found.model, query.fields)

    def pieces() -> Iterator[str]:
        with state.connection() as connection:
            yield from exported(every_row(connection, found.model, query), fields, form)

    media = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="{found.model}.{form}"'}
    return StreamingResponse(pieces(), media_type=media, headers=headers)


def _target(connection: Connection, models: LiveModels, name: str, model: str) -> Target:
    """Raises NotFound; BadQuery where it must be said which model."""
    if "." in name:
        raise Refusal(404, "not-found", f"there is no agent {name[:60]}")
    return target(connection, models, f"{name}.{model}" if model else name)


def _form(accept: str) -> Literal["jsonl", "csv"] | None:
    if not accept or JSON in accept:
        return None
    return next((form for media, form in FILES.items() if media in accept), None)

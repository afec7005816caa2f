"""Documents about the language, and about the types that are live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.auth import Viewer
from api.names import TypeName
from api.state import server_of
from api.wire import also, json_response, problems
from reconciler import __version__
from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.documentation.document import Document
from reconciler.documentation.generator import DocumentationGenerator
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.state import Entry, State

router = APIRouter(prefix="/api/v1", tags=["documentation"])

T = TypeVar("T")

ARCHIVE = "application/gzip"
STYLED = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


class DocumentView(BaseModel):
    """The same as Markdown for people and as data for programs."""

    title: str
    markdown: str
    data: dict[str, Any]


_FORMS = also("text/markdown", "text/html")


@router.get(
    "/docs/agent-creation",
    operation_id="get_agent_creation_guide",
    response_model=DocumentView,
    responses=_FORMS,
)
def get_agent_creation_guide(request: Request, caller: Viewer) -> Response:
    """How to write an agent: the whole language."""
    from reconciler.documentation.generator import agent_creation_guide

    return _shown(request, agent_creation_guide())


@router.get(
    "/docs/frontend-integration",
    operation_id="get_frontend_integration",
    response_model=DocumentView,
    responses=_FORMS,
)
def get_frontend_integration(request: Request, caller: Viewer) -> Response:
    """How a frontend uses the types there are: client, validators and hooks."""
    from reconciler.documentation.generator import frontend_integration

    return _shown(request, about(request, lambda g: frontend_integration(g.types(), g.base_url, g.agents())))


@router.get("/docs/examples", operation_id="get_examples", response_model=DocumentView, responses=_FORMS)
def get_examples(request: Request, caller: Viewer) -> Response:
    """Worked examples of every type: command line, curl, Python, TypeScript."""
    from reconciler.documentation.generator import examples

    return _shown(request, about(request, lambda g: examples(g.types(), g.agents(), g.base_url)))


@router.get(
    "/docs/openapi.json", operation_id="get_types_openapi", responses={200: {"description": "OpenAPI 3.1."}}
)
def get_types_openapi(request: Request, caller: Viewer) -> dict[str, Any]:
    """The requests for the types there are, with schemas of their own for input, output and rows."""
    return about(request, DocumentationGenerator.openapi)


@router.get(
    "/agent-types/{type}/documentation",
    operation_id="get_agent_type_documentation",
    response_model=DocumentView,
    responses=_FORMS | problems(404),
)
def get_agent_type_documentation(request: Request, caller: Viewer, name: TypeName) -> Response:
    """The page of one type."""
    return _shown(request, about(request, lambda generator: generator.type(name)))


@router.get(
    "/docs/sdk/typescript",
    operation_id="get_typescript_sdk",
    response_class=Response,
    responses=also(ARCHIVE),
)
def get_typescript_sdk(request: Request, caller: Viewer) -> Response:
    """The npm package of the types there are, as `reconcile sdk typescript` writes it; packed with gzip."""
    from api.sdk import packed_sdk

    body = packed_sdk(about(request, DocumentationGenerator.types), __version__)
    disposition = {"Content-Disposition": 'attachment; filename="reconciler-sdk.tar.gz"'}
    return Response(body, headers=disposition, media_type=ARCHIVE)


def about(request: Request, tell: Callable[[DocumentationGenerator], T]) -> T:
    """What is told of all that is live, with this server as the address in examples."""
    base_url = str(request.base_url).rstrip("/")
    with server_of(request).connection() as connection:
        return tell(
            DocumentationGenerator(
                _live(connection), base_url=base_url, versions=lambda name: _versions(connection, name)
            )
        )


def _versions(connection: Connection, name: str) -> list[AgentType]:
    """Every version of a type that was ever registered."""
    digests = records.registered_versions(connection, [name]).values()
    found = [parse_canonical("type", one.spec) for one in records.stored_specs(connection, digests).values()]
    return [one for one in found if isinstance(one, AgentType)]


def _live(connection: Connection) -> State:
    """All that is live. Read while the connection is at hand."""
    digests = records.entries(connection)
    texts = records.spec_texts(connection, list(digests))
    return State(
        {address: Entry(digest) for address, digest in digests.items() if address in texts},
        lambda address: parse_canonical(address.partition("/")[0], texts[address]),
        text=lambda address: texts[address],
    )


def _shown(request: Request, document: Document) -> Response:
    accepted = request.headers.get("accept", "")
    if "text/html" in accepted:
        return Response(document.html(), headers={**STYLED, "Vary": "Accept"}, media_type="text/html")
    if "text/markdown" in accepted:
        return Response(document.markdown, headers={"Vary": "Accept"}, media_type="text/markdown")
    shown = {"title": document.title, "markdown": document.markdown, "data": document.data}
    return json_response(shown, headers={"Vary": "Accept"})

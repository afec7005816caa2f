"""For those who write manifests and programs: is this one right, and what may be imported to try the API."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel

from api.auth import Viewer
from api.bodies import Manifest, manifest_request
from api.problems import ProblemItem, item_of
from api.routes.documentation import about
from api.state import server_of
from api.wire import JSON, YAML, json_response, problems
from reconciler.control.proposing import Wish
from reconciler.errors import ManifestsInvalid

router = APIRouter(prefix="/api/v1")


class Verdict(BaseModel):
    """Whether a manifest is right beside all the others; `problems` are those that it would bring."""

    address: str
    valid: bool
    problems: list[ProblemItem]


@router.post(
    "/validate",
    operation_id="validate_manifest",
    tags=["catalog"],
    response_model=Verdict,
    responses=problems(415),
    openapi_extra=manifest_request("AgentType"),
)
def validate_manifest(request: Request, caller: Viewer, body: Manifest) -> Response:
    """Checks a manifest of any kind as if it stood in the source, in place of the one of its address if there is one.
    Nothing is written. What is no manifest by itself is refused with 422, and the places of what is wrong."""
    wish = Wish(f"Check {body.address}", put=(body.document,))
    wrong: tuple[ProblemItem, ...] = ()
    try:
        server_of(request).proposer().draft(wish)
    except ManifestsInvalid as error:
        wrong = tuple(map(item_of, error.problems))
    return json_response(
        {"address": body.address, "valid": not wrong, "problems": [one.model_dump() for one in wrong]}
    )


Program = Annotated[
    Literal["postman", "insomnia"], Path(description="The program that imports it.", examples=["postman"])
]


@router.get(
    "/docs/collections/{program}",
    operation_id="get_collection",
    tags=["documentation"],
    response_class=Response,
    responses={
        200: {
            "content": {JSON: {"schema": {"type": "object"}}, YAML: {"schema": {"type": "object"}}},
            "description": "A Postman collection as JSON, or one for Insomnia as YAML.",
        }
    },
)
def get_collection(request: Request, caller: Viewer, program: Program) -> Response:
    """Requests for the types and agents there are, to be imported into a program that sends them."""
    from reconciler.documentation.insomnia import insomnia_collection
    from reconciler.documentation.postman import postman_collection

    if program == "postman":
        return json_response(about(request, lambda g: postman_collection(g.types(), g.agents(), g.base_url)))
    text = about(request, lambda g: insomnia_collection(g.types(), g.agents(), g.base_url))
    return Response(text, media_type=YAML)

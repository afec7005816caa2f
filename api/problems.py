"""Errors as RFC 9457 problem details: the product's stable codes, JSON pointers, files and lines, a trace id."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from api.routing import methods_of
from reconciler.control.proposing import HazardsStop
from reconciler.errors import ManifestsInvalid, Problem, ReconcilerError
from reconciler.spec.findings import pointer

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:reconciler:problem:"

_log = logging.getLogger("reconciler.api")


class ProblemItem(BaseModel):
    """One thing that is wrong. `pointer` leads into the body or names a parameter; the place is of YAML."""

    code: str
    message: str
    pointer: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""


class ProblemDetails(BaseModel):
    type: str = Field(examples=["urn:reconciler:problem:not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["not-found"])
    detail: str = Field(examples=["there is no agent `inbox`"])
    hint: str = ""
    trace_id: str = Field("", examples=["4bf92f3577b34da6a3ce929d0e0e4736"])
    errors: list[ProblemItem] = Field(default_factory=list)
    plan_id: str | None = Field(None, description="Of the plan that hazards stop.")
    hazards: list[dict[str, Any]] | None = Field(
        None, description="What stops a change, and what else it risks."
    )
    allow: list[str] | None = Field(None, description="What to send as `allow` to let the hazards pass.")


class Refusal(ReconcilerError):
    """An error that only HTTP knows: of its conventions, not of the product."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        hint: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code  # type: ignore[misc]  # of the class elsewhere; here each has its own
        self.headers = dict(headers or {})


def problem_document(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    trace_id: str = "",
    errors: tuple[ProblemItem, ...] = (),
    **extension: Any,
) -> bytes:
    """The JSON of a problem. `extension` are members that only some problems have."""
    return orjson.dumps(
        {
            "type": TYPE_PREFIX + code,
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            "hint": hint,
            "trace_id": trace_id,
            "errors": [item.model_dump() for item in errors],
            **extension,
        }
    )


def problem_response(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    errors: tuple[ProblemItem, ...] = (),
    headers: Mapping[str, str] | None = None,
    **extension: Any,
) -> Response:
    trace_id = getattr(request.state, "trace_id", "")
    body = problem_document(status, code, detail, hint=hint, trace_id=trace_id, errors=errors, **extension)
    return Response(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every way a request can fail, in one form."""

    @app.exception_handler(ReconcilerError)
    def told(request: Request, error: ReconcilerError) -> Response:
        status = error.status if isinstance(error, Refusal) else error.http_status
        if status >= 500:
            _log.warning(
                "%s: %s", error.code, error.message, extra={"code": error.code, "where": error.where}
            )
        headers = error.headers if isinstance(error, Refusal) else None
        return problem_response(
            request,
            status,
            error.code,
            error.message,
            hint=error.hint,
            errors=items_of(error),
            headers=headers,
        )

    @app.exception_handler(HazardsStop)
    def stopped(request: Request, error: HazardsStop) -> Response:
        from reconciler.plans.render.json_document import hazard_document

        return problem_response(
            request,
            error.http_status,
            error.code,
            error.message,
            hint=error.hint,
            plan_id=error.plan.id,
            hazards=[hazard_document(hazard) for hazard in error.plan.hazards],
            allow=[
                f"{hazard.code}:{hazard.object}" for hazard in error.stops if hazard.severity == "confirm"
            ],
        )

    @app.exception_handler(ClientDisconnect)
    def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # which nobody reads

    @app.exception_handler(RequestValidationError)
    def misshapen(request: Request, error: RequestValidationError) -> Response:
        items = tuple(
            ProblemItem(
                code=str(found["type"]), message=str(found["msg"]), pointer=pointer(tuple(found["loc"]))
            )
            for found in error.errors()
        )
        return problem_response(
            request, 422, "invalid-request", "the request is not as documented", errors=items
        )

    @app.exception_handler(HTTPException)
    def routed(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(methods_of(app, request.url.path))
        return problem_response(request, error.status_code, code, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        # Said to the log, never to the caller: nobody knows what such a message holds.
        _log.error("request failed", exc_info=error)
        detail = "something went wrong inside; the log has it under this trace id"
        return problem_response(request, 500, "internal", detail)


def items_of(error: ReconcilerError) -> tuple[ProblemItem, ...]:
    if isinstance(error, ManifestsInvalid):
        return tuple(item_of(problem) for problem in error.problems)
    return (ProblemItem(code=error.code, message=error.message, pointer=error.where),) if error.where else ()


def item_of(problem: Problem) -> ProblemItem:
    return ProblemItem(
        code=problem.code,
        message=problem.message,
        pointer=problem.pointer,
        file=problem.file,
        line=problem.line,
        column=problem.column,
        hint=problem.hint,
    )

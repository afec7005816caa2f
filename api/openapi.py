"""The OpenAPI document: what FastAPI derives, with roles, keys and every failure as it really is."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.routing import role_of, routes_of
from api.wire import JSON, MEANING
from reconciler.database.api_keys import Role

METHODS = ("get", "put", "post", "delete", "patch")
ALWAYS = (400, 413, 422, 429, 500, 503, 504)
"""What any request may be answered with."""
WITH_KEY = (401, 403)
_PROBLEM = {"$ref": "#/components/schemas/ProblemDetails"}


def install(app: FastAPI) -> None:
    """Has the application describe itself so, once it is asked."""
    made: dict[str, Any] = {}

    def describe() -> dict[str, Any]:
        if not made:
            made.update(_described(app))
        return made

    app.openapi = describe  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
    )
    roles = {route.operation_id: role_of(route) for route in routes_of(app)}
    for operations in document["paths"].values():
        for method in METHODS:
            if method in operations:
                _complete(operations[method], roles.get(operations[method]["operationId"]))
    components = document.setdefault("components", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(unused, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer rk_...`"},
        "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    }
    return document


def _complete(operation: dict[str, Any], role: Role | None) -> None:
    answers = operation["responses"]
    if answers.get("422", {}).get("description") == "Validation Error":
        del answers["422"]
    for status in ALWAYS + (WITH_KEY if role is not None else ()):
        answers.setdefault(str(status), {"description": MEANING[status]})
    for status, answer in answers.items():
        if int(status) >= 400:
            answer["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
        elif not answer.get("content", {}).get(JSON, {"schema": 1}):
            answer["content"].pop(JSON)
    operation["responses"] = dict(sorted(answers.items()))
    if role is not None:
        operation["x-role"] = role.value
        operation["security"] = [{"bearer": []}, {"header": []}]

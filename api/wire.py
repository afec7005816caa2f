"""What goes over the wire: JSON as texts of it, pages, and what a route says of its failures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Generic, TypeVar

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

from api.problems import MEDIA_TYPE, ProblemDetails

JSON = "application/json"
YAML = "application/yaml"

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you saw it."}}

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Some of a list. `next` is the cursor of what follows, null at the end."""

    items: list[T]
    next: str | None = None


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """What is sent as it is, past every check: who uses it keeps to what the route declares."""
    return Response(dumped(value), status, headers, JSON)


def dumped(value: Any) -> bytes:
    """Compact; decimals are texts of their digits, dataclasses objects."""
    return orjson.dumps(value, default=_plain)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route can fail with besides what all can: for its `responses`."""
    return {status: problem(status) for status in statuses}


def also(*media: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Media types in which a route answers besides JSON: for its `responses`."""
    return {status: {"content": {one: {"schema": {"type": "string"}} for one in media}}}


def problem(status: int) -> dict[str, Any]:
    return {"model": ProblemDetails, "description": MEANING[status], "content": {MEDIA_TYPE: {}}}


MEANING = {
    400: "The request makes no sense.",
    401: "No key, or not one that is in use.",
    403: "The key's role is not enough, or what was asked for is not granted.",
    404: "There is no such thing.",
    406: "It cannot be told in any of the accepted media types.",
    408: "The request took too long to arrive.",
    409: "It contradicts what is there, or somebody else is at it.",
    412: "It has changed since it was read.",
    413: "The body is too large.",
    415: "The body is of no media type that is understood here.",
    422: "It was understood, and is wrong: `errors` says where.",
    424: "Something it relies on is not there.",
    428: "Say what you saw: `If-Match`.",
    429: "Too many requests, or too many wrong keys.",
    500: "Something went wrong inside.",
    502: "A task or a service failed.",
    503: "The database, or the source, is out of reach.",
    504: "It took too long.",
}


class Message(BaseModel):
    """What was done, for people."""

    message: str = Field(examples=["done"])


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")

"""Bodies: JSON or YAML in, with the place of whatever is wrong in them."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import Request

from api.problems import Refusal
from reconciler.errors import ManifestsInvalid

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
BODY = "body"
"""What problems call the file that a request's body is."""


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def manifest_of(request: Request) -> dict[str, Any]:
    """The one manifest that the body is, as a plain mapping. Raises ManifestsInvalid, Refusal.

    A JSON body goes through the same reader as YAML: it is YAML, with the same limits and the same places.
    """
    kind = media_type(request)
    if kind not in (*YAML_TYPES, "application/json", ""):
        raise Refusal(
            415,
            "unsupported-media-type",
            f"a manifest is sent as application/yaml or application/json, not as {kind[:100]}",
            headers={"Accept": "application/yaml, application/json"},
        )
    return parsed(await request.body())


def parsed(data: bytes) -> dict[str, Any]:
    """The one document of a text. Raises ManifestsInvalid."""
    from reconciler.manifests.document import read

    reading = read(data, BODY)
    if reading.problems:
        raise ManifestsInvalid(tuple(reading.problems))
    if len(reading.documents) != 1:
        raise Refusal(
            422, "one-manifest", f"the body holds {len(reading.documents)} manifests; send exactly one"
        )
    return reading.documents[0].value


async def json_of(request: Request) -> Any:
    """The body as JSON. Raises Refusal."""
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "not-json", f"the body is not JSON: {error}") from None

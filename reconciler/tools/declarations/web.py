"""HTTP requests within the granted hosts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_fields
from reconciler.expressions.template import has_expression
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import Finding
from reconciler.spec.hosts import HostPattern, parse_host
from reconciler.tools.base import (
    Capability,
    EffectClass,
    Parameter,
    Surroundings,
    ToolDeclaration,
    result_field,
)
from reconciler.tools.fields import declared_fields

_AUTHORITY = re.compile(r"^\s*(?P<scheme>[^:/?#{]*)://(?P<authority>[^/?#]*)")
_PORTS = {"http": 80, "https": 443}
_BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8000}")
_OWN_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "accept-encoding", "expect"),
        *("connection", "keep-alive", "te", "trailer", "upgrade"),
    }
)
"""Headers that belong to the connection, not to who uses it."""

_RESPONSE = {
    "status": result_field(FieldType.INTEGER, "Status code."),
    "headers": result_field(FieldType.JSON, "Headers, names in lower case."),
    "body": result_field(FieldType.TEXT, "The body as text."),
    "json": result_field(FieldType.JSON, "The body parsed, where it is JSON.", optional=True),
    "base64": result_field(FieldType.BINARY, "The body where it is no text.", optional=True),
}


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    response = shape_of_fields(_RESPONSE)
    fields = declared_fields(parameters.get("output"))
    return (
        replace(response, fields={**(response.fields or {}), "json": shape_of_fields(fields)})
        if fields
        else response
    )


def _check(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    url, method = parameters.get("url"), parameters.get("method") or "GET"
    if isinstance(url, str):
        yield from _check_url(url, surroundings)
    if "body" in parameters and method in ("GET", "HEAD"):
        yield Finding(
            "parameter-without-effect",
            f"a {method} request has no body",
            ("body",),
            f"use {', '.join(_BODY_METHODS)}",
        )
    headers = parameters.get("headers")
    if isinstance(headers, Mapping):
        yield from _check_headers(headers)
    yield from _check_token(parameters)


def _check_token(parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Which networks the operator has opened is not known before it is tried."""
    url, headers = parameters.get("url"), parameters.get("headers")
    named = [*headers] if isinstance(headers, Mapping) else []
    if not (isinstance(url, str) and url.strip().lower().startswith("http://")):
        return
    if parameters.get("token_secret") or any(name.lower() == "authorization" for name in named):
        yield Finding(
            "token-unencrypted",
            "a token is sent over http only within networks that the operator has opened",
            ("url",),
            "use https",
            "warning",
        )


def _check_headers(headers: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in headers.items():
        if reason := header_name_problem(name):
            yield Finding("bad-header", f"`{name}` {reason}", ("headers", name), at_key=True)
        elif not (isinstance(value, str) and has_expression(value)) and (
            reason := header_value_problem(value)
        ):
            yield Finding("bad-header", reason, ("headers", name))


def header_name_problem(name: str) -> str:
    """Why a request cannot set a header; empty if it can."""
    if not _HEADER_NAME.fullmatch(name):
        return "is no name of a header"
    own = name.lower() in _OWN_HEADERS or name.lower().startswith("proxy-")
    return "is set by the tool itself" if own else ""


def header_value_problem(value: Any) -> str:
    """Why something cannot be the value of a header; empty if it can. None leaves the header out."""
    if isinstance(value, (dict, list)):
        return "must be a text"
    if isinstance(value, str) and not _HEADER_VALUE.fullmatch(value.strip()):
        return "must be one line of at most 8,000 characters of Latin-1"
    return ""


def _check_url(url: str, surroundings: Surroundings) -> Iterator[Finding]:
    if url.lstrip().startswith("{{"):
        return
    found = _AUTHORITY.match(url)
    if found is None or found["scheme"].lower() not in _PORTS:
        yield Finding("bad-url", "must be an address that begins with https:// or http://", ("url",))
        return
    authority = found["authority"]
    if "{{" in authority:
        return
    if "@" in authority:
        yield Finding(
            "bad-url", "an address must not hold a user name or password", ("url",), "use `token_secret`"
        )
        return
    host = parse_host(authority)
    if host is None or host.subdomains:
        yield Finding("bad-url", f"`{authority}` is no host", ("url",))
        return
    reached = replace(host, port=host.port or _PORTS[found["scheme"].lower()])
    if surroundings.grant is not None and not _granted(reached, surroundings.grant.hosts or []):
        hint = "add it to `hosts` of the grant of `http_request`"
        yield Finding("host-not-granted", f"the host `{authority}` is not granted", ("url",), hint)


def _granted(host: HostPattern, granted: list[str]) -> bool:
    return any(pattern.covers(host) for text in granted if (pattern := parse_host(text)))


HTTP_REQUEST = ToolDeclaration(
    name="http_request",
    title="HTTP request",
    description=(
        "Calls an address of a granted host. Addresses inside the own network are refused. An answer with the status "
        "429 fails as `rate_limited`, with 5xx as `unavailable`; any other is a result. An answer has at most 5 MiB, "
        "or what `limits: {bytes: ...}` of the grant says."
    ),
    effect=EffectClass.EXTERNAL,
    implementation="reconciler.tools.http_request:HttpRequestTool",
    capabilities=frozenset({Capability.NETWORK}),
    parameters={
        "method": Parameter(
            FieldType.ENUM, "Default GET.", default="GET", values=("GET", "HEAD", *_BODY_METHODS), static=True
        ),
        "url": Parameter("template", "Where to.", required=True),
        "headers": Parameter("mapping", "Name -> value."),
        "query": Parameter("mapping", "Parameters added to the address."),
        "body": Parameter("any", "A text is sent as it is, anything else as JSON."),
        "token_secret": Parameter(
            "secret", "Secret sent as the bearer token, over https or within an opened network.", static=True
        ),
        "output": Parameter(
            "fields", "What the JSON of the answer holds; another answer is an error.", static=True
        ),
    },
    result=_result,
    check=_check,
)

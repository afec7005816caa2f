"""http_request: calls an address of a granted host, and follows where it leads as far as that is granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.errors import (
    BadParameter,
    BudgetExceeded,
    Denied,
    ExpressionError,
    InvalidOutput,
    RateLimited,
    Unavailable,
)
from reconciler.expressions.values import to_json, to_text
from reconciler.tools.declarations.web import HTTP_REQUEST, header_name_problem, header_value_problem
from reconciler.tools.http_address import HttpAddress, parse_address, redirected
from reconciler.tools.http_content import decoded
from reconciler.tools.http_exchange import Bounds, HttpAnswer, HttpRequest, exchange
from reconciler.tools.tool import Tool, ToolContext

MOST_BYTES = 5 * 2**20
"""Of one answer, where the grant does not say."""

REDIRECTS = 5
_REDIRECTING = frozenset({301, 302, 303, 307, 308})

_HARMLESS = frozenset(["accept", "accept-language", "content-type", "user-agent"])
"""Headers that may go to another host after a redirect. Any other may be a key."""


class HttpRequestTool(Tool):
    """An answer is a result whatever its status, but for those after which trying again may help: 429 is RateLimited,
    5xx is Unavailable."""

    declaration = HTTP_REQUEST
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        request = _request(context, params)
        bounds = Bounds(context.deadline, _bytes_left(context))
        for _ in range(REDIRECTS + 1):
            answer = exchange(request, context.network, context.grant.hosts or [], bounds)
            context.usage.bytes += len(request.body or b"") + len(answer.body)
            _check_status(answer, request.address)
            following = _following(request, answer)
            if following is None:
                return decoded(answer, request.address, params.get("output"))
            request, bounds = following, replace(bounds, most=_bytes_left(context))
        raise InvalidOutput(f"`{request.address.origin}` leads from one address to the next without end")


def _bytes_left(context: ToolContext) -> int:
    limits = context.grant.limits
    if limits is None or limits.bytes is None:
        return MOST_BYTES
    left = limits.bytes - context.usage.bytes
    if left <= 0:
        raise BudgetExceeded(f"a task may move at most {limits.bytes:,} bytes with `http_request`")
    return left


# --- the request -------------------------------------------------------------------------------------


def _request(context: ToolContext, params: Mapping[str, Any]) -> HttpRequest:
    method, given = params["method"], params.get("body")
    if given is not None and method in ("GET", "HEAD"):
        raise _bad(context, "body", f"a {method} request has no body")
    try:
        address = parse_address(params["url"].strip(), [*_query(context, params.get("query", {}))])
    except ValueError as error:
        raise _bad(context, "url", str(error)) from None
    headers = dict(_headers(context, params.get("headers", {})))
    body = None
    if given is not None:
        body, kind = _body(context, given)
        headers.setdefault("content-type", kind)
    if name := params.get("token_secret"):
        headers["authorization"] = f"Bearer {_token(context, name)}"
    return HttpRequest(method, address, headers, body)


def _query(context: ToolContext, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, (dict, list)):
                raise _bad(context, f"query/{name}", "must be a text, a number, or a list of them")
            if item is not None:
                yield name, to_text(item)


def _headers(context: ToolContext, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if reason := header_name_problem(name) or header_value_problem(value):
            raise _bad(context, f"headers/{name}", reason)
        if value is not None:
            yield name.lower(), to_text(value).strip()


def _body(context: ToolContext, given: Any) -> tuple[bytes, str]:
    if isinstance(given, str):
        return given.encode(), "text/plain; charset=utf-8"
    try:
        return to_json(given).encode(), "application/json"
    except ExpressionError as error:
        raise _bad(context, "body", error.message) from error


def _token(context: ToolContext, name: str) -> str:
    token = context.secret(name).strip()
    if not token.isascii() or not token.isprintable():
        raise _bad(
            context, "token_secret", "the secret cannot be sent as a token: it is not one line of ASCII"
        )
    return token


def _bad(context: ToolContext, place: str, reason: str) -> BadParameter:
    return BadParameter(f"/{place}: {reason}", where=f"{context.step}/with/{place}")


# --- the answer --------------------------------------------------------------------------------------


def _check_status(answer: HttpAnswer, address: HttpAddress) -> None:
    refusal: RateLimited | Unavailable
    if answer.status == 429:
        refusal = RateLimited(f"`{address.origin}` answered 429: too many requests")
    elif answer.status >= 500:
        refusal = Unavailable(f"`{address.origin}` answered {answer.status}")
    else:
        return
    wait = answer.headers.get("retry-after", "")
    if wait.isascii() and wait.isdigit() and len(wait) < 7:
        refusal.retry_after, refusal.hint = float(wait), f"it asks to wait {wait} seconds"
    raise refusal


def _following(request: HttpRequest, answer: HttpAnswer) -> HttpRequest | None:
    """The request that a redirect asks for; None where the answer is no redirect. Its host is checked when it is
    connected to, as any."""
    location = answer.headers.get("location")
    if answer.status not in _REDIRECTING or not location:
        return None
    try:
        address = redirected(request.address, location)
    except ValueError as error:
        raise Denied(f"`{request.address.origin}` leads to an address that {error}") from None
    if request.address.scheme == "https" and address.scheme != "https":
        raise Denied(f"`{request.address.origin}` leads to an address without TLS")
    method, body, headers = request.method, request.body, dict(request.headers)
    if (answer.status == 303 and method != "HEAD") or (answer.status in (301, 302) and method == "POST"):
        method, body = "GET", None
        headers.pop("content-type", None)
    if address.origin != request.address.origin:
        headers = {name: value for name, value in headers.items() if name in _HARMLESS}
    return HttpRequest(method, address, headers, body)

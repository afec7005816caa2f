"""Around every request: trace context, Host, sizes, and headers that browsers heed. Plain ASGI, as each costs every
request."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.config import ServeConfig
from api.problems import MEDIA_TYPE, TYPE_PREFIX

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_log = logging.getLogger("reconciler.api.access")

SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]


class Gate:
    """The outermost layer. Refuses what need not be looked at: foreign hosts and bodies that are too large."""

    def __init__(self, app: ASGIApp, config: ServeConfig) -> None:
        self._app = app
        self._hosts = {host.lower().encode() for host in config.hosts}
        self._max_body = config.max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        found = _TRACEPARENT.fullmatch(headers.get(b"traceparent", b""))
        trace_id = found[1].decode() if found else secrets.token_hex(16)
        extra: list[tuple[bytes, bytes]] = []
        scope.setdefault("state", {}).update(trace_id=trace_id, headers=extra)
        sender = _Sender(send, trace_id, extra)
        started = time.perf_counter()
        try:
            await self._checked(scope, headers, receive, sender)
        finally:
            if _log.isEnabledFor(logging.INFO):
                _told(scope, sender.status, time.perf_counter() - started, trace_id)

    async def _checked(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: _Sender
    ) -> None:
        host = headers.get(b"host", b"").rsplit(b":", 1)[0].strip(b"[]").lower()
        if host not in self._hosts and b"*" not in self._hosts:
            await send.problem(421, "unknown-host", "this server does not answer for that Host")
            return
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body:
            await send.problem(413, "body-too-large", f"a body has at most {self._max_body} bytes")
            return
        await self._app(scope, _Bounded(receive, self._max_body), send)


class _Bounded:
    """A body without a declared length is counted as it comes."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                from api.problems import Refusal

                raise Refusal(413, "body-too-large", "the body is too large")
        return message


class _Sender:
    """Adds the headers all answers have, and `extra`: those that were decided on meanwhile."""

    def __init__(self, send: Send, trace_id: str, extra: list[tuple[bytes, bytes]]) -> None:
        self._send, self._trace_id, self._extra = send, trace_id, extra
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in SECURITY_HEADERS if pair[0] not in present]
            headers += self._extra
            headers.append((b"x-trace-id", self._trace_id.encode()))
        await self._send(message)

    async def problem(self, status: int, code: str, detail: str) -> None:
        from http import HTTPStatus

        document: dict[str, Any] = {
            "type": TYPE_PREFIX + code,
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            "hint": "",
            "trace_id": self._trace_id,
            "errors": [],
        }
        body = orjson.dumps(document)
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _told(scope: Scope, status: int, seconds: float, trace_id: str) -> None:
    # The path without its query: filters may hold what is nobody's business.
    _log.info(
        "%s %s %d %.1f ms",
        scope["method"],
        scope["path"],
        status,
        seconds * 1000,
        extra={"trace_id": trace_id, "status": status},
    )

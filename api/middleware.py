"""Around every request: trace context, Host, sizes, times, and headers that browsers heed. Plain ASGI, as each costs
every request."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.config import ServeConfig
from api.metrics import ServerMetrics
from api.problems import MEDIA_TYPE, Refusal, problem_document

SLOW = 1.0
"""Seconds from which on a request is worth a line of the log, whatever came of it."""
IMPORTS = "/api/v1/imports"
"""Where bodies are files."""
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
_SINGLE = (b"host", b"authorization", b"x-api-key", b"content-length", b"content-type")
"""Headers that come once: of two, one reader would believe the first and another one the second."""
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_log = logging.getLogger("reconciler.api.access")


class Gate:
    """The outermost layer. Refuses what need not be looked at, and ends what takes too long."""

    def __init__(self, app: ASGIApp, config: ServeConfig, metrics: ServerMetrics) -> None:
        self._app, self._metrics = app, metrics
        self._hosts = {host.lower().encode() for host in config.hosts}
        self._max_body, self._max_import = config.max_body, config.max_import
        self._timeout, self._log_all = config.timeout, config.access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        found = _TRACEPARENT.fullmatch(headers.get(b"traceparent", b""))
        trace_id = found[1].decode() if found else secrets.token_hex(16)
        extra: list[tuple[bytes, bytes]] = []
        scope.setdefault("state", {}).update(trace_id=trace_id, headers=extra)
        answer = _Answer(send, trace_id, extra)
        most = self._max_import if scope["path"].startswith(IMPORTS) else self._max_body
        has_body = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        body = _Body(receive, most, complete=not has_body)
        started = time.perf_counter()
        deadline = asyncio.get_running_loop().call_later(self._timeout, _too_late, answer, body)
        try:
            refusal = self._refusal(scope, headers, most)
            if refusal is not None:
                await answer.refuse(refusal)
            else:
                await self._app(scope, body, answer)
        finally:
            deadline.cancel()
            self._told(scope, answer.status, (answer.begun or time.perf_counter()) - started, trace_id)

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes], most: int) -> Refusal | None:
        if len(headers) != len(scope["headers"]):
            names = [name for name, _ in scope["headers"]]
            repeated = [name.decode() for name in _SINGLE if names.count(name) > 1]
            if repeated:
                return Refusal(400, "repeated-header", f"the header {repeated[0]} is there twice")
        host = _name(headers.get(b"host", b""))
        if host not in self._hosts and b"*" not in self._hosts:
            return Refusal(421, "unknown-host", "this server does not answer for that Host")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 12 or int(length) > most:
            return _too_large(most)
        return None

    def _told(self, scope: Scope, status: int, seconds: float, trace_id: str) -> None:
        self._metrics.answered(scope["method"], status, seconds)
        if self._log_all or status >= 500 or seconds > SLOW:
            # As it was sent, so that it stays on one line; without its query, which may hold what is nobody's business.
            path = scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "backslashreplace")
            _log.info("%s %s %d %.1f ms %s", scope["method"], path, status, seconds * 1000, trace_id)


class _Body:
    """A body without a declared length is counted as it comes. `complete` once all of it is there."""

    def __init__(self, receive: Receive, most: int, *, complete: bool) -> None:
        self._receive, self._most, self._left = receive, most, most
        self.complete = complete

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self._left < 0:
                raise _too_large(self._most)
        return message


class _Answer:
    """Adds the headers all answers have, and `extra`: those that were decided on meanwhile. `begun` is when the answer
    did: how long a stream then lasts tells nothing."""

    def __init__(self, send: Send, trace_id: str, extra: list[tuple[bytes, bytes]]) -> None:
        self._send, self._trace_id, self._extra = send, trace_id, extra
        self._given_up = False
        self.status = 0
        self.begun = 0.0

    async def __call__(self, message: Message) -> None:
        if not self._given_up:
            await self._pass(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answers instead of the application."""
        body = problem_document(
            refusal.status, refusal.code, refusal.message, hint=refusal.hint, trace_id=self._trace_id
        )
        head = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),  # what is left of the request is not read
        ]
        await self._pass({"type": "http.response.start", "status": refusal.status, "headers": head})
        await self._pass({"type": "http.response.body", "body": body})

    async def give_up(self, refusal: Refusal) -> None:
        """Answers now, and lets whatever the application says later go nowhere."""
        self._given_up = True
        await self.refuse(refusal)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.begun = message["status"], time.perf_counter()
            headers = message.setdefault("headers", [])
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in SECURITY_HEADERS if pair[0] not in present]
            headers += self._extra
            headers.append((b"x-trace-id", self._trace_id.encode()))
        await self._send(message)


def _too_late(answer: _Answer, body: _Body) -> None:
    if answer.status:  # it has begun, and may go on: a stream, or a file that is read slowly
        return
    if body.complete:
        refusal = Refusal(
            504, "too-slow", "it took too long", hint="it may still be done: look before you repeat it"
        )
    else:
        refusal = Refusal(408, "body-too-slow", "the body took too long to arrive")
    _late.add(task := asyncio.ensure_future(answer.give_up(refusal)))
    task.add_done_callback(_late.discard)


_late: set[asyncio.Future[None]] = set()
"""Answers on their way: the event loop itself holds tasks only weakly."""


def _too_large(most: int) -> Refusal:
    return Refusal(413, "body-too-large", f"a body has at most {most:,} bytes")


def _name(host: bytes) -> bytes:
    """The host without its port; an IPv6 address without brackets."""
    if host.startswith(b"["):
        return host[1:].partition(b"]")[0].lower()
    return host.partition(b":")[0].lower()

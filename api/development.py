"""What only a server for developers has: answers made slow or wrong on purpose, so that its callers can be tried out.

One request says it by headers: `X-Dev-Latency: 300` (milliseconds), `X-Dev-Fault: 503` (a status, or `cut`: the answer
ends in its middle). All requests, until they are told otherwise: `PUT /dev/switches`. No key is needed for that.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from threading import Lock

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import MEDIA_TYPE, problem_document

PATH = "/dev/switches"
CUT = "cut"
LONGEST = 60_000
"""Milliseconds that an answer may be held back."""
_FAULT = re.compile("[45][0-9]{2}|cut")


class Switches(BaseModel, extra="forbid"):
    """`latency` in milliseconds, of every answer; `faults` is the share of answers that go wrong, as `fault` says."""

    latency: int = Field(0, ge=0, le=LONGEST)
    faults: float = Field(0.0, ge=0, le=1)
    fault: str = Field("503", pattern=f"^({_FAULT.pattern})$")


@dataclass(frozen=True, slots=True)
class _Trouble:
    latency: int
    fault: str


class Troubles:
    """A layer around the API. `seed`: the same requests meet the same faults."""

    def __init__(self, app: ASGIApp, switches: Switches, seed: int = 0) -> None:
        self._app, self.switches = app, switches
        self._random, self._lock = Random(seed), Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == PATH:
            await self._switch(scope, receive, send)
        else:
            await self._troubled(self._trouble(scope), scope, receive, send)

    async def _troubled(self, trouble: _Trouble, scope: Scope, receive: Receive, send: Send) -> None:
        if trouble.latency:
            await asyncio.sleep(trouble.latency / 1000)
        if trouble.fault == CUT:
            await self._app(scope, receive, _Cut(send))
        elif trouble.fault:
            detail = "the development server was asked to fail here"
            body = problem_document(int(trouble.fault), "asked-for", detail, hint=f"see {PATH}")
            await _answer(send, int(trouble.fault), body, MEDIA_TYPE)
        else:
            await self._app(scope, receive, send)

    def _trouble(self, scope: Scope) -> _Trouble:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        latency, fault = headers.get(b"x-dev-latency", ""), headers.get(b"x-dev-fault", "")
        switches = self.switches
        if not scope["path"].startswith("/api/"):
            switches = Switches()  # the console itself, and what asks whether the server lives
        with self._lock:
            struck = self._random.random() < switches.faults
        return _Trouble(
            min(int(latency), LONGEST) if re.fullmatch("[0-9]{1,6}", latency) else switches.latency,
            fault if _FAULT.fullmatch(fault) and _is_status(fault) else switches.fault if struck else "",
        )

    async def _switch(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "PUT":
            try:
                self.switches = Switches.model_validate_json(await _body(receive))
            except ValidationError as error:
                detail = "; ".join(
                    f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
                )
                await _answer(send, 422, problem_document(422, "invalid-request", detail), MEDIA_TYPE)
                return
        await _answer(send, 200, orjson.dumps(self.switches.model_dump()), "application/json")


class _Cut:
    """Passes half of the first piece of an answer on, and then nothing: its end never comes, and the server closes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._over = False

    async def __call__(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.body":
            self._over = True
            body = message.get("body", b"")
            message = {"type": message["type"], "body": body[: len(body) // 2], "more_body": True}
        await self._send(message)


def _is_status(fault: str) -> bool:
    return fault == CUT or fault in {str(status.value) for status in HTTPStatus}


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body") or len(body) > 10_000:
            return body


async def _answer(send: Send, status: int, body: bytes, media: str) -> None:
    headers = [
        (b"content-type", media.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"access-control-allow-origin", b"*"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

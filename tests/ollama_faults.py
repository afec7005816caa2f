"""Everything that can go wrong with an Ollama server, done to one request."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from threading import Event
from typing import Protocol

from tests.ollama_protocol import Answer, Request, line_of, part_of, stream_of


class Fault(StrEnum):
    """What may happen instead of an answer. Those of the first group come before the status line."""

    HANG = "hang"
    """Accepts the request and says nothing."""
    DROP = "drop"
    """Closes the connection at once."""
    SLOW_HEADERS = "slow_headers"
    """The head of the response comes byte by byte."""

    NOT_FOUND = "not_found"
    BUSY = "busy"
    RATE_LIMITED = "rate_limited"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    BROKEN = "broken"
    """500 with an error in words."""
    OUT_OF_MEMORY = "out_of_memory"
    ODD_ERROR = "odd_error"
    """An error whose body is no object."""
    GATEWAY = "gateway"
    """502 from something else than Ollama, in HTML."""
    GATEWAY_LATE = "gateway_late"
    NO_OLLAMA = "no_ollama"
    """404 from something else than Ollama."""
    REDIRECT = "redirect"

    TRICKLE = "trickle"
    """The stream comes byte by byte, each of them in time."""
    STALL = "stall"
    """The stream stops half-way; the connection stays."""
    CUT = "cut"
    """The connection is closed half-way."""
    NO_DONE = "no_done"
    """The stream ends properly, but without `done`."""
    HALF_LINE = "half_line"
    """The stream ends properly in the middle of a line."""
    ERROR_MIDWAY = "error_midway"
    BUSY_MIDWAY = "busy_midway"
    GARBAGE = "garbage"
    """A line that is no JSON."""
    NO_OBJECT = "no_object"
    """A line that is JSON, but no object."""
    OTHER_SHAPE = "other_shape"
    """An object, but without a message."""
    ENDLESS_LINE = "endless_line"
    TOOL_CALL = "tool_call"
    """The model calls a tool, though it was offered none."""
    LENGTH = "length"
    """`done_reason` is `length`: the model ran out of tokens."""


class Responding(Protocol):
    """One connection, with a request that waits for its response. `stopping` is set when the server stops."""

    stopping: Event

    def send(self, status: HTTPStatus, body: bytes, kind: str, **headers: str) -> None: ...

    def answer(self, request: Request, answer: Answer) -> None: ...

    def begin_stream(self) -> None: ...

    def chunk(self, data: bytes) -> None: ...

    def end_stream(self) -> None: ...

    def raw(self, data: bytes) -> None: ...

    def hang_up(self) -> None: ...


def fail(handler: Responding, request: Request, fault: Fault) -> None:
    if fault in _REFUSALS:
        status, body = _REFUSALS[fault]
        location = {"Location": "http://127.0.0.1:9/api/chat"} if fault is Fault.REDIRECT else {}
        handler.send(HTTPStatus(status), body, "application/json", **location)
    elif fault is Fault.LENGTH:
        handler.answer(request, Answer('{"category": "bu', done_reason="length"))
    elif fault is Fault.HANG:
        handler.stopping.wait()
        handler.hang_up()
    elif fault is Fault.DROP:
        handler.hang_up()
    elif fault is Fault.SLOW_HEADERS:
        _drip(handler, b"HTTP/1.1 200 OK\r\nX-Patience: " + b"x" * 1000)
    else:
        _fail_midway(handler, request, fault)


def _fail_midway(handler: Responding, request: Request, fault: Fault) -> None:
    handler.begin_stream()
    if fault is Fault.TRICKLE:
        _drip(handler, b"".join(b"1\r\n%c\r\n" % byte for byte in b" " * 10_000))
        return
    lines = [*stream_of(request, Answer("a few words of an answer"))]
    handler.chunk(lines[0])
    match fault:
        case Fault.STALL:
            handler.stopping.wait()
        case Fault.CUT:
            pass
        case Fault.NO_DONE:
            handler.end_stream()
        case Fault.HALF_LINE:
            handler.chunk(lines[1][:20])
            handler.end_stream()
        case Fault.ERROR_MIDWAY | Fault.BUSY_MIDWAY:
            handler.chunk(line_of({"error": _ERRORS_MIDWAY[fault]}))
            handler.end_stream()
        case Fault.GARBAGE | Fault.NO_OBJECT | Fault.OTHER_SHAPE:
            handler.chunk(_ODD_LINES[fault])
            handler.end_stream()
        case Fault.ENDLESS_LINE:
            while not handler.stopping.is_set():
                handler.chunk(b" " * 2**20)
        case Fault.TOOL_CALL:
            call = {"function": {"name": "lookup", "arguments": {"city": "Oslo"}}}
            part = part_of(request, "") | {
                "message": {"role": "assistant", "content": "", "tool_calls": [call]}
            }
            handler.chunk(line_of(part))
            handler.chunk(lines[-1])
            handler.end_stream()
    if fault in _BROKEN_OFF:  # after a proper end the connection stays, as Ollama's does
        handler.hang_up()


def _drip(handler: Responding, data: bytes) -> None:
    """A few bytes a second: in time for any wait by itself, too late for the whole."""
    for byte in data:
        if handler.stopping.wait(0.05):
            break
        handler.raw(bytes([byte]))
    handler.hang_up()


_BROKEN_OFF = frozenset({Fault.STALL, Fault.CUT, Fault.ENDLESS_LINE})
_REFUSALS: dict[Fault, tuple[int, bytes]] = {
    Fault.NOT_FOUND: (404, b'{"error":"model \'llama3.2\' not found"}'),
    Fault.BUSY: (503, b'{"error":"server busy, please try again.  maximum pending requests exceeded"}'),
    Fault.RATE_LIMITED: (429, b'{"error":"too many requests"}'),
    Fault.BAD_REQUEST: (400, b'{"error":"\\"llama3.2\\" does not support chat"}'),
    Fault.UNAUTHORIZED: (401, b'{"error":"unauthorized"}'),
    Fault.BROKEN: (500, b'{"error":"llama runner process has terminated: exit status 2"}'),
    Fault.OUT_OF_MEMORY: (
        500,
        b'{"error":"model requires more system memory (9.9 GiB) than is available (3.1 GiB)"}',
    ),
    Fault.ODD_ERROR: (500, b'["something", "went wrong"]'),
    Fault.GATEWAY: (502, b"<html><h1>502 Bad Gateway</h1></html>"),
    Fault.GATEWAY_LATE: (504, b"<html><h1>504 Gateway Time-out</h1></html>"),
    Fault.NO_OLLAMA: (404, b"<html><h1>Not Found</h1></html>"),
    Fault.REDIRECT: (307, b""),
}
_ERRORS_MIDWAY = {
    Fault.ERROR_MIDWAY: "an error was encountered while running the model: CUDA error: out of memory",
    Fault.BUSY_MIDWAY: "server busy, please try again.  maximum pending requests exceeded",
}
_ODD_LINES = {
    Fault.GARBAGE: b"data: [DONE]\n",
    Fault.NO_OBJECT: b"[1, 2]\n",
    Fault.OTHER_SHAPE: b'{"choices": [{"text": "Hello"}]}\n',
}

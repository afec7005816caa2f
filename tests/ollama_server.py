"""An Ollama server for tests: its HTTP protocol over TCP, answers from a script, and everything that can go wrong.

    with OllamaServer() as server:
        server.answer("Hello", {"category": "bug"}, Fault.CUT, Answer("...", done_reason="length"))
        ... Ollama(server.url) ...
        server.requests[0].body["messages"]

Requests take the script's entries in turn; when it is used up, `respond` answers, at first with `fitting`: anything
that follows the request's own schema. `python -m tests.ollama_server --port 11434` runs one by itself.
"""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

CREATED = "2025-06-01T12:00:00.000000Z"
VERSION = "0.12.0"


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


@dataclass(frozen=True)
class Answer:
    """What the model writes. Values become JSON. `pause` is the time in seconds before each piece of a stream."""

    content: str | Mapping[str, Any]
    done_reason: str = "stop"
    prompt_tokens: int = 26
    completion_tokens: int = 12
    pause: float = 0.0

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else json.dumps(self.content, ensure_ascii=False)


@dataclass(frozen=True)
class Request:
    """`path` as asked (`/api/chat`), `body` parsed."""

    path: str
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """All that the model is told, in one text."""
        messages = [message["content"] for message in self.body.get("messages", [])]
        return "\n\n".join([*messages, *filter(None, [self.body.get("prompt")])])


Scripted = str | Mapping[str, Any] | Answer | Fault
Respond = Callable[[Request], Scripted]


def fitting(request: Request) -> Scripted:
    """The smallest answer that follows the request's schema; without one, a greeting."""
    schema = request.body.get("format")
    return json.dumps(_instance(schema)) if isinstance(schema, dict) else "Hello."


class OllamaServer:
    """Started and stopped as often as one likes, always at the same port; stopped, it refuses connections.

    `models` are those it has; None: whichever is asked for.
    """

    def __init__(self, models: Sequence[str] | None = ("llama3.2:latest",), *, port: int = 0) -> None:
        self.models = models
        self.requests: list[Request] = []
        self.respond: Respond = fitting
        self.stopping = threading.Event()
        self._script: deque[Scripted] = deque()
        self._lock = threading.Lock()
        self._port = port
        self._listening: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def answer(self, *script: Scripted) -> None:
        """The next requests to a model get these, in turn."""
        self._script.extend(script)

    def fault(self, fault: Fault | str, times: int = 1) -> None:
        """The next `times` requests to a model, after what is scripted already, meet this fault."""
        self._script.extend([Fault(fault)] * times)

    def next(self, request: Request) -> Scripted:
        with self._lock:
            if self._script:
                return self._script.popleft()
        return self.respond(request)

    def start(self) -> Self:
        self.stopping.clear()
        self._listening = _Listener(("127.0.0.1", self._port), _handler(self))
        self._port = self._listening.server_address[1]
        threading.Thread(target=self._listening.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        if self._listening is not None:
            self._listening.shutdown()
            self._listening.server_close()
            self._listening = None
        for connection in [*self._open]:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> None:
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a hung answer does not hold up the end of a test
    request_queue_size = 128


def _handler(server: OllamaServer) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"ollama": server})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    ollama: OllamaServer

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        self.ollama.opened(self.connection)
        with suppress(ConnectionError, TimeoutError):  # clients hang up, that is the point of some tests
            super().handle()
        self.ollama.closed(self.connection)

    def do_GET(self) -> None:
        self._record(self.path, {})
        match self.path:
            case "/":
                self._send(HTTPStatus.OK, b"Ollama is running", "text/plain; charset=utf-8")
            case "/api/version":
                self._json({"version": VERSION})
            case "/api/tags":
                self._json({"models": [_listed(name) for name in self.ollama.models or ()]})
            case "/api/ps":
                self._json({"models": []})
            case _:
                self._no_such_page()

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path not in ("/api/chat", "/api/generate", "/api/embed", "/api/show"):
            self._no_such_page()
            return
        try:
            body = json.loads(raw)
        except ValueError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error) if raw else "missing request body")
            return
        self._asked(self._record(self.path, body))

    def _record(self, path: str, body: dict[str, Any]) -> Request:
        request = Request(path, body, dict(self.headers))
        self.ollama.requests.append(request)
        return request

    def _asked(self, request: Request) -> None:
        model = request.body.get("model")
        if not model:
            self._refuse(HTTPStatus.BAD_REQUEST, "model is required")
        elif self.ollama.models is not None and _tagged(model) not in map(_tagged, self.ollama.models):
            self._refuse(HTTPStatus.NOT_FOUND, f"model '{model}' not found")
        elif request.path == "/api/show":
            self._json({"details": _DETAILS, "model_info": {}, "capabilities": ["completion"]})
        elif request.path != "/api/embed" and request.body.get("format", {}) in ("", "xml", 1):
            self._refuse(HTTPStatus.BAD_REQUEST, 'invalid format: expected "json" or a JSON schema')
        else:
            scripted = self.ollama.next(request)
            if isinstance(scripted, Fault):
                _fail(self, request, scripted)
            else:
                self._answer(request, scripted if isinstance(scripted, Answer) else Answer(scripted))

    def _answer(self, request: Request, answer: Answer) -> None:
        if request.path == "/api/embed":
            self._json(_embedded(request, answer))
        elif request.body.get("stream", True):
            self._begin_stream()
            for line in stream_of(request, answer):
                time.sleep(answer.pause)
                self._chunk(line)
            self._end_stream()
        else:
            time.sleep(answer.pause)
            self._json(_whole(request, answer))

    def _begin_stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _no_such_page(self) -> None:
        self._send(HTTPStatus.NOT_FOUND, b"404 page not found", "text/plain")

    def _refuse(self, status: HTTPStatus, error: str) -> None:
        self._json({"error": error}, status)

    def _json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def stream_of(request: Request, answer: Answer) -> Iterator[bytes]:
    """The lines of an answer, about a word each."""
    for piece in _pieces(answer.text):
        yield _line(_part(request, piece))
    yield _line(_part(request, "") | _ending(answer))


def _whole(request: Request, answer: Answer) -> dict[str, Any]:
    return _part(request, answer.text) | _ending(answer)


def _part(request: Request, text: str) -> dict[str, Any]:
    said = (
        {"response": text}
        if request.path == "/api/generate"
        else {"message": {"role": "assistant", "content": text}}
    )
    return {"model": request.body["model"], "created_at": CREATED, **said, "done": False}


def _ending(answer: Answer) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": answer.done_reason,
        "total_duration": 250_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": answer.prompt_tokens,
        "prompt_eval_duration": 49_000_000,
        "eval_count": answer.completion_tokens,
        "eval_duration": 200_000_000,
    }


def _embedded(request: Request, answer: Answer) -> dict[str, Any]:
    """Vectors whose numbers say how long each text is."""
    texts = request.body.get("input", [])
    texts = [texts] if isinstance(texts, str) else texts
    return {
        "model": request.body["model"],
        "embeddings": [[float(len(text)), 0.5, -0.5] for text in texts],
        "total_duration": 14_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": answer.prompt_tokens,
    }


def _pieces(text: str) -> list[str]:
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


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


def _fail(handler: _Handler, request: Request, fault: Fault) -> None:
    if fault in _REFUSALS:
        status, body = _REFUSALS[fault]
        location = {"Location": "http://127.0.0.1:9/api/chat"} if fault is Fault.REDIRECT else {}
        handler._send(HTTPStatus(status), body, "application/json", **location)
    elif fault is Fault.LENGTH:
        handler._answer(request, Answer('{"category": "bu', done_reason="length"))
    elif fault is Fault.HANG:
        handler.ollama.stopping.wait()
        handler._hang_up()
    elif fault is Fault.DROP:
        handler._hang_up()
    elif fault is Fault.SLOW_HEADERS:
        _drip(handler, b"HTTP/1.1 200 OK\r\nX-Patience: " + b"x" * 1000)
    else:
        _fail_midway(handler, request, fault)


def _fail_midway(handler: _Handler, request: Request, fault: Fault) -> None:
    handler._begin_stream()
    if fault is Fault.TRICKLE:
        _drip(handler, b"".join(b"1\r\n%c\r\n" % byte for byte in b" " * 10_000))
        return
    lines = [*stream_of(request, Answer("a few words of an answer"))]
    handler._chunk(lines[0])
    match fault:
        case Fault.STALL:
            handler.ollama.stopping.wait()
        case Fault.CUT:
            pass
        case Fault.NO_DONE:
            handler._end_stream()
        case Fault.HALF_LINE:
            handler._chunk(lines[1][:20])
            handler._end_stream()
        case Fault.ERROR_MIDWAY | Fault.BUSY_MIDWAY:
            handler._chunk(_line({"error": _ERRORS_MIDWAY[fault]}))
            handler._end_stream()
        case Fault.GARBAGE | Fault.NO_OBJECT | Fault.OTHER_SHAPE:
            handler._chunk(_ODD_LINES[fault])
            handler._end_stream()
        case Fault.ENDLESS_LINE:
            while not handler.ollama.stopping.is_set():
                handler._chunk(b" " * 2**20)
        case Fault.TOOL_CALL:
            call = {"function": {"name": "lookup", "arguments": {"city": "Oslo"}}}
            part = _part(request, "") | {
                "message": {"role": "assistant", "content": "", "tool_calls": [call]}
            }
            handler._chunk(_line(part))
            handler._chunk(lines[-1])
            handler._end_stream()
    handler._hang_up()


def _drip(handler: _Handler, data: bytes) -> None:
    """A few bytes a second: in time for any wait by itself, too late for the whole."""
    for byte in data:
        if handler.ollama.stopping.wait(0.05):
            break
        handler.wfile.write(bytes([byte]))
    handler._hang_up()


_DETAILS = {
    "parent_model": "",
    "format": "gguf",
    "family": "llama",
    "families": ["llama"],
    "parameter_size": "3.2B",
    "quantization_level": "Q4_K_M",
}


def _listed(name: str) -> dict[str, Any]:
    return {
        "name": _tagged(name),
        "model": _tagged(name),
        "modified_at": CREATED,
        "size": 2_019_393_189,
        "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
        "details": _DETAILS,
    }


def _tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _instance(schema: Mapping[str, Any]) -> Any:
    """A small value that a schema admits, as far as schemas of fields go."""
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return _instance(schema[union][0])
    kind = schema.get("type", "object")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_instance(schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
        case "integer":
            return max(schema.get("minimum", -math.inf), min(1, schema.get("maximum", 1)))
        case "number":
            return 1.5
        case "boolean":
            return True
        case "null":
            return None
    by_format = {
        "date": "2025-06-01",
        "date-time": "2025-06-01T12:00:00Z",
        "uuid": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    }
    text = by_format.get(schema.get("format", ""), "0" if "pattern" in schema else "text")
    return text[: schema.get("maxLength")].ljust(schema.get("minLength", 0), "x")


def main() -> None:
    from argparse import ArgumentParser

    parser = ArgumentParser(description="An Ollama server that answers from a script.")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--model", action="append", help="a model it has; none named: any")
    parser.add_argument("--answer", action="append", default=[], help="the next answer; may be repeated")
    parser.add_argument("--fault", type=Fault, help="what every request meets instead of an answer")
    given = parser.parse_args()
    server = OllamaServer(given.model, port=given.port)
    server.answer(*given.answer)
    if given.fault is not None:
        server.respond = lambda request: given.fault
    with server:
        print(server.url, flush=True)
        with suppress(KeyboardInterrupt):
            server.stopping.wait()


if __name__ == "__main__":
    main()

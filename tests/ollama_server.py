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
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.ollama_faults import Fault, fail
from tests.ollama_protocol import (
    DETAILS,
    VERSION,
    Answer,
    Request,
    embedded,
    instance_of,
    listed,
    stream_of,
    tagged,
    whole,
)

__all__ = ["Answer", "Fault", "OllamaServer", "Request", "fitting"]

FIRST_PIECES = 4
LONGEST_REST = 60.0
"""Seconds."""

Scripted = str | Mapping[str, Any] | Answer | Fault
Respond = Callable[[Request], Scripted]


def fitting(request: Request) -> Scripted:
    """The smallest answer that follows the request's schema; without one, a greeting."""
    schema = request.body.get("format")
    return json.dumps(instance_of(schema)) if isinstance(schema, dict) else "Hello."


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
    return type("Handler", (_Handler,), {"ollama": server, "stopping": server.stopping})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    ollama: OllamaServer
    stopping: threading.Event

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
                self.send(HTTPStatus.OK, b"Ollama is running", "text/plain; charset=utf-8")
            case "/api/version":
                self._json({"version": VERSION})
            case "/api/tags":
                self._json({"models": [listed(name) for name in self.ollama.models or ()]})
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
        elif self.ollama.models is not None and tagged(model) not in map(tagged, self.ollama.models):
            self._refuse(HTTPStatus.NOT_FOUND, f"model '{model}' not found")
        elif request.path == "/api/show":
            self._json({"details": DETAILS, "model_info": {}, "capabilities": ["completion"]})
        elif request.path != "/api/embed" and request.body.get("format", {}) in ("", "xml", 1):
            self._refuse(HTTPStatus.BAD_REQUEST, 'invalid format: expected "json" or a JSON schema')
        else:
            scripted = self.ollama.next(request)
            if isinstance(scripted, Fault):
                fail(self, request, scripted)
            else:
                self.answer(request, scripted if isinstance(scripted, Answer) else Answer(scripted))

    def answer(self, request: Request, answer: Answer) -> None:
        if request.path == "/api/embed":
            self._json(embedded(request, answer))
        elif request.body.get("stream", True):
            self.begin_stream()
            for number, line in enumerate(stream_of(request, answer)):
                time.sleep(answer.pause)
                if answer.rest is not None and number == FIRST_PIECES:
                    answer.rest.wait(LONGEST_REST)
                self.chunk(line)
            self.end_stream()
        else:
            time.sleep(answer.pause)
            self._json(whole(request, answer))

    def begin_stream(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)

    def hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _no_such_page(self) -> None:
        self.send(HTTPStatus.NOT_FOUND, b"404 page not found", "text/plain")

    def _refuse(self, status: HTTPStatus, error: str) -> None:
        self._json({"error": error}, status)

    def _json(self, value: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def send(self, status: HTTPStatus, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


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

"""An HTTP server on loopback that answers byte by byte what it is told to: right, wrong, slow, cut."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

Script = Callable[["Asked"], Iterable[bytes]]
"""What is sent, piece by piece; then the connection is closed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """A whole answer. `content_type="text/plain"` is the header `Content-Type`."""
    fields = {"content-length": str(len(body)), **{name.replace("_", "-"): v for name, v in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1") + body


class HttpServer:
    """`asked` are the requests so far. Paths without a script are not found."""

    def __init__(self, scripts: Mapping[str, Script | bytes], tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self._scripts = dict(scripts)
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, path: str, script: Script | bytes) -> None:
        self._scripts[path] = script

    def __enter__(self) -> HttpServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError), plain:
            plain.settimeout(20)
            connected = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connected, connected.makefile("rb") as reader:
                asked = _read(reader.readline, reader.read)
                self.asked.append(asked)
                script = self._scripts.get(
                    asked.target.partition("?")[0], answer("404 Not Found", b"no such page")
                )
                for piece in [script] if isinstance(script, bytes) else script(asked):
                    connected.sendall(piece)
                if self._tls:
                    connected.unwrap()  # type: ignore[attr-defined]
                else:
                    plain.shutdown(socket.SHUT_WR)


def _read(line: Callable[[], bytes], read: Callable[[int], bytes]) -> Asked:
    method, target, _ = line().decode("latin-1").split(" ")
    headers: dict[str, str] = {}
    while text := line().decode("latin-1").strip():
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Asked(method, target, headers, read(int(headers.get("content-length", "0"))))

"""HTTP connections that keep to one deadline for a whole exchange.

An HTTP client's timeouts are for each wait by itself: a server that sends a byte now and then is never late. Here every
wait, from the connection to the last byte, ends at the exchange's own deadline. Importing this loads httpx.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

ANSWER_BYTES = 64 * 2**20
"""More than any answer has: what sends more has run away."""
REFUSAL_BYTES = 64 * 2**10
CONNECT_SECONDS = 5.0
"""Longest wait for a connection: who does not take one within this is not there."""
_WRITTEN_AT_ONCE = 64 * 2**10


class Deadline(float):
    """The seconds an exchange may take, and when they are over. As a plain float it passes through the HTTP client,
    which hands it on to each wait; there `left` is asked."""

    __slots__ = ("_end",)

    _end: float

    def __new__(cls, seconds: float) -> Deadline:
        self = super().__new__(cls, seconds)
        self._end = time.monotonic() + seconds
        return self

    @property
    def left(self) -> float:
        """Seconds, 0 or less when it is over."""
        return self._end - time.monotonic()


class Refusal(Exception):
    """An answer whose status says no. `body` is its beginning, `location` where a redirect leads."""

    def __init__(self, status: int, body: str, location: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.location = location


class RunawayAnswer(Exception):
    """More bytes than ANSWER_BYTES."""


class Transport(httpx.BaseTransport):
    """Pooled connections, reached directly: proxies of the environment are not asked. Redirects are not followed:
    what is sent here is meant for nobody else. Raises Refusal, RunawayAnswer and httpcore's exceptions."""

    def __init__(self, *, secure: bool) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context() if secure else None,
            max_connections=None,
            max_keepalive_connections=16,
            keepalive_expiry=30,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        if response.status >= 300:
            raise _refusal(response)
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


def _refusal(response: httpcore.Response) -> Refusal:
    body = b""
    try:
        for chunk in response.iter_stream():
            body += chunk
            if len(body) >= REFUSAL_BYTES:
                break
    except httpcore.ProtocolError:
        pass  # the status says enough
    finally:
        response.close()
    headers = {name.lower(): value for name, value in response.headers}
    location = headers.get(b"location", b"").decode("latin-1")
    return Refusal(response.status, body[:REFUSAL_BYTES].decode("utf-8", "replace"), location)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._response.iter_stream():
            size += len(chunk)
            if size > ANSWER_BYTES:
                raise RunawayAnswer
            yield chunk

    def close(self) -> None:
        self._response.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        wait = min(_wait(timeout, httpcore.ConnectTimeout), CONNECT_SECONDS)
        return _Stream(self._sockets.connect_tcp(host, port, wait, local_address, socket_options))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _wait(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITTEN_AT_ONCE):
            piece = buffer[start : start + _WRITTEN_AT_ONCE]
            self._stream.write(piece, _wait(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        wait = _wait(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, wait))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _wait(timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
    """How long one wait may take. Raises `late` when the deadline is over."""
    assert isinstance(timeout, Deadline), "an exchange without a deadline could wait for ever"
    left = timeout.left
    if left <= 0:
        raise late
    return left

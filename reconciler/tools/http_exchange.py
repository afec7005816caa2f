"""One request and its answer over a checked connection: bounded in bytes and, from the first to the last, in time."""

from __future__ import annotations

import io
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from socket import socket
from typing import Any

from reconciler import __version__
from reconciler.errors import BudgetExceeded, Denied, InvalidOutput, TimedOut, Truncated, Unavailable
from reconciler.tools.egress import Network
from reconciler.tools.http_address import HttpAddress

_PIECE = 65_536
_HEADER_BYTES = 65_536
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`headers` are those of who asks; the connection's own are not among them."""

    method: str
    address: HttpAddress
    headers: Mapping[str, str]
    body: bytes | None = None

    def all_headers(self) -> dict[str, str]:
        own = {"host": self.address.authority, "accept-encoding": "gzip", "connection": "close"}
        if self.body is not None or self.method in ("POST", "PUT", "PATCH"):
            own["content-length"] = str(len(self.body or b""))
        return {**own, "accept": "*/*", "user-agent": f"reconciler/{__version__}", **self.headers}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """`headers` have names in lower case; `body` is unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """`deadline` in seconds of `time.monotonic()`; `most` bytes of a body, unpacked."""

    deadline: float
    most: int

    def remaining(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def exchange(request: HttpRequest, network: Network, granted: list[str], bounds: Bounds) -> HttpAnswer:
    """Raises Denied, Unavailable, TimedOut, Truncated, InvalidOutput, BudgetExceeded."""
    address = request.address
    try:
        connected = network.connect(address.host, address.port, granted, timeout=bounds.remaining())
        if address.scheme == "https":
            connected = network.secure(connected, address.host, timeout=bounds.remaining())
        with connected:
            if address.scheme == "http" and "authorization" in request.headers:
                _stay_inside(connected, network, address)
            return _converse(request, connected, bounds)
    except TimeoutError as error:
        raise TimedOut(f"`{address.origin}` did not answer in time") from error
    except IncompleteRead as error:
        raise Truncated(f"the answer of `{address.origin}` ended before it was complete") from error
    except OSError as error:
        raise Unavailable(
            f"the connection with `{address.origin}` broke: {error.strerror or error}"
        ) from error
    except (HTTPException, ValueError) as error:  # ValueError: a chunk's size that is no number
        message = f"what `{address.origin}` answered is no HTTP: {type(error).__name__}"
        raise InvalidOutput(message) from error


def _stay_inside(connected: socket, network: Network, address: HttpAddress) -> None:
    """What anybody on the way can read bears no token, except where the operator has opened an own network."""
    if not network.is_opened(connected):
        told = f"a token for `{address.origin}` would travel unencrypted through public networks"
        raise Denied(told, hint="use https; http is for networks of RECONCILER_EGRESS_PRIVATE")


def _converse(request: HttpRequest, connected: socket, bounds: Bounds) -> HttpAnswer:
    timed: Any = _TimedSocket(connected, bounds)
    connection = HTTPConnection(request.address.host, request.address.port)
    connection.sock = timed
    connection.auto_open = 0
    connection.putrequest(request.method, request.address.target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.all_headers().items():
        connection.putheader(name, value)
    connection.endheaders(request.body)
    with connection.getresponse() as response:
        if timed.ended:
            raise Truncated(f"the answer of `{request.address.origin}` ended within its headers")
        headers = _headers(response)
        body = _body(response, headers, request.address, bounds.most)
    return HttpAnswer(response.status, headers, body)


def _headers(response: HTTPResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    length = 0
    for name, value in response.getheaders():
        length += len(name) + len(value)
        if length > _HEADER_BYTES:
            raise HTTPException("headers too long")
        name, value = name.lower(), " ".join(value.split())
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _body(response: HTTPResponse, headers: Mapping[str, str], address: HttpAddress, most: int) -> bytes:
    unpacked = _Unpacked(headers.get("content-encoding", "").strip().lower(), address, most)
    while piece := response.read(_PIECE):
        unpacked.add(piece)
    if response.length:  # bytes that were promised; http.client says nothing where it reads by pieces
        raise Truncated(f"the answer of `{address.origin}` ended {response.length:,} bytes before its end")
    return unpacked.whole()


class _Unpacked:
    """A body that comes in pieces, and must not grow beyond its bound however well it was packed."""

    def __init__(self, encoding: str, address: HttpAddress, most: int) -> None:
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise InvalidOutput(
                f"`{address.origin}` answered in the encoding `{encoding[:40]}`, not asked for"
            )
        self._packed = "gzip" in encoding
        self._unpacker = zlib.decompressobj(_GZIP)
        self._pieces: list[bytes] = []
        self._length = 0
        self._most = most
        self._address = address

    def add(self, piece: bytes) -> None:
        if self._packed:
            self._unpack(piece)
        else:
            self._keep(piece)

    def whole(self) -> bytes:
        if self._packed and self._length and not self._unpacker.eof:
            raise Truncated(f"the packed answer of `{self._address.origin}` ended before it was complete")
        return b"".join(self._pieces)

    def _unpack(self, piece: bytes) -> None:
        try:
            while piece:
                if self._unpacker.eof:  # several packed pieces may follow each other
                    self._unpacker = zlib.decompressobj(_GZIP)
                self._keep(self._unpacker.decompress(piece, _PIECE))
                piece = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        except zlib.error as error:
            raise InvalidOutput(f"the answer of `{self._address.origin}` is no gzip") from error

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._most:
            raise BudgetExceeded(
                f"the answer of `{self._address.origin}` has more than {self._most:,} bytes",
                hint="allow more with `limits: {bytes: ...}` of the grant of `http_request` in `tools`",
            )
        self._pieces.append(piece)


class _TimedSocket:
    """What http.client needs of a socket, each of whose calls may take the time that is left in all.

    A timeout of the socket itself would start anew with every byte that a slow server sends.
    """

    def __init__(self, connected: socket, bounds: Bounds) -> None:
        self._connected = connected
        self._bounds = bounds
        self.ended = False
        """Whether the other side has been heard to say no more."""

    def receive_into(self, buffer: Any) -> int:
        self._connected.settimeout(self._bounds.remaining())
        try:
            length = self._connected.recv_into(buffer)
        except ssl.SSLEOFError:  # closed without saying so, which the length of the body will show
            length = 0
        self.ended = length == 0
        return length

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._connected.settimeout(self._bounds.remaining())
            view = view[self._connected.send(view[:_PIECE]) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self), _PIECE)

    def close(self) -> None:
        """The connection is closed by who made it; http.client closes before it has read the body."""


class _TimedReader(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._timed.receive_into(buffer)

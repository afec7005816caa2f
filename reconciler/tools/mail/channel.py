"""Channel: a connection to a mail server that keeps the deadline of a call and counts its bytes.

smtplib and imaplib take it for a socket. It raises RunError only, which both let pass.
"""

from __future__ import annotations

import io
import ssl
from socket import socket
from typing import Any

from reconciler.errors import BudgetExceeded, Denied, InvalidOutput, TimedOut, Unavailable
from reconciler.tools.mail.endpoint import Endpoint
from reconciler.tools.tool import ToolContext

_PIECE = 65_536
_FAREWELL = 2.0
"""Seconds that a server may take to say goodbye: nothing depends on it any more."""


class Channel:
    """`allowance` is how many bytes the server may send before it is taken for a hostile one; who asks for more
    raises it. `ended`: the server has been heard to say no more."""

    def __init__(self, context: ToolContext, endpoint: Endpoint, *, allowance: int) -> None:
        self.endpoint = endpoint
        self.allowance = allowance
        self.ended = False
        self._context = context
        self._patience = float("inf")
        network, granted = context.network, context.grant.hosts or []
        self._socket: socket = network.connect(
            endpoint.host, endpoint.port, granted, timeout=context.remaining()
        )
        if endpoint.security == "tls":
            self.secure()
        elif endpoint.security == "none":
            self._stay_inside()

    def secure(self) -> None:
        """TLS from here on. What the server said before is forgotten with the file that was made of it."""
        self._socket = self._context.network.secure(
            self._socket, self.endpoint.host, timeout=self._context.remaining()
        )

    @property
    def own_address(self) -> str:
        """As a server wants to be greeted: `[192.0.2.1]`, `[IPv6:2001:db8::1]`."""
        address = str(self._socket.getsockname()[0])
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._socket.settimeout(self._seconds())
            try:
                sent = self._socket.send(view[:_PIECE])
            except OSError as error:
                raise self._failure(error) from error
            self._count(sent)
            view = view[sent:]

    def receive_into(self, buffer: Any) -> int:
        """0 where the server has ended the connection."""
        self._socket.settimeout(self._seconds())
        try:
            length = self._socket.recv_into(buffer)
        except ssl.SSLEOFError:  # ended without saying so in TLS
            length = 0
        except OSError as error:
            raise self._failure(error) from error
        self.ended = not length
        self.allowance -= length
        if self.allowance < 0:
            raise InvalidOutput(f"{self.endpoint} sends more than it was asked for")
        self._count(length)
        return length

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        return io.BufferedReader(_Reader(self), _PIECE)

    def hurry(self) -> None:
        """From here on nothing is worth waiting for."""
        self._patience = _FAREWELL

    def close(self) -> None:
        self._socket.close()

    def _seconds(self) -> float:
        """Asked before every piece: a timeout of the socket alone would begin anew with each byte of a slow server."""
        return min(self._context.remaining(), self._patience)

    def _count(self, length: int) -> None:
        usage, limits = self._context.usage, self._context.grant.limits
        usage.bytes += length
        if limits is not None and limits.bytes is not None and usage.bytes > limits.bytes:
            raise BudgetExceeded(
                f"a task may exchange at most {limits.bytes:,} bytes of mail",
                hint="raise `limits: {bytes: ...}` of the grant of `email_connector` in `tools`",
            )

    def _failure(self, error: OSError) -> TimedOut | Unavailable:
        if isinstance(error, TimeoutError):
            return TimedOut(f"{self.endpoint} did not answer in time")
        return Unavailable(f"the connection with {self.endpoint} broke: {error.strerror or error}")

    def _stay_inside(self) -> None:
        """Mail that anybody on the way can read goes only where the operator has opened an own network."""
        if self._context.network.is_opened(self._socket):
            return
        self._socket.close()
        raise Denied(
            f"mail to {self.endpoint} would travel unencrypted through public networks",
            where=f"{self._context.step}/with/security",
            hint="use `security: tls` or `starttls`; `none` is for networks of RECONCILER_EGRESS_PRIVATE",
        )


class _Reader(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._channel.receive_into(buffer)

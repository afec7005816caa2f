"""Network: the only way out for tools. Opens connections to granted hosts, and to no address inside."""

from __future__ import annotations

import socket
from collections.abc import Sequence


class Network:
    """`private` are the networks (`10.0.0.0/8`, `127.0.0.1/32`) that the operator opens to agents besides the public ones."""

    def __init__(self, private: Sequence[str] = ()) -> None:
        self.private = tuple(private)

    def connect(self, host: str, port: int, granted: Sequence[str], *, timeout: float) -> socket.socket:
        """A connected socket. The name is resolved once and every address checked. Raises Denied, Unavailable, TimedOut."""
        raise NotImplementedError

"""Network: the only way out for tools. Opens connections to granted hosts, and to no address inside.

A name is resolved once, every address that it has is checked, and the connection goes to an address that was checked:
who changes a name's addresses in between gains nothing. Proxies of the environment are not asked.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from queue import Empty, SimpleQueue
from threading import Thread

from reconciler.errors import Denied, RunError, TimedOut, Unavailable, UsageError
from reconciler.spec.hosts import HostPattern, is_address, parse_host
from reconciler.tools.addresses import is_allowed, network_of, real_address

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses, best first. Raises OSError where there are none."""

_ADDRESSES = 8
"""How many of a name's addresses are tried."""
_REMEMBERED = 1000


def system_resolve(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class Network:
    """`private` are the networks (`10.0.0.0/8`, `127.0.0.1/32`) that the operator opens to agents besides the public
    ones; ValueError for a text that is none. `certificates` is a file of PEM certificates to trust besides the
    system's."""

    def __init__(
        self, private: Sequence[str] = (), *, certificates: str = "", resolve: Resolve = system_resolve
    ) -> None:
        self.private = tuple(network_of(text) for text in private)
        self._certificates = certificates
        self._resolve = resolve
        self._checked: dict[tuple[str, int], None] = {}

    def connect(self, host: str, port: int, granted: Sequence[str], *, timeout: float) -> socket.socket:
        """A connected socket. `granted` are host patterns as in a grant; `timeout` is in seconds, for all of it.

        Raises Denied, Unavailable, TimedOut.
        """
        deadline = time.monotonic() + timeout
        name = granted_name(host, port, granted)
        addresses = [name] if is_address(name) else self._addresses(name, port, timeout)
        for address in addresses:
            self._check(address, name)
        self._remember(addresses[:_ADDRESSES], port)
        return _first_connected(addresses[:_ADDRESSES], port, name, deadline)

    def is_opened(self, connected: socket.socket) -> bool:
        """Whether the other end is in a network that the operator has opened: what is plain is read by nobody else
        there."""
        peer = real_address(str(connected.getpeername()[0]))
        return any(peer in network for network in self.private)

    def has_checked(self, address: str, port: int) -> bool:
        """Whether a connection to this address was allowed by `connect`."""
        return (address, port) in self._checked

    def forget_checked(self) -> None:
        """What the task before was allowed is not allowed to the next."""
        self._checked.clear()

    def secure(self, plain: socket.socket, host: str, *, timeout: float) -> ssl.SSLSocket:
        """TLS over a connected socket, with a certificate that is valid for the host. Closes the socket where that
        fails. Raises Unavailable, TimedOut."""
        name = _normal_name(host)
        plain.settimeout(timeout)
        try:
            return self.tls.wrap_socket(plain, server_hostname=name)
        except OSError as error:
            plain.close()
            raise _tls_failure(error, name) from error

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """Verifies certificates and names. Reads the certificates trusted from files: ask for it once before the
        process loses the right to. Raises UsageError."""
        context = ssl.create_default_context()
        if self._certificates:
            try:
                context.load_verify_locations(self._certificates)
            except OSError as error:
                told = (
                    f"{self._certificates} holds no certificates that can be read: {error.strerror or error}"
                )
                raise UsageError(
                    told, hint="RECONCILER_EGRESS_CERTIFICATES names a file in PEM format"
                ) from error
        return context

    def _addresses(self, name: str, port: int, timeout: float) -> list[str]:
        """In a thread of its own: the system's resolver knows no timeout."""
        answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(name, port))
            except Exception as error:
                answers.put(error)

        Thread(target=ask, name=f"resolve {name}", daemon=True).start()
        try:
            answer = answers.get(timeout=timeout)
        except Empty:
            raise TimedOut(f"the addresses of `{name}` could not be found in time") from None
        if isinstance(answer, Exception) or not answer:
            raise Unavailable(
                f"`{name}` has no address", hint="is the name right, and does the network work?"
            )
        return [*answer]

    def _remember(self, addresses: Sequence[str], port: int) -> None:
        if len(self._checked) > _REMEMBERED:
            self._checked.clear()
        self._checked.update(((address, port), None) for address in addresses)

    def _check(self, address: str, name: str) -> None:
        try:
            allowed = is_allowed(real_address(address), self.private)
        except ValueError:
            allowed = False
        if not allowed:
            leads = "" if address == name else f" leads to {address}, which"
            raise Denied(
                f"`{name}`{leads} is no public address",
                hint="the operator can open a network to agents with RECONCILER_EGRESS_PRIVATE",
            )


def granted_name(host: str, port: int, granted: Sequence[str]) -> str:
    """The host in its normal form. Raises Denied where no pattern of a grant covers it with this port."""
    wanted = HostPattern(_normal_name(host), port)
    if not any(pattern.covers(wanted) for text in granted if (pattern := parse_host(text))):
        raise Denied(
            f"the host `{wanted.name}` (port {port}) is not granted",
            hint="add it to `hosts` of the tool's grant",
        )
    return wanted.name


def _normal_name(host: str) -> str:
    parsed = parse_host(host)
    if parsed is None or parsed.subdomains or parsed.port is not None:
        raise Denied(f"`{host}` is no host")
    return parsed.name


def _first_connected(addresses: Sequence[str], port: int, name: str, deadline: float) -> socket.socket:
    """To the first address that answers; each gets an equal share of the time that is left."""
    reason: OSError | None = None
    for position, address in enumerate(addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            connected = socket.create_connection((address, port), timeout=left / (len(addresses) - position))
        except OSError as error:
            reason = error
        else:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
    if reason is None or isinstance(reason, TimeoutError):
        raise TimedOut(f"`{name}` (port {port}) did not answer in time") from reason
    raise Unavailable(f"`{name}` (port {port}) cannot be reached: {reason.strerror or reason}") from reason


def _tls_failure(error: OSError, name: str) -> RunError:
    if isinstance(error, TimeoutError):
        return TimedOut(f"`{name}` did not finish the TLS handshake in time")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unavailable(f"the certificate of `{name}` is not valid: {error.verify_message}")
    return Unavailable(f"no TLS with `{name}`: {error.strerror or error}")

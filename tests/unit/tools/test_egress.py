"""The way out: to granted hosts, and to no address inside."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from reconciler.errors import Denied, RunError, TimedOut, Unavailable
from reconciler.tools.egress import Network

LOOPBACK = ("127.0.0.1/32",)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Listens on a port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


class Names:
    """A resolver of its own: answers in turn, the last one for good."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = [*answers]
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_granted_host_is_connected_to(server: socket.socket) -> None:
    names = Names(["127.0.0.1"])
    network = Network(LOOPBACK, resolve=names)
    port = port_of(server)
    with network.connect("API.example.com.", port, ["*.example.com"], timeout=5) as connected:
        assert connected.getpeername() == ("127.0.0.1", port)
    assert names.asked == [("api.example.com", port)]


@pytest.mark.parametrize(
    ("host", "granted"),
    [
        ("api.example.com", []),
        ("api.example.com", ["example.com"]),
        ("example.com", ["*.example.com"]),
        ("api.example.com.evil.com", ["*.example.com"]),
        ("evil-example.com", ["*.example.com"]),
        ("api.example.com", ["api.example.com:443"]),
        ("127.0.0.1", ["localhost"]),
        ("127.0.0.1", ["*.1"]),
        ("", [""]),
        ("*.example.com", ["*.example.com"]),
        ("*", ["*"]),
        ("a b", ["a b"]),
        ("api.example.com:80", ["*.example.com"]),
        ("user@api.example.com", ["*.example.com"]),
        ("api.example.com/x", ["*.example.com"]),
        ("0x7f.1", ["0x7f.1"]),
        ("0x7f000001", ["0x7f000001"]),
        ("2130706433", ["2130706433"]),
        ("127.1", ["127.1"]),
        ("0177.0.0.1", ["0177.0.0.1"]),
        ("127.0.0.1.", ["127.0.0.1."]),
        ("a..example.com", ["*.example.com"]),
        ("127。0。0。1", ["127。0。0。1"]),
        ("１２７.0.0.1", ["１２７.0.0.1"]),
        ("-a.example.com", ["*.example.com"]),
        ("a" * 64 + ".example.com", ["*.example.com"]),
    ],
)
def test_what_is_not_granted_or_no_host_is_not_even_resolved(host: str, granted: list[str]) -> None:
    names = Names(["127.0.0.1"])
    with pytest.raises(Denied):
        Network(LOOPBACK, resolve=names).connect(host, 80, granted, timeout=1)
    assert names.asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["10.0.0.5"],
        ["169.254.169.254"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["::ffff:127.0.0.1"],
        ["224.0.0.1"],
        ["fe80::1%lo"],
        ["8.8.8.8", "127.0.0.1"],
        ["2606:4700:4700::1111", "fd00::1"],
        ["no address"],
    ],
)
def test_a_name_of_which_any_address_is_inside_is_denied(addresses: list[str]) -> None:
    with pytest.raises(Denied) as caught:
        Network(resolve=Names(addresses)).connect("inside.example.com", 80, ["*.example.com"], timeout=1)
    assert addresses[-1] in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "::ffff:7f00:1"])
def test_an_address_inside_is_denied_even_where_it_is_granted(host: str) -> None:
    with pytest.raises(Denied, match="no public address"):
        Network().connect(host, 80, [host], timeout=1)


def test_a_name_is_resolved_once_so_that_it_cannot_be_bound_anew(server: socket.socket) -> None:
    """The second answer would lead inside."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    with Network(LOOPBACK, resolve=names).connect(
        "a.example.com", port_of(server), ["a.example.com"], timeout=5
    ):
        assert len(names.asked) == 1


def test_a_name_bound_anew_is_denied_the_second_time(server: socket.socket) -> None:
    network = Network(LOOPBACK, resolve=Names(["127.0.0.1"], ["127.0.0.2"]))
    network.connect("a.example.com", port_of(server), ["a.example.com"], timeout=5).close()
    with pytest.raises(Denied):
        network.connect("a.example.com", port_of(server), ["a.example.com"], timeout=5)


def test_the_next_address_is_tried_where_the_first_does_not_answer(server: socket.socket) -> None:
    network = Network(("127.0.0.0/8",), resolve=Names(["127.0.0.9", "127.0.0.1"]))
    with network.connect("a.example.com", port_of(server), ["a.example.com"], timeout=5) as connected:
        assert connected.getpeername()[0] == "127.0.0.1"


def test_an_address_that_says_nothing_leaves_time_for_the_next(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, given = socket.create_connection, []

    def create(address: tuple[str, int], timeout: float) -> socket.socket:
        given.append(timeout)
        if len(given) == 1:
            raise TimeoutError
        return real(address, timeout)

    monkeypatch.setattr("reconciler.tools.egress.socket.create_connection", create)
    network = Network(("127.0.0.0/8",), resolve=Names(["127.0.0.9", "127.0.0.1"]))
    network.connect("a.example.com", port_of(server), ["a.example.com"], timeout=4).close()
    assert given[0] == pytest.approx(2, abs=0.5)


def nothing(host: str, port: int) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def never(host: str, port: int) -> Sequence[str]:
    time.sleep(3)
    return []


def in_disguise(host: str, port: int) -> Sequence[str]:
    raise RuntimeError("a resolver that broke")


@pytest.mark.parametrize(
    ("resolve", "error"),
    [
        (nothing, Unavailable),
        (Names([]), Unavailable),
        (in_disguise, Unavailable),
        (never, TimedOut),
        (Names(["127.0.0.1"]), Unavailable),
    ],
)
def test_what_cannot_be_reached_is_told_from_what_is_denied(
    resolve: Callable[[str, int], Sequence[str]], error: type[RunError]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = port_of(server)
    started = time.monotonic()
    with pytest.raises(error):
        Network(LOOPBACK, resolve=resolve).connect("a.example.com", closed, ["a.example.com"], timeout=0.3)
    assert time.monotonic() - started < 2


def test_a_host_that_does_not_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(address: tuple[str, int], timeout: float) -> socket.socket:
        raise TimeoutError(errno.ETIMEDOUT, "timed out")

    monkeypatch.setattr("reconciler.tools.egress.socket.create_connection", create)
    with pytest.raises(TimedOut):
        Network(resolve=Names(["8.8.8.8"])).connect("a.example.com", 80, ["a.example.com"], timeout=0.2)


def test_the_proxies_of_the_environment_are_not_asked(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    Network(LOOPBACK).connect("127.0.0.1", port_of(server), ["127.0.0.1"], timeout=5).close()


def test_a_network_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError):
        Network(["10.0.0.0/99"])


# --- TLS ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> Iterator[tuple[str, Callable[[str], ssl.SSLContext]]]:
    """A file with the certificate of an authority of its own, and servers' contexts that it vouches for."""
    import trustme

    own = trustme.CA()

    def context_for(name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.issue_cert(name).configure_cert(context)
        return context

    with own.cert_pem.tempfile() as path:
        yield path, context_for


def tls_server(context: ssl.SSLContext, stack: ExitStack) -> int:
    """Greets over TLS whoever comes; its port."""
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve() -> None:
        try:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as secured:
                secured.sendall(b"hello")
        except OSError:
            return  # the client did not like the certificate

    threading.Thread(target=serve, daemon=True).start()
    return port_of(listening)


@pytest.mark.parametrize(
    ("certified", "host", "trusted", "expected"),
    [
        ("a.example.com", "a.example.com", True, b"hello"),
        ("127.0.0.1", "127.0.0.1", True, b"hello"),
        ("b.example.com", "a.example.com", True, Unavailable),
        ("a.example.com", "a.example.com", False, Unavailable),
    ],
)
def test_a_certificate_must_be_trusted_and_be_for_the_host(
    authority: tuple[str, Callable[[str], ssl.SSLContext]],
    certified: str,
    host: str,
    trusted: bool,
    expected: bytes | type[RunError],
) -> None:
    path, context_for = authority
    network = Network(LOOPBACK, certificates=path if trusted else "", resolve=Names(["127.0.0.1"]))
    with ExitStack() as stack:
        port = tls_server(context_for(certified), stack)
        plain = network.connect(host, port, [host], timeout=5)
        if isinstance(expected, bytes):
            with network.secure(plain, host, timeout=5) as secured:
                assert secured.recv(5) == expected
        else:
            with pytest.raises(expected, match="certificate"):
                network.secure(plain, host, timeout=5)
            assert plain.fileno() == -1


def test_a_server_that_never_greets_times_out(server: socket.socket) -> None:
    network = Network(LOOPBACK)
    plain = network.connect("127.0.0.1", port_of(server), ["127.0.0.1"], timeout=5)
    with pytest.raises(TimedOut):
        network.secure(plain, "127.0.0.1", timeout=0.2)


def test_what_speaks_no_tls_is_unavailable(server: socket.socket) -> None:
    network = Network(LOOPBACK)
    plain = network.connect("127.0.0.1", port_of(server), ["127.0.0.1"], timeout=5)
    accepted, _ = server.accept()
    with accepted:
        accepted.sendall(b"220 mail.example.com\r\n")
        with pytest.raises(Unavailable):
            network.secure(plain, "127.0.0.1", timeout=5)

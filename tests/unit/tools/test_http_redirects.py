"""http_request: where it may be led, and what it takes along."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from reconciler.errors import (
    Denied,
    InvalidOutput,
    Truncated,
    Unavailable,
)
from reconciler.tools.egress import Network
from tests.http_server import HttpServer, answer
from tests.unit.tools.calls import Surroundings
from tests.unit.tools.http_calls import LOOPBACK, get, resolve, served


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(status, location=location)


@pytest.mark.parametrize(
    ("status", "method", "followed"),
    [
        ("301 Moved", "GET", "GET"),
        ("302 Found", "HEAD", "HEAD"),
        ("302 Found", "POST", "GET"),
        ("302 Found", "PUT", "PUT"),
        ("303 See Other", "PUT", "GET"),
        ("307 Temporary", "POST", "POST"),
        ("308 Permanent", "DELETE", "DELETE"),
    ],
)
def test_redirects_are_followed_as_browsers_do(status: str, method: str, followed: str) -> None:
    with HttpServer({"/a": redirect("b?c=d", status), "/b": answer()}) as server:
        body = {"body": "text"} if method in ("POST", "PUT") else {}
        get(f"{server.url}/a?q=1", method=method, **body)
    first, second = server.asked
    assert (second.method, second.target) == (followed, "/b?c=d")
    assert second.body == (first.body if followed == method else b"")
    assert ("content-type" in second.headers) == (second.body != b"")


@pytest.mark.parametrize(
    "location",
    [
        "http://not-granted.example.org/",
        "http://inside.example.com/",
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://0x7f.1/",
        "//not-granted.example.org/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://user:password@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\\evil",
        "javascript:alert(1)",
        "http://127.0.0.1:99999/",
    ],
)
def test_a_redirect_leads_nowhere_that_is_not_granted(location: str) -> None:
    with HttpServer({}) as server:
        server.script("/", redirect(location.format(port=server.port)))
        with pytest.raises(Denied):
            get(server.url, hosts=["127.0.0.1", "*.example.com", "127.0.0.2", "::1"])
        assert len(server.asked) == 1


def test_redirects_come_to_an_end() -> None:
    with HttpServer({"/": redirect("/")}) as server:
        with pytest.raises(InvalidOutput, match="without end"):
            get(server.url)
        assert len(server.asked) == 6


def test_a_redirect_without_a_place_is_a_result() -> None:
    assert served(answer("302 Found"))["status"] == 302


SECRET = {"Authorization": "Basic abc", "Cookie": "a=b", "X-Api-Key": "abc", "Accept": "text/plain"}


def test_no_key_goes_to_another_host() -> None:
    with (
        HttpServer({"/": answer()}) as other,
        HttpServer({"/": redirect(f"http://other.example.com:{other.port}/")}) as server,
    ):
        get(
            server.url,
            hosts=["127.0.0.1", "other.example.com"],
            headers={**SECRET},
            token_secret="token",
            host=Surroundings({"token": "abc"}),
        )
    sent = other.asked[0].headers
    assert server.asked[0].headers["authorization"] == "Bearer abc"
    assert sent["accept"] == "text/plain"
    assert sent["host"] == f"other.example.com:{other.port}"
    assert "abc" not in str(sent)
    assert {"authorization", "cookie", "x-api-key"}.isdisjoint(sent)


def test_keys_stay_on_the_way_to_the_same_host() -> None:
    with HttpServer({"/": redirect("/next"), "/next": answer()}) as server:
        get(server.url, token_secret="token", host=Surroundings({"token": "abc"}))
    assert server.asked[1].headers["authorization"] == "Bearer abc"


def test_a_secret_that_is_not_bound_is_denied() -> None:
    with pytest.raises(Denied):
        served(answer(), token_secret="token")


# --- TLS ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tls() -> Iterator[tuple[ssl.SSLContext, Network]]:
    """A server's context with a certificate of an authority of its own, and a network that trusts it."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "api.example.com").configure_cert(context)
    with authority.cert_pem.tempfile() as path:
        yield context, Network([LOOPBACK], certificates=path, resolve=resolve)


def test_https_reaches_whom_the_certificate_names(tls: tuple[ssl.SSLContext, Network]) -> None:
    context, network = tls
    with HttpServer({"/": answer(body=b"safe")}, context) as server:
        assert get(server.url, network=network)["body"] == "safe"
        named = f"https://api.example.com:{server.port}/"
        assert get(named, network=network, hosts=["*.example.com"])["body"] == "safe"
        with pytest.raises(Unavailable, match="certificate"):
            get(f"https://evil.example.com:{server.port}/", network=network, hosts=["*.example.com"])
        with pytest.raises(Unavailable, match="certificate"):
            get(server.url)


def test_no_redirect_leaves_tls(tls: tuple[ssl.SSLContext, Network]) -> None:
    context, network = tls
    with HttpServer({"/": answer()}) as plain, HttpServer({"/": redirect(plain.url)}, context) as server:
        with pytest.raises(Denied, match="without TLS"):
            get(server.url, network=network)
        assert plain.asked == []


def test_a_body_cut_within_tls_is_truncated(tls: tuple[ssl.SSLContext, Network]) -> None:
    context, network = tls
    with (
        HttpServer({"/": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}, context) as server,
        pytest.raises(Truncated),
    ):
        get(server.url, network=network)

"""http_request: what is sent to a real server on loopback, and where nothing is."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from reconciler.errors import (
    BadParameter,
    Denied,
)
from reconciler.tools.egress import Network
from tests.http_server import Asked, HttpServer, answer
from tests.unit.tools.calls import Surroundings
from tests.unit.tools.http_calls import get, served


def echo(asked: Asked) -> Iterator[bytes]:
    told = {
        "method": asked.method,
        "target": asked.target,
        "headers": asked.headers,
        "body": asked.body.decode(),
    }
    yield answer(body=json.dumps(told).encode(), content_type="application/json")


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({}, {"method": "GET", "target": "/", "body": ""}),
        ({"method": "DELETE"}, {"method": "DELETE"}),
        ({"query": {"q": "a b&c", "n": 3, "t": True, "no": None}}, {"target": "/?q=a+b%26c&n=3&t=true"}),
        ({"query": {"id": [1, 2]}}, {"target": "/?id=1&id=2"}),
        ({"method": "POST", "body": "hällo"}, {"body": "hällo"}),
        ({"method": "POST", "body": {"b": [1, None], "a": "ä"}}, {"body": '{"a": "ä", "b": [1, null]}'}),
        ({"method": "PUT", "body": 0}, {"body": "0"}),
        ({"method": "PATCH", "body": False}, {"body": "false"}),
    ],
)
def test_a_request_is_sent_as_its_parameters_say(params: dict[str, Any], told: dict[str, Any]) -> None:
    result = served(echo, **params)["json"]
    assert {name: result[name] for name in told} == told


@pytest.mark.parametrize(
    ("params", "header", "value"),
    [
        ({}, "user-agent", "reconciler/0.1.0"),
        ({}, "connection", "close"),
        ({"headers": {"User-Agent": "mine"}}, "user-agent", "mine"),
        ({"headers": {"X-Number": 3}}, "x-number", "3"),
        ({"method": "POST", "body": "a"}, "content-type", "text/plain; charset=utf-8"),
        ({"method": "POST", "body": [1]}, "content-type", "application/json"),
        (
            {"method": "POST", "body": "<a/>", "headers": {"Content-Type": "text/xml"}},
            "content-type",
            "text/xml",
        ),
        ({"method": "POST"}, "content-length", "0"),
        ({"token_secret": "token"}, "authorization", "Bearer abc.def"),
    ],
)
def test_headers_are_sent(params: dict[str, Any], header: str, value: str) -> None:
    host = Surroundings({"token": "abc.def\n"})
    assert served(echo, host=host, **params)["json"]["headers"][header] == value


def test_the_path_of_an_address_is_percent_encoded_once() -> None:
    with HttpServer({"/%C3%A4/b%20c": echo}) as server:
        result = get(f"{server.url}/ä/b%20c?x=ü#part", query={"y": "1"})
    assert result["json"]["target"] == "/%C3%A4/b%20c?x=%C3%BC&y=1"


@pytest.mark.parametrize(
    ("params", "place"),
    [
        ({"headers": {"X": "a\r\nEvil: b"}}, "headers/X"),
        ({"headers": {"X": "a\nb"}}, "headers/X"),
        ({"headers": {"X": "a\0b"}}, "headers/X"),
        ({"headers": {"X": "☃"}}, "headers/X"),
        ({"headers": {"X": "a" * 9_000}}, "headers/X"),
        ({"headers": {"X": {"a": 1}}}, "headers/X"),
        ({"headers": {"X\r\nEvil": "a"}}, "headers/X"),
        ({"headers": {"X Y": "a"}}, "headers/X Y"),
        ({"headers": {"": "a"}}, "headers/"),
        ({"headers": {"Host": "evil.com"}}, "headers/Host"),
        ({"headers": {"content-length": "5"}}, "headers/content-length"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "headers/Transfer-Encoding"),
        ({"headers": {"Connection": "keep-alive"}}, "headers/Connection"),
        ({"headers": {"Proxy-Authorization": "a"}}, "headers/Proxy-Authorization"),
        ({"headers": {"Upgrade": "h2c"}}, "headers/Upgrade"),
        ({"query": {"a": {"b": 1}}}, "query/a"),
        ({"query": {"a": [[1]]}}, "query/a"),
        ({"body": "a"}, "body"),
        ({"method": "TRACE"}, "method"),
        ({"method": "GET / HTTP/1.1\r\nEvil: b"}, "method"),
        ({"timeout": 3}, "timeout"),
        ({"token_secret": "token"}, "token_secret"),
    ],
)
def test_a_parameter_that_cannot_be_sent_is_refused_at_its_place(params: dict[str, Any], place: str) -> None:
    host = Surroundings({"token": "abc\r\nEvil: b"})
    with HttpServer({"/": echo}) as server:
        with pytest.raises(BadParameter) as caught:
            get(server.url, host=host, **params)
        assert server.asked == []
    assert caught.value.where.startswith(f"step/with/{place}")
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "//127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://user:password@127.0.0.1/",
        "http://127.0.0.1@evil.com/",
        "http://evil.com\\@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nEvil: b",
        "http://127.0.0.1\t/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:port/",
        "http://*.example.com/",
        "http://[::1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://127.0.0.1/" + "a" * 9_000,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadParameter) as caught:
        get(url, hosts=["*.example.com", "127.0.0.1"])
    assert caught.value.where == "step/with/url"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://other.example.com/", ["127.0.0.1"]),
        ("http://127.0.0.1:81/", ["127.0.0.1:80"]),
        ("https://127.0.0.1/", ["127.0.0.1:80"]),
        ("http://inside.example.com/", ["*.example.com"]),
        ("http://[::1]/", ["::1"]),
        ("http://169.254.169.254/latest/meta-data", ["169.254.169.254"]),
    ],
)
def test_a_host_beyond_the_grant_or_inside_is_denied(url: str, hosts: list[str]) -> None:
    with pytest.raises(Denied):
        get(url, hosts=hosts)


class Elsewhere(Network):
    """Its connections lead to this machine, which it takes for a public one."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def connect(self, host: str, port: int, granted: Sequence[str], *, timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), timeout)


@pytest.mark.parametrize(
    "params",
    [{"token_secret": "token"}, {"headers": {"Authorization": "Basic YTpi"}}],
    ids=["secret", "header"],
)
def test_no_token_travels_through_public_networks_in_the_clear(params: dict[str, Any]) -> None:
    host = Surroundings({"token": "abc"})
    with HttpServer({"/": echo}) as server:
        network = Elsewhere(server.port)
        with pytest.raises(Denied, match="unencrypted") as caught:
            get("http://api.example.com/", hosts=["api.example.com"], host=host, network=network, **params)
        assert get("http://api.example.com/", hosts=["api.example.com"], network=network)["status"] == 200
    assert "https" in caught.value.hint

"""http_request: answers that are hostile or broken."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator

import pytest

from reconciler.errors import (
    BudgetExceeded,
    InvalidOutput,
    RunError,
    TimedOut,
    Truncated,
    Unavailable,
)
from reconciler.tools.tool import Usage
from tests.http_server import Asked, HttpServer, answer
from tests.unit.tools.http_calls import get, served

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "abc"),
        (CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(body=b"a"), "a"),
    ],
)
def test_answers_are_read_to_their_end(sent: bytes, body: str) -> None:
    assert served(sent)["body"] == body


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Truncated),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Truncated),
        (CHUNKED + b"a\r\nabc", Truncated),
        (CHUNKED + b"3\r\nabc\r\n", Truncated),
        (CHUNKED + b"xyz\r\nabc\r\n", Truncated),
        (CHUNKED + b"3" * 70_000, InvalidOutput),
        (b"220 smtp.example.com ESMTP\r\n", InvalidOutput),
        (b"HTTP/1.1 abc OK\r\n\r\n", InvalidOutput),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", InvalidOutput),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", InvalidOutput),
        (b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 40_000 + b"\r\n") * 3 + b"\r\n", InvalidOutput),
        (answer(body=b"no gzip", content_encoding="gzip"), InvalidOutput),
        (answer(body=gzip.compress(b"abc" * 100, mtime=0)[:-12], content_encoding="gzip"), Truncated),
        (answer(body=b"x", content_encoding="br"), InvalidOutput),
        (answer(body=zlib.compress(b"x"), content_encoding="gzip, gzip"), InvalidOutput),
    ],
)
def test_a_broken_answer_is_typed(sent: bytes, error: type[RunError]) -> None:
    with pytest.raises(error) as caught:
        served(sent)
    assert caught.value.where == "step"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"hello"), gzip.compress(b"hel") + gzip.compress(b"lo"), b""],
    ids=["whole", "in two members", "nothing"],
)
def test_packed_answers_are_unpacked(body: bytes) -> None:
    assert served(answer(body=body, content_encoding="gzip"))["body"] == ("hello" if body else "")


def test_a_body_is_bounded() -> None:
    def endless(asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        for _ in range(10_000):
            yield b"a" * 65_536

    with pytest.raises(BudgetExceeded, match="5,242,880"):
        served(endless)


def test_a_bomb_is_stopped_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=9)
    started = time.monotonic()
    with pytest.raises(BudgetExceeded):
        served(answer(body=bomb, content_encoding="gzip"))
    assert time.monotonic() - started < 2


def test_the_bytes_of_the_grant_are_those_of_all_calls_of_a_task() -> None:
    usage = Usage()
    grant = {"limits": {"bytes": 100}}
    with HttpServer({"/": answer(body=b"a" * 60)}) as server:
        get(server.url, usage=usage, grant=grant)
        assert usage.bytes == 60
        with pytest.raises(BudgetExceeded):
            get(server.url, usage=usage, grant=grant)


def slowly(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        time.sleep(0.05)
        yield piece


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: ",
        CHUNKED,
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["nothing", "body", "header", "chunk", "continue"],
)
def test_a_server_that_trickles_is_given_up_at_the_deadline(first: bytes) -> None:
    def trickle(asked: Asked) -> Iterator[bytes]:
        yield first
        yield from slowly(iter([b"1"] * 200))

    started = time.monotonic()
    with pytest.raises(TimedOut):
        served(trickle, seconds=0.5)
    assert time.monotonic() - started < 1.5

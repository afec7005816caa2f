"""http_request: what comes of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import (
    InvalidOutput,
    RateLimited,
    RunError,
    Unavailable,
)
from tests.http_server import answer
from tests.unit.tools.http_calls import served


def test_the_result_has_the_declared_shape() -> None:
    result = served(
        answer("201 Created", b'{"a": [1, 2.5, null]}', content_type="application/json", x_a="b", X_A="c")
    )
    assert result["status"] == 201
    assert result["headers"] == {"content-length": "21", "content-type": "application/json", "x-a": "b, c"}
    assert result["body"] == '{"a": [1, 2.5, null]}'
    assert result["json"] == {"a": [1, 2.5, None]}
    assert result["base64"] is None


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("hällo".encode(), "text/plain; charset=utf-8", "hällo"),
        ("hällo".encode("latin-1"), "text/plain; charset=ISO-8859-1", "hällo"),
        ("hällo".encode("latin-1"), "text/plain", "hällo"),
        ("hällo".encode(), "text/plain; charset=no-such-set", "hällo"),
        ("hällo".encode(), 'text/plain; charset="UTF-8"', "hällo"),
        ("hällo".encode("utf-16"), "text/plain", "hällo"),
        ("\ufeffhällo".encode(), "text/plain", "hällo"),
        ("日本".encode("shift_jis"), "text/html; charset=Shift_JIS", "日本"),
        ('<meta charset="windows-1252">€'.encode("cp1252"), "text/html", '<meta charset="windows-1252">€'),
        (b"plain", "", "plain"),
        (b"abc", "text/plain; charset=base64", "abc"),
        (b"+AGE-", "text/plain; charset=utf-7", "+AGE-"),
        (b"a\xffb", "text/plain; charset=utf-8", "a\ufffdb"),
        (b"", "text/plain", ""),
    ],
)
def test_a_body_is_read_in_its_character_set(body: bytes, kind: str, text: str) -> None:
    result = served(answer(body=body, content_type=kind) if kind else answer(body=body))
    assert result["base64"] is None
    assert result["body"] == text


def test_bytes_that_are_no_text_come_as_base64() -> None:
    result = served(answer(body=b"\x89PNG\r\n\0\xff", content_type="image/png"))
    assert (result["body"], result["base64"]) == ("", "iVBORw0KAP8=")


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ("[1]", "application/json", [1]),
        ("[1]", "application/problem+json; charset=utf-8", [1]),
        ("[1]", "text/html", None),
        ("[1", "application/json", None),
        ("", "application/json", None),
        ("NaN", "application/json", None),
        ("1e999", "application/json", None),
        ('"\\ud800"', "application/json", None),
        ('"\\ud83d\\ude00"', "application/json", "😀"),
        ("[" * 100_000, "application/json", None),
        ("9" * 10_000, "application/json", None),
    ],
)
def test_a_body_of_json_is_parsed_if_it_can_be(body: str, kind: str, value: Any) -> None:
    assert served(answer(body=body.encode(), content_type=kind))["json"] == value


OUTPUT = {
    "id": {"type": "integer", "required": True},
    "name": "string",
    "state": {"type": "string", "default": "new"},
}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ('{"id": 1, "name": "a", "more": {}}', {"id": 1, "name": "a", "state": "new"}),
        ('{"id": 1}', {"id": 1, "name": None, "state": "new"}),
        ('{"id": "1"}', "id"),
        ("{}", "id"),
        ("[1]", "object"),
        ("<html>", "object"),
        ("", "object"),
    ],
)
def test_the_json_of_an_answer_must_be_what_is_declared(body: str, value: Any) -> None:
    if isinstance(value, dict):
        assert served(answer(body=body.encode()), output=OUTPUT)["json"] == value
        return
    with pytest.raises(InvalidOutput, match=value):
        served(answer(body=body.encode()), output=OUTPUT)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", 200),
        ("304 Not Modified", 304),
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("404 Not Found", 404),
        ("418 I'm a teapot", 418),
        ("429 Too Many Requests", RateLimited),
        ("500 Internal Server Error", Unavailable),
        ("502 Bad Gateway", Unavailable),
        ("503 Service Unavailable", Unavailable),
        ("504 Gateway Timeout", Unavailable),
    ],
)
def test_a_status_is_a_result_unless_trying_again_may_help(
    status: str, expected: int | type[RunError]
) -> None:
    if isinstance(expected, int):
        assert served(answer(status))["status"] == expected
        return
    with pytest.raises(expected) as caught:
        served(answer(status, retry_after="30"))
    assert "30 seconds" in caught.value.hint
    assert caught.value.retry_after == 30


def test_a_head_request_has_no_body() -> None:
    result = served(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", method="HEAD")
    assert (result["status"], result["body"], result["headers"]["content-length"]) == (200, "", "1000")

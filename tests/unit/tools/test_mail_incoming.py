"""Whatever comes, a message can be read of it."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.tools.mail.charsets import decoded, decoded_header
from reconciler.tools.mail.incoming import AttachmentBudget, read_headers, read_message
from reconciler.tools.mail.names import safe_name
from reconciler.tools.registry import builtin_registry
from tests.unit.tools.calls import call
from tests.unit.tools.malformed_mail import MALFORMED

_MIB = 1 << 20


def reduced(page: str) -> str:
    return str(call(builtin_registry().tool("html_to_text"), {"html": page})["text"])


def read(
    raw: bytes, *, contents: bool = True, count: int = 20, each: int = _MIB, total: int = _MIB
) -> dict[str, Any]:
    return read_message(raw, AttachmentBudget(contents, count, each, total), reduced)


@pytest.mark.parametrize(
    ("raw", "expected"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_malformed_mail_is_read_as_far_as_it_goes(raw: bytes, expected: dict[str, Any]) -> None:
    began = time.monotonic()
    message = read(raw)
    assert time.monotonic() - began < 5
    told = {**message, "attachments": len(message["attachments"])}
    assert {name: told[name] for name in expected} == expected
    assert "\0" not in json.dumps(message, ensure_ascii=False).encode().decode()
    assert message["message_id"] == read_headers(raw)["message_id"]


@given(st.binary(max_size=400), st.sampled_from(MALFORMED), st.integers(0, 2_000))
def test_no_bytes_make_reading_fail(noise: bytes, case: tuple[str, bytes, Any], place: int) -> None:
    raw = case[1][:4_000]
    message = read(raw[:place] + noise + raw[place:])
    json.dumps(message, ensure_ascii=False).encode()


def test_every_kind_of_part_finds_its_place() -> None:
    letter = EmailMessage()
    letter["From"] = "Jürgen <j@example.com>"
    letter["To"] = "a@example.com, Bö <b@example.com>"
    letter["Reply-To"] = "list@example.com"
    letter["In-Reply-To"] = "<1@example.com>"
    letter["Date"] = "Wed, 01 Jan 2025 12:00:00 +0200"
    letter["Subject"] = "Ein sehr langer Betreff, " * 6 + "größer"
    letter.set_content("plain ä\n")
    letter.add_alternative("<p>rich", subtype="html")
    letter.add_attachment("Größe;1\n", subtype="csv", filename="größe.csv", charset="iso-8859-1")
    letter.add_attachment(b"\0\1", maintype="application", subtype="pdf", filename="../../etc/passwd")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("do not read me as the body")
    letter.add_attachment(inner)

    message = read(letter.as_bytes())
    assert (message["sender"], message["sender_name"]) == ("j@example.com", "Jürgen")
    assert message["to"] == ["a@example.com", "b@example.com"]
    assert (message["reply_to"], message["in_reply_to"]) == ("list@example.com", "<1@example.com>")
    assert message["sent_at"] == "2025-01-01T10:00:00+00:00"
    assert message["subject"] == "Ein sehr langer Betreff, " * 6 + "größer"
    assert message["body"] == "plain ä\n"
    table, paper, letter_inside = message["attachments"]
    assert (table["name"], table["text"], table["content"]) == ("größe.csv", "Größe;1\n", None)
    assert (paper["name"], paper["text"], b64decode(paper["content"])) == ("passwd", None, b"\0\1")
    assert (letter_inside["name"], letter_inside["type"]) == ("message.eml", "message/rfc822")
    assert message["truncated"] is False


def _with_attachments(*sizes: int) -> bytes:
    letter = EmailMessage()
    letter.set_content("see there")
    for number, size in enumerate(sizes):
        letter.add_attachment(b"x" * size, maintype="application", subtype="zip", filename=f"{number}.zip")
    return letter.as_bytes()


@pytest.mark.parametrize(
    ("limits", "omitted", "truncated"),
    [
        ({}, [None, None, None], False),
        ({"contents": False}, ["not asked for"] * 3, False),
        ({"each": 200}, [None, None, "too large"], False),
        ({"total": 250}, [None, "too large", "too large"], False),
        ({"count": 2}, [None, None], True),
        ({"count": 0}, [], True),
    ],
)
def test_attachments_stay_within_their_limits(
    limits: dict[str, Any], omitted: list[Any], truncated: bool
) -> None:
    message = read(_with_attachments(100, 200, 300), **limits)
    assert [attachment["omitted"] for attachment in message["attachments"]] == omitted
    assert [attachment["size"] for attachment in message["attachments"]] == [100, 200, 300][: len(omitted)]
    assert message["truncated"] is truncated


def test_a_message_without_an_id_has_the_same_one_whenever_it_is_read() -> None:
    first, other = (read(f"Subject: {subject}\r\n\r\nx".encode())["message_id"] for subject in "ab")
    assert first == read(b"Subject: a\r\n\r\nx")["message_id"] != other
    assert first.endswith("@no-message-id.invalid>")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        (r"C:\temp\x.doc", "x.doc"),
        ("..", "attachment"),
        ("", "attachment"),
        (".bashrc", "bashrc"),
        ("a\r\nb.txt", "a_b.txt".replace("_", "__")),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"),
        ("con.txt", "attachment_con.txt"),
        ("größe.csv", "größe.csv"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
        ("x" * 300, "x" * 120),
        ("a/", "attachment"),
    ],
)
def test_names_of_attachments_are_fit_for_files(name: str, expected: str) -> None:
    assert safe_name(name) == expected


@given(st.text(max_size=300))
def test_no_name_leaves_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 120
    assert not set(safe) & set("/\\\0\r\n")
    assert not safe.startswith(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?UTF-8*de?Q?Gr=C3=BC=C3=9Fe_=5F?= rest", "Grüße _ rest"),
        ("a =?utf-8?Q?b?= =?utf-8?Q?c?= d", "a bc d"),
        ("=?utf-8?Q?a?= =?iso-8859-1?Q?=E4?=", "aä"),
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
        ("=?broken", "=?broken"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?idna?Q?a?=", "a"),
    ],
)
def test_encoded_words_of_headers_are_decoded(text: str, expected: str) -> None:
    assert decoded_header(text) == expected


@given(
    st.binary(max_size=200),
    st.text(max_size=20) | st.sampled_from(["utf-16", "utf-7", "hz", "big5", "cp037"]),
)
def test_any_bytes_of_any_charset_are_some_text(data: bytes, charset: str) -> None:
    assert isinstance(decoded(data, charset), str)

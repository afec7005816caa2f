"""Mail as it should not be: bytes, and what can nevertheless be read of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any


def _mail(*lines: str | bytes) -> bytes:
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)


def _nested(depth: int) -> bytes:
    opening = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth)
    )
    return f"From: a@b.example\r\nSubject: deep\r\n{opening}\r\ninnermost".encode()


_MIXED = 'Content-Type: multipart/mixed; boundary="x"'
_PICTURE = b64encode(b"\x89PNG").decode()

MALFORMED: list[tuple[str, bytes, dict[str, Any]]] = [
    ("nothing at all", b"", {"sender": "", "subject": "", "body": ""}),
    ("only zeros", b"\0" * 5_000, {"body": ""}),
    ("only noise", bytes(range(256)) * 40, {}),
    ("no headers", b"\r\njust a body\r\n", {"body": "just a body\n"}),
    ("no body", _mail("From: a@b.example", "Subject: x"), {"subject": "x", "body": ""}),
    ("line ends of one kind", b"From: a@b.example\nSubject: x\n\nhi\n", {"subject": "x", "body": "hi\n"}),
    ("line ends of another", b"From: a@b.example\rSubject: x\r\rhi\r", {"sender": "a@b.example"}),
    (
        "a header without colon",
        _mail("From: a@b.example", "nonsense", "Subject: x", "", "hi"),
        {"sender": "a@b.example"},
    ),
    ("a header that is only a continuation", _mail(" folded", "From: a@b.example", "", "hi"), {}),
    ("two senders", _mail("From: a@b.example", "From: c@d.example", "", "hi"), {"sender": "a@b.example"}),
    ("a sender without address", _mail("From: the boss", "", "hi"), {"sender": ""}),
    ("an open bracket", _mail("From: Bob <bob@b.example", "", "hi"), {"sender": "bob@b.example"}),
    ("a sea of brackets", _mail("From: " + "(" * 9_000 + "a@b.example", "", "hi"), {"body": "hi"}),
    ("a sea of commas", _mail("From: a@b.example", "To: " + "," * 60_000, "", "hi"), {"body": "hi"}),
    ("raw UTF-8 in a header", _mail("Subject: Grüße", "", "hi"), {"subject": "Grüße"}),
    ("raw latin-1 in a header", b"Subject: Gr\xfc\xdfe\r\n\r\nhi", {"subject": "Grüße"}),
    ("an unknown charset in a header", _mail("Subject: =?martian?Q?x=C3=A4?=", "", "hi"), {"subject": "xä"}),
    ("broken base64 in a header", _mail("Subject: =?utf-8?B?!!!?= end", "", "hi"), {"body": "hi"}),
    (
        "a character cut in two words",
        _mail("Subject: =?utf-8?Q?=C3?=", " =?utf-8?Q?=A4?=", "", "hi"),
        {"subject": "ä"},
    ),
    ("an encoded line end", _mail("Subject: =?utf-8?Q?a=0D=0ABcc:_x?=", "", "hi"), {"subject": "a Bcc: x"}),
    ("an encoded zero", _mail("Subject: =?utf-8?Q?a=00b?=", "", "hi"), {"subject": "ab"}),
    ("an unknown charset", _mail("Content-Type: text/plain; charset=martian", "", "ä"), {"body": "ä"}),
    (
        "a wrong charset",
        _mail("Content-Type: text/plain; charset=utf-8", "", b"Gr\xfc\xdfe"),
        {"body": "Gr\ufffd\ufffde"},
    ),
    (
        "ASCII that is none",
        _mail("Content-Type: text/plain; charset=us-ascii", "", b"Gr\xfc\xdfe"),
        {"body": "Grüße"},
    ),
    (
        "a charset that is a compression",
        _mail("Content-Type: text/plain; charset=zlib", "", "hi"),
        {"body": "hi"},
    ),
    ("a charset that takes ages", _mail("Content-Type: text/plain; charset=punycode", "", "a" * 90_000), {}),
    (
        "a charset with a zero in it",
        _mail(b"Content-Type: text/plain; charset=u\0tf", "", "hi"),
        {"body": "hi"},
    ),
    ("an encoding that is none", _mail("Content-Transfer-Encoding: rot13", "", "hi"), {"body": "hi"}),
    ("base64 that is none", _mail("Content-Transfer-Encoding: base64", "", "?hi?"), {}),
    ("base64 cut off", _mail("Content-Transfer-Encoding: base64", "", "aGFsbG"), {}),
    (
        "quoted-printable cut off",
        _mail("Content-Transfer-Encoding: quoted-printable", "", "hall=C"),
        {"body": "hall=C"},
    ),
    ("several parts and no boundary", _mail("Content-Type: multipart/mixed", "", "--x", "", "hi"), {}),
    ("a boundary that never comes", _mail(_MIXED, "", "hi"), {}),
    ("an end that never comes", _mail(_MIXED, "", "--x", "", "hi"), {"body": "hi"}),
    ("a part that is empty", _mail(_MIXED, "", "--x", "--x", "", "hi", "--x--"), {}),
    ("a content type that is none", _mail("Content-Type: ;;;===;", "", "hi"), {"body": "hi"}),
    (
        "parameters numbered wrongly",
        _mail(
            _MIXED,
            "",
            "--x",
            "Content-Disposition: attachment; filename*99999999999999999999*=x; filename*x=y",
            "",
            "hi",
            "--x--",
        ),
        {"attachments": 1},
    ),
    (
        "a file name in a charset that is none",
        _mail(
            _MIXED,
            "",
            "--x",
            "Content-Disposition: attachment; filename*=martian'en'%E4.txt",
            "",
            "hi",
            "--x--",
        ),
        {"attachments": 1},
    ),
    (
        "a picture that is the body",
        _mail("Content-Type: image/png; name=../../x.png", "Content-Transfer-Encoding: base64", "", _PICTURE),
        {"attachments": 1, "body": ""},
    ),
    (
        "a message inside that is none",
        _mail(_MIXED, "", "--x", "Content-Type: message/rfc822", "", "", "--x--"),
        {"attachments": 1},
    ),
    ("nested a thousand times", _nested(1_000), {"subject": "deep"}),
    ("nested fifty times", _nested(50), {"subject": "deep", "body": "innermost"}),
    ("ten thousand parts", _mail(_MIXED, "", *["--x\r\n\r\na"] * 10_000), {"truncated": True}),
    ("a date of no calendar", _mail("Date: Tue, 99 Foo 99999 99:99:99 +9999", "", "hi"), {"sent_at": None}),
    ("HTML that never ends", _mail("Content-Type: text/html", "", "<p>hi<b" + "<" * 5_000), {}),
    (
        "HTML alone",
        _mail("Content-Type: text/html", "", "<p>Hello<script>x()</script><p>you"),
        {"body": "Hello\nyou"},
    ),
    ("a header of a megabyte", b"Subject: " + b"x" * (1 << 20) + b"\r\n\r\nhi", {"body": "hi"}),
]
"""Name, bytes, and what is read: fields of the message, `attachments` as their number."""

"""Reading mail that came: whatever its bytes are, there is a message with a sender, a subject and a body.

Nothing in here may fail for a message. What cannot be decoded is decoded as well as can be; what is beyond that is left
out and the message marked `truncated`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from hashlib import sha256
from typing import Any

from reconciler.tools.mail.charsets import clean, decoded, decoded_header, from_wire
from reconciler.tools.mail.names import safe_name

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_PARTS = 500
_BODY = 1 << 20
"""Characters of a body."""

_HEADER = 20_000
_ADDRESSES = 200

Reduce = Callable[[str], str]
"""HTML to text."""


@dataclass(slots=True)
class AttachmentBudget:
    """`count` is for each message; `each` and `total` are bytes, `total` of all messages of a call. `contents` says
    whether contents are wanted at all."""

    contents: bool
    count: int
    each: int
    total: int

    def take(self, size: int) -> str:
        """Why an attachment of so many bytes is left out; empty where it is not."""
        if not self.contents:
            return "not asked for"
        if size > self.each or size > self.total:
            return "too large"
        self.total -= size
        return ""


def read_headers(raw: bytes) -> dict[str, Any]:
    """What the headers of a message say. A message without a Message-ID gets one made of its headers' digest: the same
    whenever it is read."""
    return _described(_parsed(raw, headers_only=True), raw)


def read_message(
    raw: bytes, budget: AttachmentBudget, reduce: Reduce, *, cut: bool = False
) -> dict[str, Any]:
    """The headers, `body` and `attachments`. `cut`: there were more bytes than these."""
    message = _parsed(raw)
    contents = _Contents(budget)
    for part in _leaves(message):
        contents.take(part)
    body, shortened = contents.body(reduce)
    return {
        **_described(message, raw),
        "body": body,
        "attachments": contents.attachments,
        "truncated": cut or shortened or contents.incomplete,
    }


def _parsed(raw: bytes, *, headers_only: bool = False) -> Message:
    try:
        if not headers_only:
            return BytesParser().parsebytes(raw)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        pass  # nested beyond all measure, or one of the parser's own errors: the headers are there nevertheless
    return BytesHeaderParser().parsebytes(raw)


def _described(message: Message, raw: bytes) -> dict[str, Any]:
    headers: dict[str, str] = {}
    for name, value in message.raw_items():
        headers.setdefault(str(name).lower(), from_wire(str(value)[:_HEADER]))
    senders = _addresses(headers.get("from", "")) or _addresses(headers.get("sender", ""))
    name, address = senders[0] if senders else ("", "")
    return {
        "message_id": clean(headers.get("message-id", "").strip())[:998] or _made_id(raw),
        "sender": address,
        "sender_name": name,
        "to": [address for _, address in _addresses(headers.get("to", ""))],
        "cc": [address for _, address in _addresses(headers.get("cc", ""))],
        "reply_to": next((address for _, address in _addresses(headers.get("reply-to", ""))), None),
        "in_reply_to": clean(headers.get("in-reply-to", "").strip())[:998] or None,
        "subject": " ".join(decoded_header(headers.get("subject", "")).split())[:998],
        "sent_at": _moment(headers.get("date", "")),
    }


def _made_id(raw: bytes) -> str:
    head = _BLANK_LINE.split(raw, 1)[0].rstrip()
    return f"<{sha256(head).hexdigest()[:32]}@no-message-id.invalid>"


def _addresses(header: str) -> list[tuple[str, str]]:
    """Names and addresses, those that are none left out."""
    try:
        found = getaddresses([header])
    except (RecursionError, ValueError, IndexError, TypeError, AttributeError):
        return []
    return [
        (" ".join(decoded_header(name).split())[:320], clean(address)[:320])
        for name, address in found[:_ADDRESSES]
        if "@" in address.strip("@")
    ]


def _moment(date: str) -> str | None:
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, TypeError, OverflowError, IndexError, AttributeError):
        return None


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order. A message inside the message is one of them, not opened."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.is_multipart() and part.get_content_maintype() != "message":
            waiting.extend(reversed(_children(part)))
        else:
            yield part


def _children(part: Message) -> list[Message]:
    children = part.get_payload()
    return [child for child in children if isinstance(child, Message)] if isinstance(children, list) else []


class _Contents:
    """What has been found in the parts so far."""

    def __init__(self, budget: AttachmentBudget) -> None:
        self.attachments: list[dict[str, Any]] = []
        self.incomplete = False
        self._budget = budget
        self._texts: list[str] = []
        self._pages: list[str] = []
        self._parts = 0

    def take(self, part: Message) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            self.incomplete = True
            return
        kind, name = part.get_content_type(), _name(part)
        inline = kind in ("text/plain", "text/html") and not name and _disposition(part) != "attachment"
        if inline:
            (self._texts if kind == "text/plain" else self._pages).append(
                decoded(_bytes(part), _charset(part))
            )
        elif len(self.attachments) < self._budget.count:
            self.attachments.append(self._attachment(part, kind, name))
        else:
            self.incomplete = True

    def body(self, reduce: Reduce) -> tuple[str, bool]:
        """The plain texts; where there are none, what can be read of the HTML. And whether it was shortened."""
        text = "\n".join(self._texts)
        if not text.strip() and self._pages:
            text = "\n".join(reduce(clean(page)[: 4 * _BODY]) for page in self._pages)
        text = clean(text.replace("\r\n", "\n"))
        return text[:_BODY], len(text) > _BODY

    def _attachment(self, part: Message, kind: str, name: str) -> dict[str, Any]:
        content = _bytes(part)
        omitted = self._budget.take(len(content))
        text = kind.startswith("text/") and not omitted
        return {
            "name": safe_name(name or ("message.eml" if kind == "message/rfc822" else "attachment")),
            "type": clean(kind)[:200],
            "size": len(content),
            "text": clean(decoded(content, _charset(part))) if text else None,
            "content": None if text or omitted else b64encode(content).decode(),
            "omitted": omitted or None,
        }


def _bytes(part: Message) -> bytes:
    try:
        if part.is_multipart():
            return b"\r\n".join(inner.as_bytes() for inner in _children(part))
        unpacked = part.get_payload(decode=True)
        return unpacked if isinstance(unpacked, bytes) else b""
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        return b""


def _charset(part: Message) -> str:
    try:
        charset = part.get_param("charset")
        return str(charset[2] if isinstance(charset, tuple) else charset or "")
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _name(part: Message) -> str:
    try:
        return decoded_header(from_wire(part.get_filename() or ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "attachment"


def _disposition(part: Message) -> str:
    try:
        return part.get_content_disposition() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def received(seconds: float | None) -> str | None:
    """A moment in seconds since the epoch as an ISO text."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()

"""Letter: a mail to be sent, made from the parameters of a call, ready for the wire.

Everything that ends up in a header is refused if it has a line end or another control character in it: what looks
like one header must not become two.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from hashlib import sha256
from typing import Any

from reconciler.errors import BadParameter, Denied
from reconciler.spec.recipients import Recipient, parse_recipient
from reconciler.tools.mail.names import safe_name
from reconciler.tools.tool import ToolContext

MOST_RECIPIENTS = 100
_HEADER = 2_000
_POLICY = SMTP.clone(cte_type="7bit")  # every server takes it
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MEDIA_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")
_MESSAGE_ID = re.compile(r"<[^<>@\s]{1,200}@[^<>@\s]{1,200}>")


@dataclass(frozen=True, slots=True)
class Letter:
    """`content` is the whole message with CRLF line ends; `recipients` are all, hidden ones included."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Attachment:
    name: str
    media_type: str
    content: bytes


def letter_of(context: ToolContext, params: Mapping[str, Any]) -> Letter:
    """Raises BadParameter with the place of the value, Denied for a recipient who is not granted."""
    place = f"{context.step}/with"
    sender = _sender(context, params, place)
    groups = {name: _recipients(context, params.get(name), f"{place}/{name}") for name in ("to", "cc", "bcc")}
    if not groups["to"]:
        raise BadParameter("`action: send` needs somebody to send to", where=f"{place}/to")
    recipients = tuple(dict.fromkeys(address for group in groups.values() for address in group))
    if len(recipients) > MOST_RECIPIENTS:
        raise BadParameter(f"a letter goes to at most {MOST_RECIPIENTS} recipients", where=f"{place}/to")
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = ", ".join(groups["to"])
    if groups["cc"]:
        message["Cc"] = ", ".join(groups["cc"])
    if params.get("reply_to") is not None:
        message["Reply-To"] = _address(params["reply_to"], f"{place}/reply_to")
    message["Subject"] = _line(params.get("subject") or "", f"{place}/subject")
    if params.get("in_reply_to") is not None:
        message["In-Reply-To"] = message["References"] = _answered(
            params["in_reply_to"], f"{place}/in_reply_to"
        )
    message["Auto-Submitted"] = "auto-generated"  # so that no holiday notice answers it (RFC 3834)
    attachments = [*_attachments(params, f"{place}/attachments")]
    digest = _digest(message, recipients, params)
    message_id = _message_id(context, digest, sender)
    message["Message-ID"] = message_id
    message["Date"] = formatdate()
    _fill(message, params, attachments, place)
    _set_boundaries(message, digest)
    return Letter(message_id, sender, recipients, message.as_bytes())


def _fill(
    message: EmailMessage, params: Mapping[str, Any], attachments: Sequence[_Attachment], place: str
) -> None:
    text, html = params.get("text"), params.get("html")
    if text is None and html is None:
        raise BadParameter("`action: send` needs `text` or `html`", where=place)
    if text is not None:
        message.set_content(_body(text))
    if html is not None and text is not None:
        message.add_alternative(_body(html), subtype="html")
    elif html is not None:
        message.set_content(_body(html), subtype="html")
    for attachment in attachments:
        main, _, sub = attachment.media_type.partition("/")
        charset = {"charset": "utf-8"} if main == "text" else {}
        message.add_attachment(
            attachment.content, maintype=main, subtype=sub, filename=attachment.name, params=charset
        )


def _body(text: str) -> str:
    """Without halves of characters, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


def _digest(message: EmailMessage, recipients: Sequence[str], params: Mapping[str, Any]) -> str:
    """Of all that the letter says. Two letters differ in it if they differ at all."""
    digest = sha256()
    said = [*(f"{name}: {value}" for name, value in message.items()), *recipients]
    for text in (*said, params.get("text") or "", params.get("html") or ""):
        _add(digest, _body(text).encode())
    for attachment in params.get("attachments") or ():
        for name in ("name", "type", "text", "content"):
            _add(digest, _body(attachment.get(name) or "").encode())
    return digest.hexdigest()


def _add(digest: Any, data: bytes) -> None:
    """With its length before it: `ab`, `c` is not `a`, `bc`."""
    digest.update(len(data).to_bytes(8, "big"))
    digest.update(data)


def _message_id(context: ToolContext, digest: str, sender: str) -> str:
    """The same for the same letter of the same step of the same task, however often it is attempted; servers and
    readers show a repeated one once. The digest tells apart what one step sends to several."""
    step = re.sub(r"[^A-Za-z0-9_-]+", ".", context.step).strip(".")
    task = re.sub(r"[^A-Za-z0-9_-]+", "-", context.task.id)
    return f"<{task}.{step}.{digest[:16]}@{sender.rpartition('@')[2]}>"


def _set_boundaries(message: EmailMessage, digest: str) -> None:
    """The same ones for the same letter. Nobody can write a text that has the digest of itself in it."""
    several = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(several):
        part.set_boundary(f"=_{number}_{digest[16:]}")


def _sender(context: ToolContext, params: Mapping[str, Any], place: str) -> str:
    """`from`, else the name to log in with or the type's owner, whichever is an address."""
    if params.get("from") is not None:
        return _address(params["from"], f"{place}/from")
    for candidate in (params.get("username"), context.agent_type.spec.owner):
        parsed = parse_recipient(candidate) if isinstance(candidate, str) else None
        if parsed is not None and not parsed.anyone:
            return str(candidate).strip()
    raise BadParameter("nothing says who sends the letter", where=f"{place}/from", hint="add `from`")


def _recipients(context: ToolContext, value: Any, where: str) -> list[str]:
    if value is None:
        return []
    several = isinstance(value, list)
    patterns = [found for text in context.grant.recipients or [] if (found := parse_recipient(text))]
    addresses: list[str] = []
    for index, item in enumerate(value if several else [value]):
        place = f"{where}/{index}" if several else where
        address = _address(item, place)
        meant = parse_recipient(address)
        if meant is None or not any(pattern.covers(meant) for pattern in patterns):
            hint = "add it to `recipients` of the grant of `email_connector` in `tools`"
            raise Denied(f"mail to `{address}` is not granted", where=place, hint=hint)
        addresses.append(address)
    return addresses


def _address(value: Any, where: str) -> str:
    """A bare address, its domain in the normal form."""
    if not isinstance(value, str):
        raise BadParameter("must be a mail address", where=where)
    address = _line(value, where).strip()
    parsed: Recipient | None = parse_recipient(address)
    if parsed is None or parsed.anyone:
        hint = "a bare address such as `a@example.com`; several are a list"
        raise BadParameter(f"`{address[:100]}` is no mail address", where=where, hint=hint)
    return f"{address.rpartition('@')[0]}@{parsed.domain}"


def _line(text: str, where: str) -> str:
    if found := _CONTROL.search(text):
        message = f"a line end or control character (U+{ord(found[0]):04X}) cannot stand in a header"
        hint = "replace it where the text comes from" if found[0] not in "\r\n" else "keep it to one line"
        raise BadParameter(message, where=where, hint=hint)
    if len(text) > _HEADER:
        raise BadParameter(f"longer than {_HEADER:,} characters", where=where)
    return text


def _answered(value: str, where: str) -> str:
    if not _MESSAGE_ID.fullmatch(_line(value, where)) or not value.isascii():
        hint = "as in `message_id` of a fetched message: `<something@example.com>`"
        raise BadParameter("no Message-ID", where=where, hint=hint)
    return value


def _attachments(params: Mapping[str, Any], where: str) -> Iterator[_Attachment]:
    given = params.get("attachments")
    if given is None:
        return
    if not isinstance(given, list):
        raise BadParameter("must be a list of objects", where=where)
    if len(given) > params["max_attachments"]:
        raise BadParameter(f"{len(given)} attachments, at most {params['max_attachments']}", where=where)
    total = 0
    for index, item in enumerate(given):
        attachment = _attachment(item, f"{where}/{index}")
        size = len(attachment.content)
        total += size
        for actual, most, what in (
            (size, params["max_attachment_bytes"], "has"),
            (total, params["max_total_bytes"], "makes"),
        ):
            if actual > most:
                message = f"`{attachment.name}` {what} {actual:,} bytes in all, at most {most:,} are allowed"
                raise BadParameter(message, where=f"{where}/{index}")
        yield attachment


def _attachment(item: Any, where: str) -> _Attachment:
    if not isinstance(item, Mapping) or not {*item} <= {"name", "type", "text", "content"}:
        raise BadParameter("must be an object of `name`, `type`, `text` or `content`", where=where)
    name, text, content = item.get("name"), item.get("text"), item.get("content")
    if not isinstance(name, str) or not name:
        raise BadParameter("needs a name", where=f"{where}/name")
    media_type = item.get("type") or ("text/plain" if text is not None else "application/octet-stream")
    if not isinstance(media_type, str) or not _MEDIA_TYPE.fullmatch(media_type.lower()):
        raise BadParameter("no media type such as `text/csv`", where=f"{where}/type")
    _line(name, f"{where}/name")
    if isinstance(text, str) and content is None:
        return _Attachment(safe_name(name), media_type.lower(), text.encode("utf-8", "replace"))
    if not isinstance(content, str) or text is not None:
        raise BadParameter("needs either `text` or `content`, in base64", where=where)
    try:
        return _Attachment(safe_name(name), media_type.lower(), b64decode(content, validate=True))
    except ValueError as error:
        raise BadParameter("is no base64", where=f"{where}/content") from error

"""Mail: sending within the granted recipients; finding, fetching and marking messages of a mailbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_fields
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.tools.base import (
    Capability,
    EffectClass,
    Parameter,
    Surroundings,
    ToolDeclaration,
    result_field,
)
from reconciler.tools.declarations.mail_checks import check_mail

_MIB = 1 << 20

_SENT = {
    "sent": result_field(FieldType.BOOLEAN, "Whether the server took it."),
    "message_id": result_field(FieldType.STRING, "Its Message-ID.", optional=True),
}
_FOUND = {
    "count": result_field(FieldType.INTEGER, "How many messages there are in `messages`."),
    "more": result_field(FieldType.BOOLEAN, "Whether `limit` left out others."),
    "uid_validity": result_field(FieldType.INTEGER, "Where it changes, all `uid` have lost their meaning."),
}
_HEADERS = {
    "uid": result_field(FieldType.INTEGER, "Its number in the mailbox; later ones have higher numbers."),
    "message_id": result_field(FieldType.STRING, "Made of its headers where it has none."),
    "sender": result_field(FieldType.STRING, "The address it says it comes from; nobody has verified that."),
    "sender_name": result_field(FieldType.STRING),
    "to": result_field(FieldType.LIST, items=FieldType.STRING),
    "cc": result_field(FieldType.LIST, items=FieldType.STRING),
    "reply_to": result_field(FieldType.STRING, optional=True),
    "in_reply_to": result_field(FieldType.STRING, "Message-ID of what it answers.", optional=True),
    "subject": result_field(FieldType.STRING),
    "sent_at": result_field(FieldType.DATETIME, "When it says it was sent.", optional=True),
    "received_at": result_field(FieldType.DATETIME, "When the server got it.", optional=True),
    "size": result_field(FieldType.INTEGER, "Bytes in all."),
    "seen": result_field(FieldType.BOOLEAN),
    "flagged": result_field(FieldType.BOOLEAN),
}
_CONTENT = {
    "body": result_field(FieldType.TEXT, "Its plain text, or what can be read of its HTML."),
    "truncated": result_field(FieldType.BOOLEAN, "Whether something of it was left out for its size."),
}
_ATTACHMENT = {
    "name": result_field(FieldType.STRING, "Fit to be the name of a file."),
    "type": result_field(FieldType.STRING, "Media type."),
    "size": result_field(FieldType.INTEGER, "Bytes."),
    "text": result_field(FieldType.TEXT, "What is in it, if it is text.", optional=True),
    "content": result_field(FieldType.TEXT, "What is in it, in base64, if it is no text.", optional=True),
    "omitted": result_field(FieldType.STRING, "Why there is neither.", optional=True),
}
_MARKED = {"count": result_field(FieldType.INTEGER, "How many of the messages there were.")}


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    match parameters.get("action") or "send":
        case "send":
            return shape_of_fields(_SENT)
        case "mark":
            return shape_of_fields(_MARKED)
        case "search":
            return _found(_fields(_HEADERS))
        case _:
            attachments = Shape("list", items=shape_of_fields(_ATTACHMENT))
            return _found({**_fields({**_HEADERS, **_CONTENT}), "attachments": attachments})


def _found(message: Mapping[str, Shape]) -> Shape:
    messages = Shape("list", items=Shape("object", fields=message))
    return Shape("object", fields={**_fields(_FOUND), "messages": messages})


def _fields(fields: Mapping[str, FieldSpec]) -> Mapping[str, Shape]:
    return shape_of_fields(dict(fields)).fields or {}


_SERVER = {
    "host": Parameter(FieldType.STRING, "The server; default the granted one.", max_length=253),
    "port": Parameter(
        FieldType.INTEGER,
        "Default that of the grant, else the usual one: 587 to send, 993 to read.",
        min=1,
        max=65_535,
    ),
    "security": Parameter(
        FieldType.ENUM,
        "TLS from the start or after a greeting; default by port. `none` only within networks that the operator has "
        "opened.",
        values=("tls", "starttls", "none"),
        static=True,
    ),
    "username": Parameter(FieldType.STRING, "Name to log in with.", max_length=320),
    "password_secret": Parameter("secret", "Secret to log in with.", static=True),
}
_LETTER = {
    "to": Parameter("any", "Who gets it: an address or a list of them."),
    "cc": Parameter("any", "Who gets a copy."),
    "bcc": Parameter("any", "Who gets a copy unseen by the others."),
    "reply_to": Parameter("template", "Where answers go."),
    "in_reply_to": Parameter("template", "Message-ID of the message that it answers."),
    "text": Parameter("template", "Its text."),
    "html": Parameter("template", "The same as HTML."),
    "attachments": Parameter(
        "any", "List of objects: `name`, `type`, and either `text` or `content` in base64."
    ),
}
_SEARCH = {
    "mailbox": Parameter(FieldType.STRING, "Where to read; default INBOX.", default="INBOX", max_length=200),
    "limit": Parameter(FieldType.INTEGER, "Most messages of one call.", default=50, min=1, max=500),
    "order": Parameter(
        FieldType.ENUM,
        "Which come first, and are left where there are more than `limit`; default oldest.",
        default="oldest",
        values=("oldest", "newest"),
    ),
    "unseen": Parameter(FieldType.BOOLEAN, "Only messages not read before.", default=True),
    "since": Parameter(FieldType.DATE, "Only messages that came on this day or later."),
    "after_uid": Parameter(FieldType.INTEGER, "Only messages with a higher `uid`.", min=0),
    "mark_seen": Parameter(
        FieldType.BOOLEAN,
        "Mark what was fetched as read. It stays so marked even if the task fails afterwards.",
        default=False,
    ),
    "with_attachments": Parameter(
        FieldType.BOOLEAN, "Also what is in attachments, not only their names and sizes.", default=False
    ),
}
_MARK = {
    "uids": Parameter(FieldType.LIST, "`uid` of the messages to mark.", items=FieldType.INTEGER),
    "uid_validity": Parameter(
        FieldType.INTEGER, "As it was when they were found; another one is a conflict.", min=0
    ),
    "seen": Parameter(FieldType.BOOLEAN, "Mark as read, or as unread."),
    "flagged": Parameter(FieldType.BOOLEAN, "Put a flag on it, or take it off."),
    "move_to": Parameter(FieldType.STRING, "Mailbox to move them to.", max_length=200),
}
_LIMITS = {
    "max_attachments": Parameter(
        FieldType.INTEGER, "Most attachments of a message.", default=20, min=0, max=100
    ),
    "max_attachment_bytes": Parameter(
        FieldType.INTEGER, "Most bytes of one.", default=10 * _MIB, min=0, max=50 * _MIB
    ),
    "max_total_bytes": Parameter(
        FieldType.INTEGER, "Most bytes of all of them in one call.", default=25 * _MIB, min=0, max=50 * _MIB
    ),
}

EMAIL_CONNECTOR = ToolDeclaration(
    name="email_connector",
    title="Mail",
    description=(
        "Sends a mail (`action: send`), finds messages (`search`), reads them (`fetch`) or marks them (`mark`). "
        "Reading changes nothing unless `mark_seen` asks for it. "
        "Sending and marking happen at once, before the task's rows are committed, and cannot be undone: "
        "a task that fails afterwards has sent its mail, and a task or step that is tried again may send it again. "
        "The same letter of the same task and step then has the same Message-ID, by which servers and people "
        "can tell that it is a repetition. A letter goes to all of its recipients, or to none."
    ),
    effect=EffectClass.EXTERNAL,
    implementation="reconciler.tools.email_connector:EmailConnector",
    capabilities=frozenset({Capability.NETWORK, Capability.MAIL}),
    depends_on=("html_to_text",),
    parameters={
        "action": Parameter(
            FieldType.ENUM,
            "Default send.",
            default="send",
            values=("send", "fetch", "search", "mark"),
            static=True,
        ),
        "from": Parameter(
            "template",
            "Who sends it, default the name to log in with, or the type's owner; when reading, only messages whose "
            "sender has this in it.",
        ),
        "subject": Parameter("template", "Its subject; when reading, only messages with this in theirs."),
        **_LETTER,
        **_SEARCH,
        **_MARK,
        **_LIMITS,
        **_SERVER,
    },
    result=_result,
    check=check_mail,
)

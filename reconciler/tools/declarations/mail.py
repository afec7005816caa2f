"""Mail: sending within the granted recipients, fetching from a mailbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.expressions.scope import Shape, shape_of_fields
from reconciler.expressions.template import has_expression
from reconciler.spec.agent_type import Grant
from reconciler.spec.fields import FieldType
from reconciler.spec.findings import Finding, Path
from reconciler.spec.hosts import parse_host
from reconciler.spec.recipients import parse_recipient
from reconciler.tools.base import (
    Capability,
    EffectClass,
    Parameter,
    Surroundings,
    ToolDeclaration,
    result_field,
)

_SEND = ("to", "cc", "subject", "text", "html")
_FETCH = ("mailbox", "limit", "unseen")
_SENT = {
    "sent": result_field(FieldType.BOOLEAN, "Whether the server took it."),
    "message_id": result_field(FieldType.STRING, "Its Message-ID.", optional=True),
}
_FETCHED = {"count": result_field(FieldType.INTEGER, "How many messages there are.")}
_MESSAGE = {
    "message_id": result_field(FieldType.STRING),
    "sender": result_field(FieldType.STRING),
    "subject": result_field(FieldType.STRING),
    "body": result_field(FieldType.TEXT),
    "received_at": result_field(FieldType.DATETIME, optional=True),
}


def _result(parameters: Mapping[str, Any], surroundings: Surroundings) -> Shape:
    if (parameters.get("action") or "send") == "send":
        return shape_of_fields(_SENT)
    count = shape_of_fields(_FETCHED).fields or {}
    return Shape("object", fields={**count, "messages": Shape("list", items=shape_of_fields(_MESSAGE))})


def _check(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    action = parameters.get("action") or "send"
    foreign = _FETCH if action == "send" else _SEND
    for name in foreign:
        if name in parameters:
            message = f"`{name}` means nothing for `action: {action}`"
            yield Finding("parameter-without-effect", message, (name,), at_key=True)
    if action == "send":
        yield from _check_letter(parameters)
        for name in ("to", "cc"):
            yield from _check_recipients(parameters.get(name), surroundings.grant, (name,))
    host = parameters.get("host")
    if isinstance(host, str) and not has_expression(host) and surroundings.grant is not None:
        yield from _check_host(host, surroundings.grant)


def _check_letter(parameters: Mapping[str, Any]) -> Iterator[Finding]:
    for name in ("to", "subject"):
        if parameters.get(name) is None:
            yield Finding("missing-parameter", f"`action: send` needs `{name}`", ())
    if parameters.get("text") is None and parameters.get("html") is None:
        yield Finding("missing-parameter", "`action: send` needs `text` or `html`", ())


def _check_recipients(value: Any, grant: Grant | None, path: Path) -> Iterator[Finding]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _check_recipients(item, grant, (*path, index))
        return
    if value is None:
        return
    if not isinstance(value, str):
        yield Finding("wrong-type", "must be a mail address or a list of them", path)
        return
    if has_expression(value):
        if grant is not None and not grant.recipients:
            yield _not_granted(value, path)
        return
    recipient = parse_recipient(value)
    if recipient is None or recipient.anyone:
        yield Finding("bad-recipient", f"`{value}` is no mail address", path)
    elif grant is not None:
        granted = [parsed for text in grant.recipients or [] if (parsed := parse_recipient(text))]
        if not any(pattern.covers(recipient) for pattern in granted):
            yield _not_granted(value, path)


def _not_granted(value: str, path: Path) -> Finding:
    hint = "add it to `recipients` of the grant of `email_connector`"
    return Finding("recipient-not-granted", f"mail to `{value}` is not granted", path, hint)


def _check_host(host: str, grant: Grant) -> Iterator[Finding]:
    wanted = parse_host(host)
    if wanted is None or wanted.subdomains:
        yield Finding("bad-host", f"`{host}` is no host", ("host",))
    elif not any(pattern.covers(wanted) for text in grant.hosts or [] if (pattern := parse_host(text))):
        hint = "add it to `hosts` of the grant of `email_connector`"
        yield Finding("host-not-granted", f"the host `{host}` is not granted", ("host",), hint)


EMAIL_CONNECTOR = ToolDeclaration(
    name="email_connector",
    title="Mail",
    description="Sends a mail (`action: send`) or reads new ones (`action: fetch`).",
    effect=EffectClass.EXTERNAL,
    implementation="reconciler.tools.email_connector:EmailConnector",
    capabilities=frozenset({Capability.NETWORK, Capability.MAIL}),
    parameters={
        "action": Parameter(
            FieldType.ENUM, "Default send.", default="send", values=("send", "fetch"), static=True
        ),
        "to": Parameter("any", "Who gets it: an address or a list of them."),
        "cc": Parameter("any", "Who gets a copy."),
        "subject": Parameter("template", "Its subject."),
        "text": Parameter("template", "Its text."),
        "html": Parameter("template", "The same as HTML."),
        "mailbox": Parameter(
            FieldType.STRING, "Where to read; default INBOX.", default="INBOX", max_length=200
        ),
        "limit": Parameter(FieldType.INTEGER, "Most messages of one call.", default=50, min=1, max=500),
        "unseen": Parameter(FieldType.BOOLEAN, "Only messages not read before.", default=True),
        "host": Parameter(FieldType.STRING, "The server; default the granted one.", max_length=253),
        "username": Parameter(FieldType.STRING, "Name to log in with.", max_length=320),
        "password_secret": Parameter("secret", "Secret to log in with.", static=True),
    },
    result=_result,
    check=_check,
)

"""What can be said of a call of mail before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.expressions.template import has_expression
from reconciler.spec.agent_type import Grant
from reconciler.spec.findings import Finding, Path
from reconciler.spec.hosts import HostPattern, parse_host
from reconciler.spec.recipients import parse_recipient
from reconciler.tools.base import Surroundings

_LIMITS = ("max_attachments", "max_attachment_bytes", "max_total_bytes")
_FILTERS = ("mailbox", "limit", "order", "unseen", "since", "after_uid", "from", "subject")
_RECIPIENTS = ("to", "cc", "bcc")

_MEANING: Mapping[str, frozenset[str]] = {
    "send": frozenset(
        {
            *_RECIPIENTS,
            *("from", "reply_to", "in_reply_to", "subject", "text", "html", "attachments"),
            *_LIMITS,
        }
    ),
    "search": frozenset(_FILTERS),
    "fetch": frozenset({*_FILTERS, "mark_seen", "with_attachments", *_LIMITS}),
    "mark": frozenset({"mailbox", "uids", "uid_validity", "seen", "flagged", "move_to"}),
}
"""Which parameters mean something for which action, besides those of the server."""

_ANYWHERE = frozenset({"action", "host", "port", "security", "username", "password_secret"})


def default_host(hosts: Sequence[str]) -> HostPattern | None:
    """The server that a grant means without further words: the only one it names. None if it names several or none."""
    exact = {pattern for text in hosts if (pattern := parse_host(text)) and not pattern.subdomains}
    names = {pattern.name for pattern in exact}
    if len(names) != 1:
        return None
    return exact.pop() if len(exact) == 1 else HostPattern(names.pop())


def is_granted(host: HostPattern, hosts: Sequence[str]) -> bool:
    """A host without a port is granted where it is granted with any."""
    return any(
        pattern.covers(host if host.port else replace(host, port=pattern.port))
        for text in hosts
        if (pattern := parse_host(text))
    )


def check_mail(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    action, grant = parameters.get("action") or "send", surroundings.grant
    meaning = _MEANING.get(action, frozenset()) | _ANYWHERE
    for name in parameters:
        if name not in meaning:
            message = f"`{name}` means nothing for `action: {action}`"
            yield Finding("parameter-without-effect", message, (name,), at_key=True)
    if action == "send":
        yield from _check_letter(parameters, surroundings)
        for name in _RECIPIENTS:
            yield from _check_recipients(parameters.get(name), grant, (name,))
    elif action == "mark":
        yield from _check_marks(parameters)
    yield from _check_login(parameters, action)
    if grant is not None:
        yield from _check_host(parameters, grant)


def _check_letter(parameters: Mapping[str, Any], surroundings: Surroundings) -> Iterator[Finding]:
    for name in ("to", "subject"):
        if parameters.get(name) is None:
            yield Finding("missing-parameter", f"`action: send` needs `{name}`", ())
    if parameters.get("text") is None and parameters.get("html") is None:
        yield Finding("missing-parameter", "`action: send` needs `text` or `html`", ())
    senders = (parameters.get("from"), parameters.get("username"), surroundings.agent_type.spec.owner)
    if not any(isinstance(sender, str) and ("@" in sender or has_expression(sender)) for sender in senders):
        message = "nothing says who sends the letter: neither `from`, `username` nor the type's `owner` is an address"
        yield Finding("missing-parameter", message, (), "add `from`")


def _check_marks(parameters: Mapping[str, Any]) -> Iterator[Finding]:
    if parameters.get("uids") is None:
        yield Finding("missing-parameter", "`action: mark` needs `uids`", ())
    if all(parameters.get(name) is None for name in ("seen", "flagged", "move_to")):
        yield Finding("missing-parameter", "`action: mark` needs `seen`, `flagged` or `move_to`", ())


def _check_login(parameters: Mapping[str, Any], action: str) -> Iterator[Finding]:
    missing = [name for name in ("username", "password_secret") if parameters.get(name) is None]
    if len(missing) == 1 or (missing and action != "send"):
        for name in missing:
            hint = "a mailbox belongs to somebody" if action != "send" else ""
            yield Finding("missing-parameter", f"to log in, `{name}` is needed", (), hint)


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


def _check_host(parameters: Mapping[str, Any], grant: Grant) -> Iterator[Finding]:
    host, port, hosts = parameters.get("host"), parameters.get("port"), grant.hosts or []
    if any(has_expression(text) for text in hosts):
        return
    if host is None:
        named = [pattern for text in hosts if (pattern := parse_host(text)) and pattern.name]
        if named and len(named) == len(hosts) and default_host(hosts) is None:
            message = "the grant does not name exactly one server; `host` must say which"
            yield Finding("missing-parameter", message, (), f"one of: {', '.join(hosts[:5])}")
        return
    if not isinstance(host, str) or has_expression(host):
        return
    wanted = parse_host(host)
    if wanted is None or wanted.subdomains:
        yield Finding("bad-host", f"`{host}` is no host", ("host",))
        return
    if isinstance(port, int) and not isinstance(port, bool):
        wanted = replace(wanted, port=port)
    if not is_granted(wanted, hosts):
        hint = "add it to `hosts` of the grant of `email_connector`"
        yield Finding("host-not-granted", f"the host `{host}` is not granted", ("host",), hint)

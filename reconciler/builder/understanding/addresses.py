"""Mail addresses and hosts, and what they are said to be for."""

from __future__ import annotations

import re

from reconciler.spec.hosts import is_address, parse_host
from reconciler.spec.recipients import parse_recipient

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?![\w-])"
)
_HOST = re.compile(
    r"(?<![@\w.-])(?:https?://)?(?P<host>(?:\*\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?::\d{2,5})?)(?![\w@-])"
)
_ALERT = re.compile(
    r"\b(?:write|writes|send|sends|alert\w*|notif\w*|tell\w*|inform\w*|e?-?mail(?:s|ed)?|warn\w*|escalat\w*|forward\w*|ping|"
    r"benachrichtig\w*|schreib\w*|informier\w*|alarm\w*|prévenir|préviens|avertir|avertis\w*|écri\w*|envoie\w*)\b",
    re.IGNORECASE,
)
_MAILBOX = re.compile(
    r"\b(?:inbox|mailbox|mail ?account|imap|postfach|posteingang|boîte|read(?:s|ing)?|fetch\w*|check(?:s|ing)?|log ?in|incoming|liest|lies|lire|relève)\b",
    re.IGNORECASE,
)
_FILES = frozenset(
    [
        "yaml",
        "yml",
        "json",
        "txt",
        "pdf",
        "csv",
        "py",
        "md",
        "html",
        "xml",
        "docx",
        "xlsx",
        "png",
        "jpg",
        "zip",
        "log",
        "js",
        "ts",
    ]
)


def addresses_in(text: str) -> list[str]:
    """Mail addresses, in order, each once."""
    found = (match[0].rstrip(".") for match in _EMAIL.finditer(text))
    return [*dict.fromkeys(address for address in found if _is_one(address))]


def _is_one(address: str) -> bool:
    parsed = parse_recipient(address)
    return parsed is not None and not parsed.anyone


def hosts_in(text: str) -> list[str]:
    """Names of hosts, also behind `https://`, and `*.` before a domain of two parts or more. No addresses of machines,
    and never every host."""
    hosts = (match["host"].lower().rstrip(".") for match in _HOST.finditer(_EMAIL.sub(" ", text)))
    return [*dict.fromkeys(host for host in hosts if _may_be_said(host))]


def _may_be_said(host: str) -> bool:
    parsed = parse_host(host)
    if parsed is None or not parsed.name or is_address(parsed.name):
        return False
    if parsed.subdomains and parsed.name.count(".") < 1:
        return False
    return host.rpartition(".")[2] not in _FILES


def alert_address(text: str) -> str:
    """The address that mail is to be sent to, such as in `tell oncall@example.com`."""
    return _address_near(text, _ALERT, _MAILBOX)


def mailbox_address(text: str) -> str:
    """The address whose mailbox is to be read."""
    return _address_near(text, _MAILBOX, _ALERT)


def smtp_host(text: str) -> str:
    return _host_like(
        text,
        r"^(?:smtp|mail|mx|out|relay|send)[\w-]*\.",
        r"\b(?:smtp|through|via|relay|mail ?server|über|par)\b",
    )


def imap_host(text: str) -> str:
    return _host_like(text, r"^(?:imap|mailbox|in)[\w-]*\.", r"\bimap\b")


def _address_near(text: str, wanted: re.Pattern[str], other: re.Pattern[str]) -> str:
    """The first address before which, in its sentence, a wanted word stands closer than any of the others."""
    for match in _EMAIL.finditer(text):
        before = re.split(r"[.!?\n]\s", text[: match.start()])[-1]
        near = max((m.end() for m in wanted.finditer(before)), default=-1)
        far = max((m.end() for m in other.finditer(before)), default=-1)
        address = match[0].rstrip(".")
        if near > far and _is_one(address):
            return address
    return ""


def _host_like(text: str, looks: str, introduced: str) -> str:
    hosts = hosts_in(text)
    named = next((host for host in hosts if re.match(looks, host)), "")
    if named:
        return named
    for host in hosts:
        before = re.split(r"[.!?\n]\s", text[: text.lower().find(host)])[-1][-40:]
        if re.search(introduced, before, re.IGNORECASE):
            return host
    return ""

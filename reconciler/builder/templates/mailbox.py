"""The agent that reads a mailbox by the clock and hands each message to another."""

from __future__ import annotations

from typing import Any

from reconciler.builder.slots import Option, SlotKind, SlotSpec, Values
from reconciler.builder.templates.documents import agent_document, title_of, type_document
from reconciler.builder.templates.template import Document

_SECRET = "imap_password"
_VARIABLE = "IMAP_PASSWORD"
_LONGEST = 32
"""Characters of the sorting agent's name that are kept in the name of this one."""


_MESSAGE = {"message_id": "t1", "sender": "a@example.com", "subject": "Hello", "body": "Zzz."}


def reads_mailbox(values: Values) -> bool:
    return bool(values.get("intake") == "mailbox")


MAILBOX_SLOTS = (
    SlotSpec(
        name="intake",
        label="where mail comes from",
        kind=SlotKind.CHOICE,
        question="Does an application hand the mail in, or is a mailbox read?",
        weight=8,
        offered=True,
        own_words=True,
        default=lambda values: "handed in",
        default_words="handed in",
        options=(
            Option(
                "handed in",
                "an application hands each mail in",
                ("handed in", "hand in", "application", "api", "hands", "übergeben", "remis"),
            ),
            Option(
                "mailbox",
                "a mailbox is read by the clock",
                (
                    *("mailbox", "inbox", "imap", "read the mail", "read mail", "fetch mail", "check mail"),
                    *("postfach", "posteingang", "boîte"),
                ),
            ),
        ),
    ),
    SlotSpec(
        name="imap_host",
        label="mailbox server",
        kind=SlotKind.HOST,
        question="On which server is the mailbox?",
        weight=8,
        needed=True,
        example="imap.example.com",
        asked_if=reads_mailbox,
    ),
    SlotSpec(
        name="mailbox_user",
        label="mailbox of",
        kind=SlotKind.ADDRESS,
        question="With which address does one log in to the mailbox? Its password stays out of this conversation.",
        weight=7,
        needed=True,
        example="support@example.com",
        asked_if=reads_mailbox,
    ),
    SlotSpec(
        name="schedule",
        label="schedule",
        kind=SlotKind.SCHEDULE,
        question="How often is the mailbox read?",
        weight=6,
        offered=True,
        default=lambda values: "*/10 * * * *",
        default_words="every 10 minutes",
        example="every 15 minutes",
        asked_if=reads_mailbox,
    ),
)


def mailbox_documents(values: Values) -> list[Document]:
    sorter = values["name"]
    name = f"{sorter[:_LONGEST].rstrip('-')}-mailbox"
    spec = {
        "title": title_of(name),
        "description": f"Reads new mail and hands each message to {sorter}.",
        "settings": {"address": {"type": "string", "format": "email", "required": True}},
        "secrets": [_SECRET],
        "tools": [{"name": "email_connector", "hosts": [values["imap_host"]], "limits": {"calls": 2}}],
        "pipeline": [_fetch(), _hand_on(sorter)],
        "tests": _tests(),
    }
    secrets = {_SECRET: values["secrets"].get(_SECRET, _VARIABLE)}
    settings = {"address": values["mailbox_user"]}
    agent = agent_document(name, name, settings=settings, secrets=secrets, schedule=values["schedule"])
    return [type_document(name, spec), agent]


def _fetch() -> dict[str, Any]:
    return {
        "id": "fetch",
        "tool": "email_connector",
        "with": {
            "action": "fetch",
            "username": "{{ settings.address }}",
            "password_secret": _SECRET,
            "limit": 50,
            "mark_seen": True,
        },
        "timeout": "60s",
    }


def _hand_on(sorter: str) -> dict[str, Any]:
    return {
        "id": "hand_on",
        "for_each": "{{ steps.fetch.messages }}",
        "as": "mail",
        "agent": sorter,
        "input": {
            "message_id": "{{ mail.message_id | truncate(255, true, '') }}",
            "sender": "{{ mail.sender }}",
            "subject": "{{ mail.subject | truncate(998, true, '') }}",
            "body": "{{ mail.body }}",
        },
    }


def _tests() -> list[dict[str, Any]]:
    return [
        {
            "name": "an empty mailbox gives nothing to do",
            "mocks": {"fetch": {"count": 0, "more": False, "messages": []}},
            "expect": {"called": ["fetch"]},
        },
        {
            "name": "each message is handed on",
            "mocks": {
                "fetch": {"count": 1, "more": False, "messages": [_MESSAGE]},
                "hand_on": [{"category": "other"}],
            },
            "expect": {"called": ["fetch", "hand_on"]},
        },
        {
            "name": "a mailbox out of reach is an error",
            "mocks": {"fetch": {"error": "unavailable"}},
            "expect": {"error": "unavailable", "called": ["fetch"]},
        },
    ]

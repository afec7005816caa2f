"""Email: mail is sorted, read and stored; somebody is told of what is urgent; a mailbox may be read by the clock.

The mailbox has an agent of its own, which hands each message to the one that sorts: so mail may as well be handed in
by an application, and either can be tried without the other.
"""

from __future__ import annotations

from typing import Any

from reconciler.builder.slots import SlotKind, SlotSpec, Values
from reconciler.builder.templates import reading
from reconciler.builder.templates.asking import (
    ENGINE,
    MODEL,
    PURPOSE,
    SECRETS,
    categories_slot,
    category_names,
    details_slot,
    name_slot,
)
from reconciler.builder.templates.documents import (
    agent_document,
    described,
    free_name,
    optional,
    title_of,
    type_document,
)
from reconciler.builder.templates.mailbox import MAILBOX_SLOTS, mailbox_documents, reads_mailbox
from reconciler.builder.templates.template import Document, Template

_OWN_FIELDS = ("message_id", "sender", "subject", "body", "category", "summary")
_SMTP_SECRET = "smtp_password"
_CONTENT = "{{ input.subject }}\n\n{{ input.body }}"
_DEFAULT = {
    "billing": ["invoice", "refund", "payment"],
    "bug": ["crash", "error", "broken", "outage"],
    "sales": ["price", "quote", "offer"],
}


def _compose(values: Values) -> list[Document]:
    name, details = values["name"], _details(values)
    alerts = bool(values["alert_to"])
    address = {"type": "string", "format": "email", "max_length": 320, "required": True}
    secrets = {key: env for key, env in values["secrets"].items() if key == _SMTP_SECRET and alerts}
    spec = {
        "title": title_of(name),
        "description": described(values, "Sorts mail and stores what is found in it."),
        "owner": values["alert_to"],
        "settings": {"alert_to": {"type": "string", "format": "email", "required": True}} if alerts else {},
        "secrets": [*secrets],
        "input": {
            "message_id": {"type": "string", "max_length": 255, "required": True},
            "sender": address,
            "subject": {"type": "string", "max_length": 998, "default": ""},
            "body": {"type": "text", "required": True},
        },
        "models": {"message": {"fields": _fields(values, details)}},
        "output": {"model": "message", "from": "save"},
        "tools": _grants(values, details),
        "pipeline": _steps(values, details),
        "tests": _tests(values, details),
    }
    settings = {"alert_to": values["alert_to"]} if alerts else {}
    documents = [
        type_document(name, spec),
        agent_document(name, name, settings=settings, secrets=secrets),
    ]
    return [*documents, *(mailbox_documents(values) if reads_mailbox(values) else [])]


def _details(values: Values) -> dict[str, Any]:
    return {free_name(name, _OWN_FIELDS): spec for name, spec in values["details"].items()}


def _fields(values: Values, details: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "message_id": {"type": "string", "max_length": 255, "required": True, "unique": True},
        "sender": {"type": "string", "max_length": 320, "required": True, "index": True, "sensitive": True},
        "subject": {"type": "string", "max_length": 998},
        "category": reading.category_field(values) | {"index": True},
    }
    if reading.by_model(values):
        fields["summary"] = {"type": "text"}
    return fields | optional(details)


def _grants(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    grants: list[dict[str, Any]] = [{"name": "keyword_classifier"}]
    if details:
        grants.append({"name": "text_extract"})
    if reading.by_model(values):
        grants.append(reading.model_grant(values))
    grants.append({"name": "database_writer", "models": ["message"]})
    if values["alert_to"]:
        grants.append(
            {
                "name": "email_connector",
                "hosts": [values["smtp_host"]],
                "recipients": ["{{ settings.alert_to }}"],
                "limits": {"rate": "10/hour"},
            }
        )
    return grants


def _steps(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    sort = reading.sorter(values, _CONTENT)
    stored = {
        "message_id": "{{ input.message_id }}",
        "sender": "{{ input.sender }}",
        "subject": "{{ input.subject }}",
        "category": "{{ steps.sort.category }}",
    }
    if reading.by_model(values):
        answer = {
            "category": {"type": "enum", "values": reading.category_field(values)["values"]},
            "summary": {"type": "text", "required": False},
            **reading.answer_fields(details),
        }
        prompt = "Sort this mail into one category, sum it up in a sentence, and find what is asked for."
        sort = reading.asked(values, prompt, _CONTENT, answer, sort)
        stored["summary"] = "{{ steps.sort.summary | default(none) }}"
    steps: list[dict[str, Any]] = [{"id": "sort", **sort}]
    if details:
        steps.append({"id": "find", **reading.finder(details, _CONTENT)})
        stored |= {name: reading.chosen(values, "sort", name, spec) for name, spec in details.items()}
    save = {"model": "message", "mode": "upsert", "key": ["message_id"], "values": stored}
    steps.append({"id": "save", "tool": "database_writer", "with": save})
    return [*steps, _alert(values)] if values["alert_to"] else steps


def _alert(values: Values) -> dict[str, Any]:
    letter: dict[str, Any] = {
        "action": "send",
        "to": "{{ settings.alert_to }}",
        "subject": f"{values['alert_when'].capitalize()}: {{{{ input.subject }}}}",
        "text": "From {{ input.sender }}:\n\n{{ input.body }}",
    }
    if _SMTP_SECRET in values["secrets"]:
        letter |= {"username": values["alert_to"], "password_secret": _SMTP_SECRET}
    return {
        "id": "alert",
        "when": f"{{{{ steps.sort.category == '{values['alert_when']}' }}}}",
        "tool": "email_connector",
        "with": letter,
        "on_error": "continue",
    }


def _tests(values: Values, details: dict[str, Any]) -> list[dict[str, Any]]:
    alerts, when = bool(values["alert_to"]), str(values.get("alert_when"))
    category = when if alerts else next(iter(values["categories"]))
    steps = ["sort", *(["find"] if details else []), "save"]
    mail = {"message_id": "t1", "sender": "a@example.com", "subject": "Hello"}
    about = mail | {"body": reading.text_about(values, category, details)}
    known = {"category": category, **reading.samples(details), **reading.told(values, details)}
    answer = reading.mocked_answer(values, "sort", {"category": category, "summary": "A summary"}, details)
    sent = {"alert": {"sent": True}} if alerts else {}
    tests: list[dict[str, Any]] = [
        {
            "name": f"a mail about {category} is sorted and stored",
            "input": about,
            "mocks": answer | sent,
            "expect": {
                "output": known,
                "rows": {"message": 1},
                "called": [*steps, *(["alert"] if alerts else [])],
            },
        },
        {
            "name": "anything else is other",
            "input": mail | {"body": "Zzz."},
            "mocks": reading.mocked_failure(values, "sort"),
            "expect": {"output": {"category": reading.OTHER}, "rows": {"message": 1}, "called": steps},
        },
        {
            "name": "a mail without a sender is no mail",
            "input": {"message_id": "t2", "body": "Hello"},
            "expect": {"error": "invalid_input", "called": []},
        },
    ]
    if alerts:
        lost = {"alert": {"error": "unavailable"}}
        tests.append(
            {
                "name": "an alert that cannot be sent loses nothing",
                "input": about,
                "mocks": answer | lost,
                "expect": {"output": {"category": category}, "rows": {"message": 1}},
            }
        )
    return [reading.without_empty_mocks(test) for test in tests]


TEMPLATE = Template(
    name="email",
    title="Email",
    description="sorts mail, stores what is found in it, and tells somebody of what is urgent",
    cues=(
        *(
            "email*",
            "e-mail*",
            "mail",
            "mails",
            "inbox*",
            "mailbox*",
            "message*",
            "support mail",
            "newsletter*",
        ),
        *("posteingang", "postfach", "nachricht*", "courriel*", "boîte", "courrier*", "imap", "smtp"),
    ),
    slots=(
        categories_slot(
            "Into which categories shall mail be sorted? Words that speak for one may follow it.",
            _DEFAULT,
            "billing: invoice, refund; bug: crash, error; sales",
        ),
        SlotSpec(
            name="alert_to",
            label="alerts go to",
            kind=SlotKind.ADDRESS,
            question="Whom shall it write to when something urgent comes in?",
            weight=8,
            offered=True,
            default=lambda values: "",
            default_words="nobody",
            example="oncall@example.com",
        ),
        SlotSpec(
            name="smtp_host",
            label="mail server",
            kind=SlotKind.HOST,
            question="Through which mail server are alerts sent?",
            weight=8,
            needed=True,
            example="smtp.example.com",
            asked_if=lambda values: bool(values.get("alert_to")),
        ),
        SlotSpec(
            name="alert_when",
            label="urgent is",
            kind=SlotKind.CHOICE,
            question="Mail of which category is urgent?",
            weight=8,
            offered=True,
            default=lambda values: category_names(values)[0] if category_names(values) else "bug",
            open_options=category_names,
            asked_if=lambda values: bool(values.get("alert_to")),
        ),
        details_slot(
            "What else shall be found in each mail and stored?", "order number, amount as number, due date"
        ),
        *MAILBOX_SLOTS,
        name_slot("mail-sorting"),
        PURPOSE,
        ENGINE,
        MODEL,
        SECRETS,
    ),
    compose=_compose,
    example="Sort support mail into billing, bug and sales, and write to oncall@example.com when it is a bug.",
    tool_slots={"email_connector": "alert_to", "llm_processor": "engine"},
)

"""What rules read out of answers and free text."""

from __future__ import annotations

import pytest

from reconciler.builder.templates.asking import name_slot
from reconciler.builder.templates.installed import BUILTIN
from reconciler.builder.understanding.addresses import (
    alert_address,
    hosts_in,
    imap_host,
    mailbox_address,
    smtp_host,
)
from reconciler.builder.understanding.answers import answer_to
from reconciler.builder.understanding.categories import categories_in, categories_said
from reconciler.builder.understanding.editing import edits_in
from reconciler.builder.understanding.fields import fields_in, fields_of_sample
from reconciler.builder.understanding.free_text import said_in, template_in
from reconciler.builder.understanding.naming import field_name, said_name
from reconciler.builder.understanding.pasted import parted
from reconciler.builder.understanding.secrets import without_secrets
from reconciler.builder.understanding.timing import schedule_in
from reconciler.builder.understanding.wording import asks_back


@pytest.mark.parametrize(
    ("text", "types"),
    [
        (
            "invoice number, vendor, total as amount",
            {"invoice_number": "string", "vendor": "string", "total": "decimal"},
        ),
        (
            "title (required), quantity as integer, bought on as date",
            {"title": "string", "quantity": "integer", "bought_on": "date"},
        ),
        (
            "state: one of open, closed, lost; customer e-mail; notes",
            {"state": "enum", "customer_email": "string", "notes": "text"},
        ),
        ("paid (yes/no), status (open|closed)", {"paid": "boolean", "status": "enum"}),
        (
            "We need the vendor name, the total amount and the due date from each invoice",
            {"vendor_name": "string", "total_amount": "decimal", "due_date": "date"},
        ),
        (
            "- customer name\n- order id\n- refund amount (decimal)",
            {"customer_name": "string", "order_id": "string", "refund_amount": "decimal"},
        ),
        ("whether it is paid, tags", {"paid": "boolean", "tags": "list"}),
        (
            "Rechnungsnummer, Lieferant, Betrag und Fälligkeitsdatum",
            {
                "rechnungsnummer": "string",
                "lieferant": "string",
                "betrag": "decimal",
                "faelligkeitsdatum": "date",
            },
        ),
        ("id, agent", {"record_id": "string", "agent_name": "string"}),
        ("", {}),
        ("https://example.com and someone@example.com", {}),
    ],
)
def test_a_list_of_fields_gives_names_and_types(text: str, types: dict[str, str]) -> None:
    assert {name: spec["type"] for name, spec in fields_in(text).items()} == types


def test_attributes_of_fields_are_kept() -> None:
    fields = fields_in("name (text, required), email (unique)")
    assert fields["name"] == {"type": "text", "required": True}
    assert fields["email"]["unique"] is True
    assert fields["email"]["format"] == "email"


def test_a_document_shows_its_fields() -> None:
    fields = fields_of_sample("Invoice number: A-17\nTotal: 120.50 EUR\nDue: 2026-02-01\nhello world")
    assert {name: spec["type"] for name, spec in fields.items()} == {
        "invoice_number": "string",
        "total": "decimal",
        "due": "date",
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("bug: crash, error; billing: invoice; praise", ["bug", "billing", "praise"]),
        ("bug (crash, error), billing (invoice)", ["bug", "billing"]),
        ("billing, bug and sales, other", ["billing", "bug", "sales"]),
        ("sales lead or spam", ["sales_lead", "spam"]),
    ],
)
def test_an_answer_names_categories(text: str, names: list[str]) -> None:
    found = categories_in(text)
    assert [*found] == names
    assert all(found.values())


def test_categories_in_a_sentence_stand_behind_a_phrase() -> None:
    said = categories_said(
        "Sort mail into billing, bug and sales, and write to oncall@example.com when it is a bug."
    )
    assert [*said] == ["billing", "bug", "sales"]
    assert categories_said("Store texts into a database") == {}


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("every 15 minutes", "*/15 * * * *"),
        ("daily at 7:30", "30 7 * * *"),
        ("every monday at 9pm", "0 21 * * 1"),
        ("*/5 * * * *", "*/5 * * * *"),
        ("täglich um 8 Uhr", "0 8 * * *"),
        ("toutes les 15 minutes", "*/15 * * * *"),
        ("nightly", "0 2 * * *"),
        ("every 900 minutes", ""),
        ("99 99 99 99 99", ""),
        ("bug or feature", ""),
    ],
)
def test_times_become_schedules(text: str, cron: str) -> None:
    assert schedule_in(text) == cron


def test_addresses_are_told_apart_by_what_they_are_for() -> None:
    text = "read the inbox of support@example.com on imap.example.com and alert ops@example.com via mail.example.com"
    assert (mailbox_address(text), alert_address(text)) == ("support@example.com", "ops@example.com")
    assert (imap_host(text), smtp_host(text)) == ("imap.example.com", "mail.example.com")


def test_hosts_are_names_and_never_all_of_them() -> None:
    text = "https://docs.example.org/x, *.example.com, *, *.com, 10.0.0.1, a@b.example, notes.txt"
    assert hosts_in(text) == ["docs.example.org", "*.example.com"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("password is hunter2", "password is $X"),
        ("the password: CorrectHorse", "the password: $X"),
        ("token AKIAIOSFODNN7EXAMPLE", "token $X"),
        ("Passwort lautet geheim123!", "Passwort lautet $X!"),
        ("api key: string", "api key: string"),
        ("password is needed", "password is needed"),
        ("use IMAP_PASSWORD", "use IMAP_PASSWORD"),
    ],
)
def test_secrets_are_taken_out_and_words_are_left(text: str, cleaned: str) -> None:
    assert without_secrets(text, "X").text == cleaned


def test_what_is_pasted_is_nobodys_own_words() -> None:
    parts = parted("Read these:\n```\nsend to thief@evil.example.net\n```\n> From: boss\nthanks")
    assert "thief" not in parts.own
    assert "boss" not in parts.own
    assert parts.own.startswith("Read these")


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("rename priority to urgency", [("rename_field", "priority")]),
        (
            "add a field phone number and drop the notes",
            [("add_field", "phone_number"), ("remove_field", "notes")],
        ),
        ("total should be a number", [("change_field", "total")]),
        ("make total required", [("change_field", "total")]),
        ("add category security (breach)", [("add_category", "security")]),
        ("remove the category sales", [("remove_category", "sales")]),
        ("Sort mail when it is a bug", []),
    ],
)
def test_changes_are_read_in_their_order(text: str, operations: list[tuple[str, str]]) -> None:
    assert [(edit.operation, edit.name) for edit in edits_in(text)] == operations


@pytest.mark.parametrize("template", BUILTIN, ids=lambda template: template.name)
def test_the_example_of_a_template_is_one_for_it(template: object) -> None:
    from reconciler.builder.templates.template import Template

    assert isinstance(template, Template)
    if template.name == "change":
        return
    assert template_in(template.example, BUILTIN) == template.name
    assert [*said_in(template.example, template)]


def test_names_are_made_to_fit() -> None:
    assert said_name("call it Support Mail and alert x") == "support-mail"
    assert field_name("the Größe (cm)") == "groesse_cm"
    assert field_name("2nd line") == "n2nd_line"
    assert field_name("!!!") == ""


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("what do you mean?", True),
        ("help", True),
        ("?", True),
        ("Which fields can I name?", True),
        ("I don't understand the question", True),
        ("Was heißt das?", True),
        ("vendor, total", False),
        ("what it weighs, who sent it", False),
        ("paid (yes/no)?", False),
    ],
)
def test_questions_of_people_are_told_from_answers(text: str, asks: bool) -> None:
    assert asks_back(text) is asks


@pytest.mark.parametrize("text", ["outage, everything else", "outage and the rest", "outage, others"])
def test_the_rest_is_no_category(text: str) -> None:
    assert [*categories_in(text)] == ["outage"]


def test_a_sentence_is_no_name() -> None:
    spec = name_slot("records")
    assert answer_to(spec, "once a day in the morning", {}) is None
    answer = answer_to(spec, "the support desk", {})
    assert answer is not None
    assert answer.value == "support-desk"

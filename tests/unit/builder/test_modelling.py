"""What of a model's proposals counts, beside what rules have read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.builder.interview import hear
from reconciler.builder.model_answers import Proposals, answer_schema, read_answer
from reconciler.builder.modelling import laid_over
from reconciler.builder.session import Session, new_session
from reconciler.builder.slots import Slot
from reconciler.builder.store import merged
from reconciler.builder.templates.installed import BUILTIN, Templates
from reconciler.builder.views import Source, Usage

TEMPLATES = Templates(*BUILTIN)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT: dict[str, Any] = {"type": "string", "max_length": 200}
MONEY: dict[str, Any] = {"type": "decimal", "precision": 14, "scale": 2}


def _session(said: str = "vendor, total", **slots: Slot) -> Session:
    blank = new_session("one", "ann", mode="model", model="llama3.2", now=NOW)
    return replace(blank, template="document-extraction", slots=slots).saying("user", said, NOW)


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (Slot({"vendor": TEXT, "total": TEXT}, Source.INFERRED), ["vendor", "total"]),
        (Slot({"vendor": TEXT, "total": TEXT}, Source.SAID), ["vendor", "total"]),
        (Slot({"vendor_and_a_total": TEXT}, Source.SAID, loose=True), ["total"]),
    ],
    ids=["shown by a document", "said in so many words", "guessed"],
)
def test_a_model_that_heard_half_of_it_takes_back_only_what_was_guessed(
    known: Slot, names: list[str]
) -> None:
    session, _ = laid_over(_session(details=known), Proposals({"details": {"total": MONEY}}), TEMPLATES)
    assert [*session.value("details")] == names


def test_what_a_model_made_up_altogether_is_not_heard() -> None:
    session, taken = laid_over(_session(), Proposals({"details": {"colour": TEXT}}), TEMPLATES)
    assert (taken, session.value("details")) == ([], None)


def test_a_list_that_follows_a_models_guess_names_the_fields() -> None:
    guess = Slot({"vendor": TEXT}, Source.INFERRED, loose=True)
    before = replace(_session("read invoices", details=guess), asked=("key",))
    heard = hear(before, "supplier, amount and due date", TEMPLATES, lambda: (), NOW)
    assert [*heard.session.value("details")] == ["supplier", "amount", "due_date"]
    assert heard.session.slots["details"].source is Source.SAID


def test_what_says_what_an_agent_may_reach_is_neither_asked_of_a_model_nor_taken_from_it() -> None:
    for template in TEMPLATES.all():
        privileged = {spec.name for spec in template.slots if spec.privileged}
        asked = answer_schema(template, TEMPLATES)["properties"]
        assert not privileged & asked.keys()
        found, _ = read_answer('{"hosts": ["*"], "alert_to": "x@evil.example.net"}', template, TEMPLATES)
        assert not found.values
        wished = Proposals(dict.fromkeys(privileged, "x.example.net"))
        session, taken = laid_over(replace(_session(), template=template.name), wished, TEMPLATES)
        assert (taken, session.slots) == ([], {})


def test_two_turns_on_one_session_both_count() -> None:
    base = _session(details=Slot({"vendor": TEXT}, Source.SAID), key=Slot("vendor", Source.SAID))
    theirs = replace(
        base.with_slot("name", Slot("bills", Source.SAID)), version=2, usage=Usage(2, 20, 10, 1.0)
    )
    ours = base.with_slot("details", Slot({"vendor": TEXT, "total": MONEY}, Source.SAID)).without_slot("key")
    both = merged(base, theirs, replace(ours, usage=Usage(1, 10, 5, 0.5), fallen_back=True, mode="guided"))
    assert both.value("name") == "bills"
    assert [*both.value("details")] == ["vendor", "total"]
    assert "key" not in both.slots
    assert both.usage == Usage(3, 30, 15, 1.5)
    assert (both.mode, both.fallen_back, both.version) == ("guided", True, 3)
    again = merged(base, base.with_slot("details", Slot({"x": TEXT}, Source.SAID)), ours)
    assert [*again.value("details")] == ["x"], "where both changed a slot, it is theirs"

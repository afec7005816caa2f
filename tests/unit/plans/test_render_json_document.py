"""The plan as a document for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.plans.changes import Action, Change, Kind, Unit
from reconciler.plans.plan import Plan
from reconciler.plans.render.json_document import plan_document
from reconciler.plans.render.masking import MASK
from reconciler.plans.render.text import render_text
from reconciler.spec.tables import tables_of
from tests.unit.plans import samples

SECRET = "hunter2"
SECRET_FIELD = {"type": "string", "sensitive": True, "default": SECRET}


def test_the_document_has_the_promised_shape() -> None:
    document = plan_document(samples.everything())
    assert list(document) == [
        "format_version",
        "id",
        "source",
        "database",
        "units",
        "changes",
        "hazards",
        "drift",
        "problems",
        "held",
        "suspended",
        "summary",
    ]
    assert list(document["changes"][0]) == [
        "action",
        "kind",
        "address",
        "reason",
        "before",
        "after",
        "hazards",
    ]
    assert list(document["hazards"][0]) == ["code", "severity", "address", "rows", "message", "suggestion"]
    assert {"code", "file", "line", "column", "message", "hint"} <= document["problems"][0].keys()
    assert document["summary"] == {"add": 1, "change": 3, "remove": 3}


def test_the_document_survives_json_unchanged() -> None:
    document = plan_document(samples.everything())
    assert json.loads(json.dumps(document)) == document


def test_units_name_their_changes_in_order() -> None:
    document = plan_document(samples.everything())
    named = [address for unit in document["units"] for address in unit["changes"]]
    assert named == [change["address"] for change in document["changes"]]


def test_an_added_object_has_no_before_and_a_removed_one_no_after() -> None:
    changes = {change["address"]: change for change in plan_document(samples.everything())["changes"]}
    assert changes["agent/old"]["after"] is None
    assert changes["agent/old"]["before"]["spec"] == {"type": "mail"}
    assert changes["table/mail__analysis/column/due"]["before"] is None


def _type_with_secrets(default: str = SECRET) -> Any:
    field = {**SECRET_FIELD, "default": default}
    return samples.agent_type(
        settings={"token": field, "host": "string"},
        input={"code": field},
        models={
            "note": {"fields": {"pin": field, "sealed": {**field, "sensitive": False, "encrypted": True}}}
        },
        output={"fields": {"result": field}, "from": "save"},
        tests=[
            {
                "name": "t",
                "input": {"code": default},
                "settings": {"token": default, "host": "a"},
                "expect": {"output": {"result": default}},
            }
        ],
    )


def _plan_with_secrets() -> Plan:
    """Secrets before and after a change, in every place a literal may stand."""
    before, after = _type_with_secrets(), _type_with_secrets(f"{SECRET}-new")
    old, new = tables_of(before)["mail__note"], tables_of(after)["mail__note"]
    bound = samples.agent(settings={"token": SECRET, "host": "imap.example.com"})
    rebound = samples.agent(settings={"token": f"{SECRET}-new", "host": "imap.example.com"})
    return samples.plan(
        Unit(
            "type/mail",
            (
                Change(Action.CHANGE, Kind.TYPE, "type/mail", before, after),
                Change(Action.ADD, Kind.TABLE, "table/mail__note", None, new),
                Change(
                    Action.CHANGE, Kind.COLUMN, "table/mail__note/column/pin", old.columns[0], new.columns[0]
                ),
                Change(Action.CHANGE, Kind.AGENT, "agent/inbox", bound, rebound),
            ),
        )
    )


def test_no_sensitive_value_is_in_the_document() -> None:
    document = json.dumps(plan_document(_plan_with_secrets()))
    assert SECRET not in document
    assert document.count(MASK) > 10
    assert "imap.example.com" in document


def test_no_sensitive_value_is_in_the_text_though_its_change_is_told() -> None:
    shown = "\n".join(render_text(_plan_with_secrets(), colour=False, width=100))
    assert SECRET not in shown
    assert f"~ settings.token  {MASK} → {MASK}" in shown
    assert "settings.host" not in shown


@pytest.mark.parametrize(
    ("known", "masked"),
    [({"mail": frozenset({"token"})}, {"token"}), ({"mail": frozenset()}, set()), ({}, {"token", "host"})],
    ids=["the type tells which", "the type has none", "nobody knows the type"],
)
def test_settings_of_a_type_outside_the_plan_are_masked_as_the_lookup_says(
    known: dict[str, frozenset[str]], masked: set[str]
) -> None:
    bound = samples.agent(settings={"token": "t", "host": "h"})
    plan = samples.plan(Unit("agent/inbox", (Change(Action.ADD, Kind.AGENT, "agent/inbox", None, bound),)))
    settings = plan_document(plan, sensitive_settings=known.get)["changes"][0]["after"]["spec"]["settings"]
    assert {name for name, value in settings.items() if value == MASK} == masked

"""Every hazard that is documented comes about, with the code, gravity and names that are documented."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.plans import hazards
from reconciler.plans.changes import Hazard, Severity, Unit
from reconciler.plans.diff import Differ
from reconciler.plans.locking import locking_hazards
from reconciler.plans.order import units_of
from reconciler.plans.settle import removal_hazards
from reconciler.spec.codec import state_of

from .samples import agent, agent_type
from .states import actual, hazards_between, notes, parked_column, policy, units

DOCUMENTED = {
    found[1]: Severity(found[2])
    for found in re.finditer(
        r"^    ([a-z-]+) +(confirm|block|notice) +\S", inspect.getdoc(hazards) or "", re.M
    )
}


def evolve(
    before: dict[str, Any], after: dict[str, Any], version: str = "2.0.0"
) -> Callable[[], list[Hazard]]:
    return lambda: hazards_between(notes(**before), notes(version, **after))


def of_restoring() -> list[Hazard]:
    wanted = notes("2.0.0", text="string", due={"type": "date", "required": True})
    parked = parked_column("due", type="date", nullable=False)
    return [h for unit in units([notes(text="string")], [wanted], [parked]) for h in unit.hazards]


def of_removing_all() -> Iterable[Hazard]:
    live = [agent_type(), agent("inbox"), agent("outbox")]
    return removal_hazards(units(live, []), state_of([]), actual(live))


def of_a_large_table() -> Iterable[Hazard]:
    [unit] = units([notes(text="string")], [notes("1.1.0", text={"type": "string", "index": True})])
    found: Unit = locking_hazards(unit, {"notes__note": 2_000_000})
    return found.hazards


def of_a_stranger() -> Iterable[Hazard]:
    nothing = actual([])
    nothing.tables = replace(nothing.tables, is_taken=lambda name: name == "notes__note")
    found = Differ(state_of([notes(text="string")]), nothing).differences()
    return [h for unit in units_of(found) for h in unit.hazards]


TEXT, NUMBER = "string", "integer"
REQUIRED = {"type": "string", "required": True}
PRODUCED: list[tuple[str, Callable[[], Iterable[Hazard]], str, str]] = [
    # Code, what produces it, its object and its address.
    (
        "destructive",
        evolve({"a": TEXT, "b": NUMBER}, {"a": TEXT}),
        "notes.note.b",
        "table/notes__note/column/b",
    ),
    (
        "destructive",
        lambda: hazards_between(notes(a=TEXT), agent_type("notes", "2.0.0")),
        "notes.note",
        "table/notes__note",
    ),
    (
        "narrowing",
        evolve({"a": TEXT}, {"a": {"type": "string", "max_length": 9}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    (
        "narrowing",
        evolve({"a": {"type": "decimal", "scale": 3}}, {"a": {"type": "decimal", "scale": 2}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    (
        "enum-value-in-use",
        evolve({"a": {"type": "enum", "values": ["x", "y"]}}, {"a": {"type": "enum", "values": ["x"]}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    ("uncastable", evolve({"a": TEXT}, {"a": NUMBER}), "notes.note.a", "table/notes__note/column/a"),
    ("ambiguous-rename", evolve({"a": TEXT}, {"b": TEXT}), "notes.note.b", "table/notes__note/column/b"),
    (
        "rename-source-missing",
        evolve({"a": TEXT}, {"a": TEXT, "b": {"type": "string", "renamed_from": "c"}}, "1.1.0"),
        "notes.note.b",
        "table/notes__note/column/b",
    ),
    (
        "rename-conflict",
        evolve({"a": TEXT, "b": TEXT}, {"b": {"type": "string", "renamed_from": "a"}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    ("mass-removal", of_removing_all, "all", "plan"),
    (
        "required-without-default",
        evolve({"a": TEXT}, {"a": TEXT, "b": REQUIRED}),
        "notes.note.b",
        "table/notes__note/column/b",
    ),
    ("nulls-present", evolve({"a": TEXT}, {"a": REQUIRED}), "notes.note.a", "table/notes__note/column/a"),
    ("nulls-present", of_restoring, "notes.note.due", "table/notes__note/column/due"),
    (
        "duplicates",
        evolve({"a": TEXT}, {"a": {"type": "string", "unique": True}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    (
        "duplicates",
        evolve({"a": TEXT, "b": TEXT}, {"a": TEXT, "b": TEXT, "table": {"unique": [["a", "b"]]}}),
        "notes.note",
        "table/notes__note",
    ),
    (
        "orphans",
        evolve({"a": NUMBER}, {"a": {"type": "reference", "model": "note"}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    (
        "check-violated",
        evolve({"a": NUMBER}, {"a": {"type": "integer", "min": 1}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    (
        "check-violated",
        evolve({"a": NUMBER}, {"a": NUMBER, "table": {"checks": [{"name": "c", "expression": "a > 1"}]}}),
        "notes.note",
        "table/notes__note",
    ),
    ("name-taken", of_a_stranger, "notes__note", "table/notes__note"),
    ("version-too-small", evolve({"a": TEXT}, {"a": TEXT, "b": NUMBER}, "1.0.1"), "notes", "type/notes"),
    (
        "backfill",
        evolve({"a": TEXT}, {"a": {**REQUIRED, "default": "x"}}),
        "notes.note.a",
        "table/notes__note/column/a",
    ),
    ("locking", of_a_large_table, "", ""),
    ("already-run", lambda: [hazards.already_run("notes__note")], "notes__note", "table/notes__note"),
    ("unfinished", lambda: [hazards.unfinished("notes__note")], "notes__note", "table/notes__note"),
]


def test_the_documented_codes_are_all_there_are() -> None:
    assert list(DOCUMENTED) == list(hazards.CODES)
    assert DOCUMENTED == hazards.SEVERITIES
    assert {code for code, _, _, _ in PRODUCED} == set(hazards.CODES)
    assert set(hazards.ALLOWABLE) == {c for c, severity in DOCUMENTED.items() if severity is Severity.CONFIRM}
    assert hazards.DESTRUCTIVE <= hazards.ALLOWABLE


@pytest.mark.parametrize(
    ("code", "produce", "object_", "address"),
    PRODUCED,
    ids=[f"{code} of {object_ or 'an index'}" for code, _, object_, _ in PRODUCED],
)
def test_a_hazard_is_what_the_table_says(
    code: str, produce: Callable[[], Iterable[Hazard]], object_: str, address: str
) -> None:
    found = [*produce()]
    assert {hazard.code for hazard in found} <= set(hazards.CODES)
    [hazard] = [hazard for hazard in found if hazard.code == code]
    assert hazard.severity is DOCUMENTED[code]
    assert hazard.message
    assert hazard.suggestion
    if object_:
        assert (hazard.object, hazard.address) == (object_, address)


@pytest.mark.parametrize(
    ("after", "severity"),
    [
        ({"type": "integer"}, Severity.CONFIRM),
        ({"type": "integer", "required": True}, Severity.BLOCK),
        ({"type": "integer", "required": True, "default": 0}, Severity.CONFIRM),
        ({"type": "integer", "required": True, "default": 0, "encrypted": True}, Severity.BLOCK),
    ],
    ids=["optional", "required", "with a default", "with a default that cannot be encrypted here"],
)
def test_a_conversion_blocks_where_nothing_can_take_the_place_of_a_value(
    after: dict[str, Any], severity: Severity
) -> None:
    found = hazards_between(notes(a=TEXT), notes("2.0.0", a=after))
    assert [h.severity for h in found if h.code == "uncastable"] == [severity]


def test_a_policy_may_forbid_all_that_is_destructive() -> None:
    blocking = policy(destructive="block")
    found = hazards_between(notes(a=TEXT, b=TEXT), notes("2.0.0", a=NUMBER), blocking)
    assert {h.code for h in found} == {"uncastable", "destructive"}
    assert {h.severity for h in found} == {Severity.BLOCK}
    assert all("policy" in h.suggestion for h in found)


def test_what_always_fits_is_no_hazard() -> None:
    wider = {
        "a": {"type": "string", "max_length": 20},
        "b": "text",
        "c": {"type": "enum", "values": ["x", "y"]},
    }
    before = {"a": {"type": "string", "max_length": 9}, "b": TEXT, "c": {"type": "enum", "values": ["x"]}}
    assert hazards_between(notes(**before), notes("1.1.0", **wider)) == []

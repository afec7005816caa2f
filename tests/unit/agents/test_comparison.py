"""Two versions of a type: what is asked of the version and what becomes of the tables."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.agents.comparison import compare
from reconciler.errors import UsageError
from reconciler.plans.contract import Level
from tests.unit.plans.samples import agent_type

NOTE: dict[str, Any] = {"text": "string", "topic": "string"}


def with_fields(version: str, **fields: Any) -> Any:
    return agent_type("notes", version, models={"note": {"fields": fields}})


@pytest.mark.parametrize(
    ("after", "level", "required", "changes"),
    [
        ({**NOTE, "topic": {"type": "string", "description": "What it is about."}}, Level.PATCH, "1.2.4", []),
        ({**NOTE, "due": "date"}, Level.MINOR, "1.3.0", ["add column/due"]),
        ({"text": "string"}, Level.MAJOR, "2.0.0", ["remove column/topic"]),
        (
            {"text": "string", "subject": {"type": "string", "renamed_from": "topic"}},
            Level.MAJOR,
            "2.0.0",
            ["rename column/subject"],
        ),
    ],
    ids=["a text changed", "a field more", "a field less", "a field renamed"],
)
def test_a_comparison_tells_level_version_and_table_changes(
    after: dict[str, Any], level: Level, required: str, changes: list[str]
) -> None:
    found = compare(with_fields("1.2.3", **NOTE), with_fields("1.2.4", **after))
    assert (found.level, found.required_version) == (level, required)
    assert [f"{c.action.value} {c.address.split('/', 2)[2]}" for c in found.changes] == changes
    assert [move.level for move in found.moves][:1] == [level]


@pytest.mark.parametrize(("declared", "sufficient"), [("1.2.4", False), ("1.3.0", True), ("2.0.0", True)])
def test_a_version_is_sufficient_from_the_required_one_on(declared: str, sufficient: bool) -> None:
    found = compare(with_fields("1.2.3", **NOTE), with_fields(declared, **NOTE, due="date"))
    assert found.sufficient is sufficient


def test_a_type_does_not_differ_from_itself() -> None:
    found = compare(with_fields("1.2.3", **NOTE), with_fields("1.2.3", **NOTE))
    assert (found.level, found.moves, found.required_version, found.sufficient) == (
        Level.NONE,
        (),
        "1.2.3",
        True,
    )
    assert found.changes == ()


def test_two_types_are_not_compared() -> None:
    with pytest.raises(UsageError, match="not versions of one type"):
        compare(agent_type("mail"), agent_type("notes"))

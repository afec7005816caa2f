"""Hazards weighed by rows, and removals by what is live."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.plans.changes import Nulls, Orphans, Rows, Unfit
from reconciler.plans.settle import MASS_REMOVAL_FLOOR, questions, removal_hazards, settled
from reconciler.spec.codec import Spec, state_of

from .samples import agent, agent_type
from .states import actual, notes, parked_column, policy, units

REF = {"type": "reference", "model": "note", "required": True}
UNITS = units([notes(a="string", b="integer")], [notes("2.0.0", a="integer", b=REF)])


def test_every_probe_is_asked_of_its_table_as_it_is_now() -> None:
    asked = questions(UNITS)
    assert [type(probe) for probe in asked] == [Unfit, Unfit, Nulls, Orphans]
    assert {table.name for table in asked.values()} == {"notes__note"}
    [definition] = {id(table): table for table in asked.values()}.values() or [None]
    assert [column.name for column in definition.columns] == ["a", "b"]


def test_a_parked_column_is_asked_under_the_name_it_is_parked_by() -> None:
    wanted = notes("2.0.0", a="string", due={"type": "date", "required": True})
    asked = questions(
        units([notes(a="string")], [wanted], [parked_column("due", type="date", nullable=False)])
    )
    [(probe, table)] = asked.items()
    assert probe == Nulls("notes__note", "_archived_3_due")
    assert [column.name for column in table.columns] == ["a", "_archived_3_due"]


def test_what_concerns_no_row_vanishes_and_the_rest_is_counted() -> None:
    counts = {probe: 4 if isinstance(probe, Nulls) else 0 for probe in questions(UNITS)}
    [unit] = settled(UNITS, counts)
    assert [(hazard.code, hazard.rows) for hazard in unit.hazards] == [("nulls-present", 4)]
    [migration] = unit.migrations
    assert [h for c in migration.changes for h in c.hazards] == [*unit.hazards]


def test_what_nobody_has_counted_stays_as_a_possibility() -> None:
    assert settled(UNITS, {}) == UNITS
    assert {hazard.rows for unit in UNITS for hazard in unit.hazards} == {None}


@pytest.mark.parametrize(("rows", "lossy"), [(0, False), (3, True)])
def test_a_conversion_is_lossy_if_a_value_does_not_survive_it(rows: int, lossy: bool) -> None:
    counts = {probe: rows if isinstance(probe, Unfit) else 1 for probe in questions(UNITS)}
    [unit] = settled(UNITS, counts)
    marked = {change.address.rpartition("/")[2]: change.lossy for change in unit.changes[1:3]}
    assert marked == {"a": lossy, "b": lossy}
    assert unit.changes[0].lossy is False


def test_rows_that_would_go_are_counted_in_the_archive_when_a_table_comes_back() -> None:
    """Nothing is asked of a table that is not there yet."""
    assert questions(units([], [notes(a="string")])) == {}
    asked = questions(units([notes(a="string")], [agent_type("notes", "2.0.0")]))
    assert [*asked] == [Rows("notes__note")]


def fleet(agents: int) -> list[Spec]:
    return [agent_type(), policy(), *(agent(f"a{n}") for n in range(agents))]


REMOVALS: list[tuple[int, int, bool]] = [
    # Agents of the one type, how many of them go, and whether that is a mass.
    (3, 1, False),
    (3, MASS_REMOVAL_FLOOR, False),
    (3, 3, True),
    (11, 3, False),  # a quarter of twelve
    (10, 3, True),
    (99, 25, False),
    (99, 26, True),
]


@pytest.mark.parametrize(("agents", "removed", "mass"), REMOVALS)
def test_more_than_a_quarter_going_at_once_is_a_mass_removal(agents: int, removed: int, mass: bool) -> None:
    live, wanted = fleet(agents), fleet(agents)[:-removed]
    found = removal_hazards(units(live, wanted), state_of(wanted), actual(live))
    assert [hazard.code for hazard in found] == (["mass-removal"] if mass else [])
    if mass:
        assert found[0].message == f"{removed} of {agents + 1} live objects would go"


@pytest.mark.parametrize(
    ("live", "held", "mass"),
    [
        ([agent_type()], frozenset[str](), True),
        ([agent_type()], frozenset({"type/mail"}), False),
        ([], frozenset[str](), False),
    ],
    ids=["the last type", "a broken manifest", "nothing there"],
)
def test_an_empty_source_is_never_read_as_delete_all(
    live: list[Any], held: frozenset[str], mass: bool
) -> None:
    """However little there is to delete."""
    wanted = state_of([]).holding(held)
    going = () if held else units(live, [])
    assert bool(removal_hazards(going, wanted, actual(live))) is mass

"""Of a plan, what goes ahead, what waits, and when it is tried again."""

from __future__ import annotations

import pytest

from reconciler.control.controller.backoff import FIRST, LONGEST, Backoff
from reconciler.control.controller.confirming import Confirmed
from reconciler.control.controller.selection import Wait, select
from reconciler.plans import hazards
from reconciler.plans.changes import Action, Change, Hazard, Kind, Severity, Unit
from reconciler.plans.plan import Plan


def unit(name: str, action: Action = Action.CHANGE, kind: Kind = Kind.TYPE, *found: Hazard) -> Unit:
    return Unit(name, (Change(action, kind, name, hazards=found),))


def hazard(severity: Severity) -> Hazard:
    return Hazard("destructive", severity, "table/notes__note", "notes.note", "it goes", "think", rows=3)


def plan(*units: Unit, whole: tuple[Hazard, ...] = ()) -> Plan:
    return Plan("id", "agents.d", "sqlite", "desired", "observed", units=units, plan_hazards=whole)


def names(found: Plan) -> list[str]:
    return [one.name for one in found.units]


def test_what_nothing_stops_goes_ahead_whatever_waits() -> None:
    stopped = unit("type/b", Action.CHANGE, Kind.TYPE, hazard(Severity.CONFIRM))
    found = select(plan(unit("type/a"), stopped, unit("type/c")))
    assert names(found.plan) == ["type/a", "type/c"]
    _, wait = found.waiting["type/b"]
    assert wait == Wait("destructive", "it goes, 3 rows; --allow destructive:notes.note")


@pytest.mark.parametrize(
    ("severity", "allow", "goes"),
    [
        (Severity.NOTICE, (), True),
        (Severity.CONFIRM, (), False),
        (Severity.CONFIRM, ("destructive:notes.note",), True),
        (Severity.CONFIRM, ("destructive",), True),
        (Severity.CONFIRM, ("narrowing",), False),
        (Severity.BLOCK, ("destructive",), False),
    ],
)
def test_hazards_stop_their_own_unit(severity: Severity, allow: tuple[str, ...], goes: bool) -> None:
    found = select(plan(unit("type/a", Action.CHANGE, Kind.TYPE, hazard(severity))), allow=allow)
    assert bool(found.plan.units) is goes


def test_a_mass_removal_stops_what_is_removed_and_nothing_else() -> None:
    gone = [unit(f"agent/{name}", Action.REMOVE, Kind.AGENT) for name in "abc"]
    found = select(plan(*gone, unit("type/new", Action.ADD), whole=(hazards.mass_removal(3, 4),)))
    assert names(found.plan) == ["type/new"]
    assert {wait.reason for _, wait in found.waiting.values()} == {"mass-removal"}


def test_drift_is_left_alone_where_it_is_only_reported() -> None:
    healing = unit("table/notes__note", Action.ADD, Kind.COLUMN)
    assert names(select(plan(healing)).plan) == ["table/notes__note"]
    found = select(plan(healing, unit("type/a")), report_drift=True)
    assert names(found.plan) == ["type/a"]


def test_what_failed_is_tried_less_and_less_often() -> None:
    backoff, now, pauses = Backoff(jitter=lambda: 0.5), 0.0, []
    for _ in range(12):
        backoff.failed("type/a", "wanted", "it broke", now)
        due = backoff.next_due()
        assert due is not None
        assert backoff.waiting({"type/a": "wanted"}, due - 0.01)
        assert not backoff.waiting({"type/a": "wanted"}, due)
        pauses.append(due - now)
        now = due
    assert pauses[0] == FIRST
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST


def test_another_edit_is_another_chance() -> None:
    backoff = Backoff()
    backoff.failed("type/a", "wanted", "it broke", 0.0)
    assert not backoff.waiting({"type/a": "something else"}, 0.0)


def test_what_is_not_wanted_any_more_is_forgotten() -> None:
    backoff = Backoff()
    backoff.failed("type/a", "wanted", "it broke", 0.0)
    backoff.forget_all_but({"type/b"})
    assert backoff.next_due() is None


def test_a_removal_is_believed_once_it_lasts() -> None:
    removals, gone = Confirmed(1.0), [unit("type/a", Action.REMOVE)]
    assert "type/a" in removals.waiting(gone, 10.0)
    assert removals.next_due(10.0) == 11.0
    assert "type/a" in removals.waiting(gone, 10.9)
    assert removals.waiting(gone, 11.0) == {}


def test_what_comes_back_begins_anew_when_it_goes_again() -> None:
    removals, gone = Confirmed(1.0), [unit("type/a", Action.REMOVE)]
    removals.waiting(gone, 10.0)
    assert removals.waiting([unit("type/a")], 10.5) == {}
    assert "type/a" in removals.waiting(gone, 11.2)


def test_a_source_of_whole_states_is_believed_at_once() -> None:
    assert Confirmed(0.0).waiting([unit("type/a", Action.REMOVE)], 1.0) == {}

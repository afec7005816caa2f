"""What stops a plan, what an allowance covers, and what a plan is known by."""

from __future__ import annotations

import pytest

from reconciler.plans.changes import Action, Change, Kind, Severity, Unit
from reconciler.plans.hazards import unfinished
from reconciler.plans.plan import plan_id, stopping

from .samples import agent_type, hazard, plan

BODY = hazard()
ALLOWANCES: list[tuple[str, bool]] = [
    ("destructive", True),
    ("destructive:", True),
    ("destructive:email-analysis", False),
    ("destructive:mail", True),
    ("destructive:mail.analysis", True),
    ("destructive:mail.analysis.body", True),
    ("destructive:mail.analysis.body.more", False),
    ("destructive:mail.ana", False),
    ("destructive:mai", False),
    ("destructive:table/mail__analysis", True),
    ("destructive:table/mail__analysis/column/body", True),
    ("destructive:table/mail__ana", False),
    ("destructive:mail/analysis", False),
    ("Destructive", False),
    ("narrowing:mail.analysis.body", False),
    ("", False),
    (":mail", False),
    ("*", False),
]


@pytest.mark.parametrize(("allowance", "covered"), ALLOWANCES)
def test_an_allowance_covers_its_object_and_all_below_it(allowance: str, covered: bool) -> None:
    assert stopping([BODY], [allowance]) == (() if covered else (BODY,))


def test_one_of_several_allowances_is_enough() -> None:
    other = hazard(code="narrowing")
    assert stopping([BODY, other], ["locking", "destructive:mail"]) == (other,)


def test_a_block_cannot_be_allowed_and_a_notice_stops_nothing() -> None:
    block, notice = hazard(Severity.BLOCK), hazard(Severity.NOTICE)
    assert stopping([block, notice, BODY], ["destructive"]) == (block,)
    assert stopping([notice]) == ()
    assert stopping([BODY]) == (BODY,)


def test_equal_states_give_an_equal_id_and_any_other_another() -> None:
    ids = {
        plan_id("d", "o"),
        plan_id("d", "o", "c"),
        plan_id("d", "x"),
        plan_id("x", "o"),
        plan_id("o", "d"),
        plan_id("do", ""),
    }
    assert len(ids) == 6
    assert plan_id("d", "o", "c") == plan_id("d", "o", "c")
    assert all(len(identity) == 16 and int(identity, 16) >= 0 for identity in ids)


def test_a_plan_counts_what_comes_back_as_added_and_what_is_renamed_as_changed() -> None:
    changes = tuple(Change(action, Kind.COLUMN, f"table/t/column/{action}") for action in Action)
    made = plan(Unit("type/t", changes), Unit("type/u", changes[:1]))
    assert made.summary.text == "Plan: 3 to add, 2 to change, 1 to destroy."
    assert [change.action for change in made.changes] == [*Action, Action.ADD]


def test_hazards_of_the_plan_as_a_whole_come_before_those_of_its_changes() -> None:
    whole = hazard(code="mass-removal")
    change = Change(Action.REMOVE, Kind.TYPE, "type/mail", agent_type(), None, hazards=(BODY,))
    assert plan(Unit("type/mail", (change,)), plan_hazards=(whole,)).hazards == (whole, BODY)


def test_unfinished_work_is_pending_though_nothing_changes() -> None:
    assert (plan().empty, plan().pending) == (True, False)
    left = plan(plan_hazards=(unfinished("notes__note"),))
    assert (left.empty, left.pending) == (True, True)
    assert plan(plan_hazards=(BODY,)).pending is False

"""history, show and rollback."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.control.reports import Outcome
from reconciler.plans.changes import Severity
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap
from tests.unit.plans import samples

Run = Callable[..., Shown]


def test_history_is_a_table(reconcile: Run) -> None:
    assert reconcile("history").out.splitlines() == [
        "REVISION  STATE    WHEN (UTC)           BY   CHANGES   REASON",
        "4         partial  2026-11-20 10:00:00  ann  +1 ~2 -0  urgency",
    ]


def test_history_as_a_document_has_all_of_a_revision(reconcile: Run) -> None:
    (revision,) = reconcile("history", "--json").document["revisions"]
    assert revision["summary"] == {"add": 1, "change": 2, "remove": 0}
    assert (revision["number"], revision["parent"], revision["actor"]) == (4, 3, "ann")


def test_an_empty_history_says_what_to_do(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler.revisions = []
    assert reconcile("history").out == "Nothing was applied yet.\n\nNext: reconcile --plan\n"


def test_show_tells_units_their_changes_and_what_went_wrong(reconcile: Run) -> None:
    shown = reconcile("show", "4").out
    assert "Revision  4, partial\n" in shown
    assert "type/mail  applied\n  ~ type/mail\n" in shown
    assert "type/web  failed\n  ! UNIQUE constraint failed\n" in shown
    assert "ALTER TABLE" not in shown


def test_show_tells_statements_when_asked(reconcile: Run) -> None:
    assert "    ALTER TABLE mail__analysis ADD COLUMN due date;\n" in reconcile("show", "4", "--sql").out
    (unit, _) = reconcile("show", "4", "--json").document["units"]
    assert unit["sql"] == ["ALTER TABLE mail__analysis ADD COLUMN due date;"]


def test_a_revision_that_never_was_is_not_found(reconcile: Run) -> None:
    shown = reconcile("show", "9")
    assert shown.status == 1
    assert shown.err.startswith("error[not-found]: there is no revision 9")


def test_rollback_shows_its_plan_and_applies_it(reconcile: Run, bootstrap: Bootstrap) -> None:
    shown = reconcile("rollback", "3", "--yes", "--allow", "destructive")
    assert shown.status == 0
    assert "+ type/mail" in shown.out
    assert shown.out.endswith("Applied 1 unit as revision 5.\n")
    assert bootstrap.reconciler.done == [
        ("rollback_plan", {"revision": 3}),
        (
            "apply",
            {
                "allow": ("destructive",),
                "reason": "rollback to revision 3",
                "actor": "ben",
                "keep_going": True,
            },
        ),
    ]


def test_rollback_without_anybody_there_needs_yes(reconcile: Run, bootstrap: Bootstrap) -> None:
    shown = reconcile("rollback")
    assert shown.status == 64
    assert "--yes" in shown.err
    assert bootstrap.reconciler.done == [("rollback_plan", {"revision": None})]


def test_rollback_asks_who_is_there(
    reconcile: Run, bootstrap: Bootstrap, someone_types: Callable[[str], None]
) -> None:
    someone_types("no\n")
    assert reconcile("rollback").status == 6
    someone_types("yes\n")
    assert reconcile("rollback").status == 0
    assert [name for name, _ in bootstrap.reconciler.done] == ["rollback_plan", "rollback_plan", "apply"]


def test_rollback_with_plan_changes_nothing(reconcile: Run, bootstrap: Bootstrap) -> None:
    assert reconcile("rollback", "--plan").out.endswith("Plan: 3 to add, 0 to change, 0 to destroy.\n")
    assert [name for name, _ in bootstrap.reconciler.done] == ["rollback_plan"]


def test_an_empty_rollback_is_done_without_a_question(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler.plan_ = samples.plan()
    assert reconcile("rollback").status == 0


@pytest.mark.parametrize(
    ("severity", "hint"),
    [(Severity.CONFIRM, "--allow destructive:mail.analysis.body"), (Severity.BLOCK, "change the rows")],
)
def test_what_a_hazard_stops_is_refused_before_anybody_is_asked(
    reconcile: Run, bootstrap: Bootstrap, severity: Severity, hint: str
) -> None:
    plan = samples.first_apply()
    bootstrap.reconciler.plan_ = samples.plan(*plan.units, plan_hazards=(samples.hazard(severity),))
    shown = reconcile("rollback", "--yes")
    assert shown.status == 6
    assert hint in shown.err
    assert [name for name, _ in bootstrap.reconciler.done] == ["rollback_plan"]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome("p", 5, ("type/mail",), (("type/web", "duplicates"),)), 7),
        (Outcome("p", 5, (), (("type/web", "duplicates"),)), 1),
    ],
    ids=["some units failed", "all units failed"],
)
@pytest.mark.parametrize("json", [False, True])
def test_failed_units_are_named_and_the_exit_code_tells(
    reconcile: Run, bootstrap: Bootstrap, outcome: Outcome, status: int, json: bool
) -> None:
    bootstrap.reconciler.outcome = outcome
    shown = reconcile("rollback", "--yes", *(["--json"] if json else []))
    assert shown.status == status
    if json:
        assert shown.document["outcome"]["failed"] == [{"unit": "type/web", "error": "duplicates"}]
        assert shown.document["plan"]["summary"]["add"] == 3
    else:
        assert "failed: type/web: duplicates\n" in shown.err
        assert "reconcile show 5" in shown.err


def test_a_rollback_with_json_prints_one_document_even_when_it_is_refused(
    reconcile: Run, bootstrap: Bootstrap
) -> None:
    bootstrap.reconciler.plan_ = samples.everything()
    assert reconcile("rollback", "--json", "--yes").document["error"]["code"] == "refused"

"""status, and a bare `reconcile`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.control.reports import Counts
from tests.unit.cli import doubles
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap

Run = Callable[..., Shown]


def test_bare_reconcile_shows_where_things_stand_and_the_next_command(reconcile: Run) -> None:
    shown = reconcile()
    assert shown.status == 0
    assert shown.out.splitlines() == [
        "Source    agents.d",
        "Database  sqlite:///reconciler.db",
        "Revision  4, partial 2026-11-20 10:00:00 UTC by ann: urgency",
        "In place  1 type, 60 agents, 2 tables",
        "Pending   changes are waiting",
        "",
        "Next: reconcile --plan",
    ]


def test_status_lists_the_first_objects_and_says_how_many_more(reconcile: Run) -> None:
    lines = reconcile("status").out.splitlines()
    assert lines.count("agent/a0            enabled") == 1
    assert "… 10 more; reconcile status --all" in lines


def test_status_lists_all_objects_when_asked(reconcile: Run) -> None:
    assert reconcile("status", "--all").out.count("agent/a") == 60


@pytest.mark.parametrize("arguments", [["--json"], ["status", "--json"]])
def test_the_document_always_has_all_objects(reconcile: Run, arguments: list[str]) -> None:
    document = reconcile(*arguments).document
    assert len(document["objects"]) == 60
    assert document["counts"] == {"types": 1, "agents": 60, "policies": 0, "tables": 2, "archives": 0}
    assert document["next_command"] == "reconcile --plan"


def test_a_fresh_start_reads_well(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler.status_ = doubles.status(revision=None, counts=Counts(), pending=None, objects=())
    shown = reconcile().out
    assert "Revision  none; nothing was applied yet\n" in shown
    assert "In place  nothing\n" in shown
    assert "Pending   not known\n" in shown


def test_drift_and_problems_are_told_where_there_are_any(reconcile: Run, bootstrap: Bootstrap) -> None:
    assert "Drift" not in reconcile().out
    bootstrap.reconciler.status_ = doubles.status(drift=1, problems=2)
    shown = reconcile().out
    assert "Drift     1 difference\n" in shown
    assert "Problems  2 problems\n" in shown

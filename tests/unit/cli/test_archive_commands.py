"""archive list, restore and purge."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap

Run = Callable[..., Shown]


@pytest.mark.parametrize("arguments", [["archive"], ["archive", "list"]])
def test_what_is_parked_is_a_table(reconcile: Run, arguments: list[str]) -> None:
    assert reconcile(*arguments).out.splitlines() == [
        "ID  WHAT                OF    ROWS  PARKED (UTC)         BY REVISION  KEPT UNTIL           STATE",
        "7   mail__analysis.due  mail  17    2026-11-01 10:00:00  3            purged by hand       parked",
        "8   web__page           web   1     2026-11-01 10:00:00  3            2026-12-01 10:00:00  parked",
    ]


def test_nothing_parked_is_said_so(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler.records = []
    assert reconcile("archive").out == "Nothing is parked.\n"
    assert reconcile("archive", "--json").document == {"archives": []}


def test_a_restore_is_applied_under_its_number(reconcile: Run, bootstrap: Bootstrap) -> None:
    shown = reconcile("archive", "restore", "7", "--yes")
    assert (shown.status, shown.out) == (0, "Applied 1 unit as revision 5.\n")
    assert bootstrap.reconciler.done == [
        ("restore", {"number": 7, "reason": "restore archive 7", "actor": "ben"})
    ]


def test_a_purge_names_the_rows_it_deletes_before_it_does(
    reconcile: Run, bootstrap: Bootstrap, someone_types: Callable[[str], None]
) -> None:
    someone_types("no\n")
    shown = reconcile("archive", "purge", "7", "8")
    assert shown.status == 6
    assert "column mail__analysis.due with 17 rows; table web__page with 1 row?" in shown.err
    assert bootstrap.reconciler.done == []


def test_a_purge_of_several_purges_each_once(reconcile: Run, bootstrap: Bootstrap) -> None:
    shown = reconcile("archive", "purge", "8", "7", "8", "--yes", "--json", "--reason", "gdpr")
    assert [outcome["revision"] for outcome in shown.document["outcomes"]] == [5, 5]
    assert [(given["number"], given["reason"]) for _, given in bootstrap.reconciler.done] == [
        (8, "gdpr"),
        (7, "gdpr"),
    ]


def test_what_was_kept_long_enough_can_be_purged_at_once(reconcile: Run, bootstrap: Bootstrap) -> None:
    shown = reconcile("archive", "purge", "--expired", "--yes")
    assert shown.status == 0
    assert [given["number"] for _, given in bootstrap.reconciler.done] == [8]
    bootstrap.reconciler.records = []
    assert reconcile("archive", "purge", "--expired").out == "Nothing is parked beyond its time.\n"
    assert reconcile("archive", "purge", "--expired", "--json").document == {"outcomes": []}


@pytest.mark.parametrize("arguments", [[], ["7", "--expired"]])
def test_a_purge_is_told_either_numbers_or_to_take_what_is_expired(
    reconcile: Run, bootstrap: Bootstrap, arguments: list[str]
) -> None:
    shown = reconcile("archive", "purge", *arguments, "--yes")
    assert shown.status == 64
    assert bootstrap.reconciler.done == []


@pytest.mark.parametrize("verb", ["restore", "purge"])
def test_an_unknown_number_is_not_found_and_nothing_is_done(
    reconcile: Run, bootstrap: Bootstrap, verb: str
) -> None:
    shown = reconcile("archive", verb, "99", "--yes")
    assert shown.status == 1
    assert "no parked table or column has the number 99" in shown.err
    assert bootstrap.reconciler.done == []


@pytest.mark.parametrize("arguments", [["archive", "restore", "7"], ["archive", "purge", "7"]])
def test_without_anybody_there_yes_is_needed(
    reconcile: Run, bootstrap: Bootstrap, arguments: list[str]
) -> None:
    assert reconcile(*arguments).status == 64
    assert bootstrap.reconciler.done == []

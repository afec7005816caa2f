"""Verdicts as lines, in a comment, and as problems with a place; and the exit codes of `reconcile test`."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import pytest

from reconciler.agents.rehearsal import Difference, Gap, Rehearsal, Verdict
from reconciler.cli.console import Console
from reconciler.cli.verdicts import verdict_lines, verdict_markdown, verdict_problems, verdict_summary
from reconciler.errors import Problem
from reconciler.manifests.compiled import Loaded
from reconciler.spec.codec import state_of
from reconciler.spec.state import Location, State
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap
from tests.unit.plans.samples import agent, agent_type

Run = Callable[..., Shown]

WRONG = Difference("output/topic", "bug", "other", "output.topic: expected 'bug', got 'other'")
GOOD = Rehearsal("mail", "1.0.0", (Verdict("it works", (), 0.003),), (), 1.0)
BAD = Rehearsal(
    "notes",
    "2.0.0",
    (Verdict("it works", (), 0.003), Verdict("it ~~~ does", (WRONG,), 0.0041)),
    (Gap("save", "when", "save: `when` is never false"),),
    0.75,
)
UNTESTED = Rehearsal("plain", "1.0.0", (), (), 1.0)
DESIRED = state_of(
    [agent_type("mail"), agent_type("notes"), agent()], {"type/notes": Location("notes.yaml", 3, 1)}
)


def test_lines_name_every_test_and_what_differs() -> None:
    console = Console(io.StringIO(), io.StringIO())
    assert [*verdict_lines(BAD, console, coverage=True)] == [
        "notes 2.0.0",
        "  passed  it works  3 ms",
        "  FAILED  it ~~~ does  4 ms",
        "          output.topic: expected 'bug', got 'other'",
        "  75% of steps and branches taken",
        "  never   save: `when` is never false",
    ]
    assert [*verdict_lines(UNTESTED, console)] == ["plain 1.0.0  has no tests"]


def test_the_summary_counts() -> None:
    assert verdict_summary([GOOD, BAD]) == "Tests: 2 passed, 1 failed, 1 step or branch never taken."
    assert verdict_summary([]) == "Tests: 0 passed, 0 failed."


def test_a_comment_tells_failures_and_gaps_and_nothing_where_nothing_was_tested() -> None:
    assert verdict_markdown([]) == ""
    assert "✅ Tests: 1 passed, 0 failed." in verdict_markdown([GOOD])
    told = verdict_markdown([GOOD, BAD])
    assert "🛑 Tests: 2 passed, 1 failed" in told
    assert "\nnotes: it ~~~ does: output.topic: expected 'bug', got 'other'\n" in told
    assert "\nnotes: never: save: `when` is never false\n" in told


def test_a_failure_is_a_problem_where_its_type_stands() -> None:
    [problem] = verdict_problems([GOOD, BAD], lambda: DESIRED)
    message = "it ~~~ does: output.topic: expected 'bug', got 'other'"
    assert problem == Problem("test-failed", message, "notes.yaml", 3, 1)


@pytest.fixture
def tested(bootstrap: Bootstrap) -> list[list[str]]:
    """The types that were asked for, call by call; `notes` fails, all others pass."""
    asked: list[list[str]] = []

    def rehearsals(state: State, types: Iterable[str]) -> Iterator[Rehearsal]:
        asked.append([*types])
        yield from (BAD if name == "notes" else GOOD for name in asked[-1])

    bootstrap.rehearsals = rehearsals  # type: ignore[attr-defined]
    bootstrap.loaded = Loaded(DESIRED, (), 2)
    return asked


PROBLEM = Problem("broken", "it is broken", "other.yaml", 1, 1)


@pytest.mark.parametrize(
    ("names", "problems", "types", "status"),
    [
        ([], (), ["mail", "notes"], 1),
        (["mail"], (), ["mail"], 0),
        (["inbox"], (), ["mail"], 0),
        (["mail", "inbox"], (), ["mail"], 0),
        (["notes", "mail"], (), ["notes", "mail"], 1),
        (["mail"], (PROBLEM,), ["mail"], 0),
    ],
)
def test_names_choose_types_and_a_failure_is_exit_code_1(
    tested: list[list[str]],
    bootstrap: Bootstrap,
    reconcile: Run,
    names: list[str],
    problems: tuple[Problem, ...],
    types: list[str],
    status: int,
) -> None:
    bootstrap.loaded = Loaded(DESIRED, problems, 2)
    assert reconcile("test", *names).status == status
    assert tested == [types]


def test_a_broken_manifest_does_not_keep_the_others_from_being_tested(
    tested: list[list[str]], bootstrap: Bootstrap, reconcile: Run
) -> None:
    bootstrap.loaded = Loaded(state_of([agent_type("mail")]), (PROBLEM,), 2)
    shown = reconcile("test")
    assert (shown.status, tested) == (3, [["mail"]])
    assert "it is broken" in shown.err
    assert shown.out.splitlines()[-1] == "Tests: 1 passed, 0 failed."


def test_a_name_nobody_has_is_told(tested: list[list[str]], reconcile: Run) -> None:
    shown = reconcile("test", "note")
    assert (shown.status, tested) == (1, [])
    assert "did you mean `notes`?" in shown.err


def test_the_document_has_every_verdict(tested: list[list[str]], reconcile: Run) -> None:
    document = reconcile("test", "--json").document
    assert document["passed"] is False
    [_, notes] = document["types"]
    assert (notes["type"], notes["passed"], notes["coverage"]) == ("notes", False, 0.75)
    assert [test["passed"] for test in notes["tests"]] == [True, False]
    assert notes["tests"][1]["differences"] == [
        {"at": "output/topic", "expected": "bug", "got": "other", "message": WRONG.message}
    ]
    assert notes["gaps"] == [{"step": "save", "branch": "when", "message": "save: `when` is never false"}]

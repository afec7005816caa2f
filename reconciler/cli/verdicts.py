"""Verdicts of the manifests' tests, as lines, as part of a comment, and as problems with a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.console import Console
from reconciler.errors import Problem
from reconciler.plans.render.ink import Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.spec.state import State

SOME_FAILED = 1
"""Exit code where a test failed."""

SHOWN_IN_COMMENT = 20
"""Failed tests a comment tells in full."""


def verdict_lines(rehearsal: Rehearsal, console: Console, *, coverage: bool = False) -> Iterator[str]:
    """A type and its tests, the differences of those that failed below them."""
    title = console.strong(f"{rehearsal.type} {rehearsal.version}")
    yield title if rehearsal.verdicts else f"{title}  has no tests"
    for verdict in rehearsal.verdicts:
        word, tone = ("passed", Tone.ADD) if verdict.passed else ("FAILED", Tone.STOP)
        took = console.faint(f"{verdict.seconds * 1000:.0f} ms")
        yield f"  {paint(word, tone, console.colour_out)}  {printable(verdict.test)}  {took}"
        for difference in verdict.differences:
            yield f"          {printable(difference.message)}"
    if coverage:
        yield f"  {rehearsal.coverage:.0%} of steps and branches taken"
        yield from (f"  never   {printable(gap.message)}" for gap in rehearsal.gaps)


def verdict_summary(rehearsals: Sequence[Rehearsal]) -> str:
    """`Tests: 7 passed, 0 failed, 2 steps or branches never taken.`"""
    verdicts = [verdict for rehearsal in rehearsals for verdict in rehearsal.verdicts]
    failed = sum(not verdict.passed for verdict in verdicts)
    gaps = sum(len(rehearsal.gaps) for rehearsal in rehearsals)
    never = f", {gaps} {'step or branch' if gaps == 1 else 'steps or branches'} never taken" if gaps else ""
    return f"Tests: {len(verdicts) - failed} passed, {failed} failed{never}."


def verdict_markdown(rehearsals: Sequence[Rehearsal]) -> str:
    """A section of the comment on a pull request; empty where nothing was tested."""
    if not rehearsals:
        return ""
    mark = "✅" if all(rehearsal.passed for rehearsal in rehearsals) else "🛑"
    lines = ["", "### Tests", "", f"{mark} {verdict_summary(rehearsals)}"]
    failed = [(r, v) for r in rehearsals for v in r.verdicts if not v.passed]
    told = [f"{r.type}: {v.test}: {d.message}" for r, v in failed[:SHOWN_IN_COMMENT] for d in v.differences]
    gaps = [f"{r.type}: never: {gap.message}" for r in rehearsals for gap in r.gaps]
    more = [f"… {len(failed) - SHOWN_IN_COMMENT} more failed"] if len(failed) > SHOWN_IN_COMMENT else []
    if shown := [*told, *more, *gaps[:SHOWN_IN_COMMENT]]:
        # A fence that no foreign text can close: what is printable has no line of its own.
        lines += ["", "~~~text", *(printable(line) for line in shown), "~~~"]
    return "\n".join(lines) + "\n"


def verdict_problems(rehearsals: Sequence[Rehearsal], desired: Callable[[], State]) -> Iterator[Problem]:
    """Each difference as a problem of the manifest that the type stands in."""
    for rehearsal in rehearsals:
        location = desired().entries[f"type/{rehearsal.type}"].location
        for verdict in rehearsal.verdicts:
            for difference in verdict.differences:
                message = f"{verdict.test}: {difference.message}"
                if location is None:
                    yield Problem("test-failed", message)
                else:
                    yield Problem("test-failed", message, location.file, location.line, location.column)

"""Commands about what was applied: history, show, rollback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.applying import carry_out, exit_status, outcome_document, report_outcome
from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.plans.render.ink import TONE_OF_GLYPH, Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.control.reports import ChangeCounts, RevisionDetail, RevisionSummary, UnitRecord

_GLYPHS = {"add": "+", "restore": "+", "change": "~", "rename": "~", "remove": "-"}


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many revisions."
)
@shared_options("database", "json", "debug")
def history(invocation: Invocation, limit: int) -> None:
    """List what was applied, newest first."""
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        revisions = reconciler.history(limit)
    if console.json:
        console.document({"revisions": [asdict(revision) for revision in revisions]})
    elif revisions:
        heads = ("REVISION", "STATE", "WHEN (UTC)", "BY", "CHANGES", "REASON")
        console.lines(aligned(heads, [_row(revision) for revision in revisions]))
    else:
        console.lines(["Nothing was applied yet.", "", "Next: reconcile --plan"])


@click.command()
@click.argument("revision", type=click.IntRange(1))
@click.option("--sql", is_flag=True, help="The statements that ran as well.")
@shared_options("database", "json", "debug")
def show(invocation: Invocation, revision: int, sql: bool) -> None:
    """Show one revision: its changes and statements."""
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        detail = reconciler.revision(revision)
    if console.json:
        console.document(revision_document(detail))
    else:
        console.lines(_detail_lines(detail, console, sql=sql))


@click.command()
@click.argument("revision", type=click.IntRange(0), required=False)
@click.option("--plan", "only_plan", is_flag=True, help="Only show what would be done.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history.")
@shared_options("database", "json", "yes", "allow", "debug")
def rollback(invocation: Invocation, revision: int | None, only_plan: bool, reason: str) -> int:
    """Bring back the state of a former revision.

    Without REVISION: the state before the newest one. What was parked comes back from the archive. The way
    back is itself a revision, which can be undone.
    """
    from reconciler.plans.render.json_document import plan_document
    from reconciler.plans.render.text import render_text

    console = invocation.console()
    with invocation.reconciler() as reconciler:
        plan = reconciler.rollback_plan(revision)
        if not console.json:
            text = render_text(plan, colour=console.colour_out, width=console.width, allow=invocation.allow)
            console.lines(text)
        if only_plan or plan.empty:
            if console.json:
                console.document({"plan": plan_document(plan), "outcome": None})
            return 0
        console.out.flush()
        told = reason or (f"rollback to revision {revision}" if revision is not None else "rollback")
        outcome = carry_out(reconciler, plan, invocation, console, reason=told)
    if not console.json:
        report_outcome(outcome, console)
        return 0
    console.document({"plan": plan_document(plan), "outcome": outcome_document(outcome)})
    return exit_status(outcome)


def revision_document(detail: RevisionDetail) -> dict[str, Any]:
    """The summary's keys, and `units` with `name, state, changes, sql, error`."""
    return {**asdict(detail.summary), "units": [asdict(unit) for unit in detail.units]}


def counted(summary: ChangeCounts) -> str:
    """`+3 ~1 -0`"""
    return f"+{summary.add} ~{summary.change} -{summary.remove}"


def _row(revision: RevisionSummary) -> tuple[str, ...]:
    return (
        str(revision.number),
        revision.state,
        moment(revision.started_at),
        revision.actor,
        counted(revision.summary),
        revision.reason,
    )


def _detail_lines(detail: RevisionDetail, console: Console, *, sql: bool) -> Iterator[str]:
    summary = detail.summary
    finished = moment(summary.finished_at) or "never finished"
    told = {
        "Revision": f"{summary.number}, {summary.state}",
        "Parent": "none" if summary.parent is None else str(summary.parent),
        "When": f"{moment(summary.started_at)} to {finished} (UTC)",
        "By": summary.actor,
        "Reason": summary.reason,
        "Commit": summary.commit,
        "Plan": summary.plan_id,
        "Changes": counted(summary.summary),
    }
    for label, value in told.items():
        if value:
            yield f"{console.faint(f'{label:<9}')} {printable(value)}"
    for unit in detail.units:
        yield ""
        yield from _unit_lines(unit, console, sql=sql)


def _unit_lines(unit: UnitRecord, console: Console, *, sql: bool) -> Iterator[str]:
    yield f"{console.strong(printable(unit.name))}  {unit.state}"
    for change in unit.changes:
        glyph = _GLYPHS.get(change.get("action", ""), " ")
        line = f"{glyph} {printable(str(change.get('address', '')))}"
        yield f"  {paint(line, TONE_OF_GLYPH.get(glyph, Tone.PLAIN), console.colour_out)}"
    if unit.error:
        yield f"  {paint('! ' + printable(unit.error), Tone.STOP, console.colour_out)}"
    for statement in unit.sql if sql else ():
        yield from (f"    {printable(line)}" for line in f"{statement.rstrip().rstrip(';')};".splitlines())

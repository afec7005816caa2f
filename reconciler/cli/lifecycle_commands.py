"""Commands about the end of types and agents, and their return: delete, restore."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.applying import outcome_document, report_outcome
from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound, PartlyApplied, Refused, UsageError

if TYPE_CHECKING:
    from reconciler.control.lifecycle.deleting import Deleted
    from reconciler.control.lifecycle.impact import Impact
    from reconciler.control.proposals import Author, Proposed, Writer
    from reconciler.control.reports import Outcome
    from reconciler.database.connection import Connection

_AS = {
    "soft": "its tables stay as they are, out of service",
    "hard": "its tables are parked in the archive",
    "purge": "its tables, archives, tasks and traces are deleted for good",
}
forge_option = click.option(
    "--forge",
    type=click.Choice(["github", "gitlab", "gitea"]),
    default=None,
    help="In a git source: open a pull request there.",
)
direct_option = click.option(
    "--direct",
    is_flag=True,
    help="In a git source: commit onto the followed branch, not onto one of its own.",
)


@click.command()
@click.argument("address", metavar="type/NAME|agent/NAME")
@click.option(
    "--mode",
    type=click.Choice(["soft", "hard", "purge"]),
    help="What becomes of its data. [default: as the type's deletion_policy says]",
)
@click.option("--preview", is_flag=True, help="Only show what would go.")
@click.option("--cascade", is_flag=True, help="Delete the agents of a type along with it.")
@click.option("--cancel-tasks", is_flag=True, help="Cancel tasks that wait or run, instead of refusing.")
@click.option("--confirm", metavar="NAME", default="", help="The name once more: needed for --mode purge.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history and the audit.")
@forge_option
@direct_option
@shared_options("source", "database", "json", "yes", "debug")
def delete(
    invocation: Invocation,
    address: str,
    mode: Any,
    preview: bool,
    cascade: bool,
    cancel_tasks: bool,
    confirm: str,
    reason: str,
    forge: str | None,
    direct: bool,
) -> int:
    """Delete a type or an agent, as a preview shows.

    Its manifest leaves the source, and an apply does the rest: soft keeps its tables in place, hard parks them in the
    archive, purge destroys them with all that its tasks left.
    """
    from reconciler.bootstrap import open_deletions, open_writer

    console, settings = invocation.console(), invocation.settings()
    writer = open_writer(settings, forge=forge or "", direct=direct)
    with catalog(invocation) as connection:
        deletions = open_deletions(settings, connection, writer)
        impact = deletions.preview(address, mode, cascade=cascade)
        if preview:
            _show_impact(impact, console)
            return 0
        if not console.json:
            _show_impact(impact, console)
        _confirm(impact, console, yes=invocation.yes, confirm=confirm)
        deleted = deletions.delete(
            impact,
            actor=invocation.actor(),
            reason=reason,
            author=author(invocation),
            cancel_tasks=cancel_tasks,
        )
    return _show_deleted(deleted, console)


@click.command()
@click.argument("address", metavar="type/NAME|agent/NAME")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history and the audit.")
@forge_option
@direct_option
@shared_options("source", "database", "json", "yes", "debug")
def restore(invocation: Invocation, address: str, reason: str, forge: str | None, direct: bool) -> int:
    """Bring back a type or an agent that was deleted.

    Its last manifest goes back into the source, and with it come its tables and their rows.
    """
    from reconciler.bootstrap import open_proposer, open_writer
    from reconciler.control.lifecycle.restoring import restore as restored
    from reconciler.control.lifecycle.restoring import returning

    console, settings = invocation.console(), invocation.settings()
    writer: Writer = open_writer(settings, forge=forge or "", direct=direct)
    with catalog(invocation) as connection:
        told = returning(connection, open_proposer(settings, writer).state, address)
        console.confirm(f"Restore {', '.join(told)}?", yes=invocation.yes)
        done = restored(
            connection,
            lambda: open_proposer(settings, writer),
            address,
            actor=invocation.actor(),
            author=author(invocation),
            reason=reason,
        )
    if console.json:
        console.document(
            {
                "restored": list(done.restored),
                "withdrawn": done.withdrawn,
                "proposed": asdict(done.proposed) if done.proposed else None,
                "outcome": outcome_document(done.outcome) if done.outcome else None,
            }
        )
        return 0
    if done.withdrawn:
        console.lines([f"{address} stays: its deletion is ordered no more."])
        return 0
    console.lines([f"Restored to the source: {', '.join(done.restored)}."])
    show_road(done.proposed, done.outcome, console)
    return 0


@contextmanager
def catalog(invocation: Invocation) -> Iterator[Connection]:
    """A connection to a database with a catalog. Raises NotFound where nothing was ever applied."""
    from reconciler.database.connection import connect, masked
    from reconciler.database.upgrade import has_catalog

    settings = invocation.settings()
    with connect(settings.database, create=False, lock_timeout=settings.lock_timeout) as connection:
        if not has_catalog(connection):
            raise NotFound(
                f"nothing was ever applied to {masked(settings.database)}", hint="reconcile --apply"
            )
        yield connection


def author(invocation: Invocation) -> Author:
    from reconciler.control.proposals import Author

    return Author(invocation.actor())


def _confirm(impact: Impact, console: Console, *, yes: bool, confirm: str) -> None:
    name = impact.address.partition("/")[2]
    if impact.mode != "purge":
        console.confirm(f"Delete {impact.address}?", yes=yes)
        return
    typed = confirm
    if not typed:
        if not sys.stdin.isatty():
            raise UsageError(
                f"a purge of {impact.address} cannot be undone", hint=f"type the name: --confirm {name}"
            )
        console.err.write(f"This cannot be undone. Type {name} to delete it for good: ")
        console.err.flush()
        typed = sys.stdin.readline().strip()
    if typed != name:
        raise Refused(f"{typed[:80]!r} is not {name}; nothing was deleted")


def impact_document(impact: Impact) -> dict[str, Any]:
    return {**asdict(impact), "rows": impact.rows}


def _show_impact(impact: Impact, console: Console) -> None:
    if console.json:
        console.document({"impact": impact_document(impact)})
        return
    version = f" {impact.version}" if impact.version else ""
    console.lines([f"Delete {impact.address}{version}, {impact.mode}: {_AS[impact.mode]}"])
    others = [one for one in impact.removed if one != impact.address]
    if others:
        console.lines([f"  with it: {', '.join(others)}"])
    if impact.tables:
        rows = [
            (table.name, table.state, f"{table.rows:,}", "" if table.bytes is None else f"{table.bytes:,}")
            for table in impact.tables
        ]
        console.lines(f"  {line}" for line in aligned(("TABLE", "NOW", "ROWS", "BYTES"), rows))
    tasks = impact.tasks
    console.lines([f"  tasks: {tasks.waiting:,} wait, {tasks.running:,} run, {tasks.ended:,} have ended"])
    if impact.dependents:
        console.lines([f"  would not stand without it: {', '.join(impact.dependents)}"])
    console.lines([f"  {_restorable(impact)}", f"  {_exportable(impact)}"])


def _restorable(impact: Impact) -> str:
    if not impact.restorable:
        return "cannot be restored"
    until = f" until {moment(impact.restorable_until)} (UTC) at least" if impact.restorable_until else ""
    return f"reconcile restore {impact.address} brings it back{until}"


def _exportable(impact: Impact) -> str:
    rows = f"{impact.exportable:,} row{'' if impact.exportable == 1 else 's'}"
    parked = sum(table.rows for table in impact.tables if table.state == "parked")
    left = f"; {parked:,} in the archive are not among them: reconcile archive restore" if parked else ""
    return f"reconcile export {impact.address} --out FILE would keep {rows}{left}"


def _show_deleted(deleted: Deleted, console: Console) -> int:
    if console.json:
        console.document(
            {
                "impact": impact_document(deleted.impact),
                "proposed": asdict(deleted.proposed) if deleted.proposed else None,
                "outcome": outcome_document(deleted.outcome) if deleted.outcome else None,
                "unfinished": [asdict(one) for one in deleted.unfinished],
            }
        )
        return PartlyApplied.exit_status if deleted.unfinished else 0
    show_road(deleted.proposed, deleted.outcome, console)
    if deleted.outcome is None and deleted.proposed is None:
        told = "the next apply does it" if deleted.impact.live else "done"
        console.lines([f"{deleted.impact.address} had left the source: {told}."])
    if deleted.unfinished:
        told = "; ".join(f"{one.address}: {one.why}" for one in deleted.unfinished)
        raise PartlyApplied(told, hint="the next apply tries again")
    return 0


def show_road(proposed: Proposed | None, outcome: Outcome | None, console: Console) -> None:
    if outcome is not None:
        report_outcome(outcome, console)
    elif proposed is not None and not proposed.live:
        where = proposed.url or f"branch {proposed.branch}"
        console.lines([f"Proposed on {where}: once that is merged, the next apply makes it so."])

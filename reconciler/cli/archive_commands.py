"""Commands about what was parked instead of destroyed: archive list, restore, purge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.applying import exit_status, outcome_document, report_outcome
from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound

if TYPE_CHECKING:
    from reconciler.control.reports import ArchiveRecord, Outcome


@click.group(invoke_without_command=True)
@shared_options("database", "json", "debug")
@click.pass_context
def archive(context: click.Context, invocation: Invocation) -> None:
    """List, restore or purge parked tables and columns."""
    context.obj = invocation
    if context.invoked_subcommand is None:
        _list(invocation, include_gone=False)


@archive.command("list")
@click.option("--all", "include_gone", is_flag=True, help="Restored and purged ones too.")
@shared_options("database", "json", "debug")
def list_(invocation: Invocation, include_gone: bool) -> None:
    """List what is parked, with the number to restore or purge it by."""
    _list(invocation, include_gone=include_gone)


@archive.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history.")
@shared_options("database", "json", "yes", "debug")
def restore(invocation: Invocation, number: int, reason: str) -> int:
    """Bring a parked table or column back to where it was."""
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        (record,) = _records(reconciler.archives(), [number])
        console.confirm(f"Restore {_told(record)}?", yes=invocation.yes)
        why = reason or f"restore archive {number}"
        outcome = reconciler.restore_archive(number, reason=why, actor=invocation.actor())
    return _show([outcome], console)


@archive.command()
@click.argument("numbers", type=click.IntRange(1), metavar="[ID...]", nargs=-1)
@click.option("--expired", is_flag=True, help="All that were to be kept until a time that has passed.")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the history.")
@shared_options("database", "json", "yes", "debug")
def purge(invocation: Invocation, numbers: tuple[int, ...], expired: bool, reason: str) -> int:
    """Delete parked tables or columns for good. This is the one command that destroys rows.

    How long they are kept is set by RECONCILER_ARCHIVE_RETENTION (such as 30d) when they are parked.
    """
    if bool(numbers) is expired:
        raise click.UsageError("name what to purge by its number, or say --expired")
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        records = reconciler.expired_archives() if expired else _records(reconciler.archives(), numbers)
        if not records:
            return _nothing_expired(console)
        told = "; ".join(_told(record) for record in records)
        console.confirm(f"Delete for good: {told}?", yes=invocation.yes)
        actor = invocation.actor()
        outcomes = [
            reconciler.purge_archive(record.id, reason=reason or f"purge archive {record.id}", actor=actor)
            for record in records
        ]
    return _show(outcomes, console)


def _list(invocation: Invocation, *, include_gone: bool) -> None:
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        records = reconciler.archives(include_gone=include_gone)
    if console.json:
        console.document({"archives": [asdict(record) for record in records]})
    elif records:
        heads = ("ID", "WHAT", "OF", "ROWS", "PARKED (UTC)", "BY REVISION", "KEPT UNTIL", "STATE")
        console.lines(aligned(heads, [_row(record) for record in records]))
    else:
        console.lines(["Nothing is parked."])


def _row(record: ArchiveRecord) -> tuple[str, ...]:
    return (
        str(record.id),
        _name(record),
        record.owner,
        f"{record.rows:,}",
        moment(record.archived_at),
        str(record.revision),
        moment(record.purge_after) or "purged by hand",
        record.state,
    )


def _records(parked: Iterable[ArchiveRecord], numbers: Iterable[int]) -> list[ArchiveRecord]:
    """The records of these numbers, each once; NotFound names the first that is not parked."""
    known = {record.id: record for record in parked}
    for number in numbers:
        if number not in known:
            raise NotFound(
                f"no parked table or column has the number {number}", hint="reconcile archive list"
            )
    return [known[number] for number in dict.fromkeys(numbers)]


def _told(record: ArchiveRecord) -> str:
    return f"{record.kind} {_name(record)} with {record.rows:,} row{'' if record.rows == 1 else 's'}"


def _name(record: ArchiveRecord) -> str:
    return f"{record.table}.{record.column}" if record.column else record.table


def _nothing_expired(console: Console) -> int:
    if console.json:
        console.document({"outcomes": []})
    else:
        console.lines(["Nothing is parked beyond its time."])
    return 0


def _show(outcomes: list[Outcome], console: Console) -> int:
    if console.json:
        documents: list[dict[str, Any]] = [outcome_document(outcome) for outcome in outcomes]
        console.document({"outcomes": documents})
        return max(exit_status(outcome) for outcome in outcomes)
    for outcome in outcomes:
        report_outcome(outcome, console)
    return 0

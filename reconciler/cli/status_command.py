"""`reconcile status`, and what a bare `reconcile` shows: where things stand and what to type next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.plans.render.ink import Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.control.reports import Counts, RevisionSummary, Status

SHOWN_OBJECTS = 50

_PENDING = {True: "changes are waiting", False: "nothing; all is as the manifests say", None: "not known"}


@click.command()
@click.option("--all", "everything", is_flag=True, help=f"All objects, not only the first {SHOWN_OBJECTS}.")
@shared_options("source", "database", "json", "debug")
def status(invocation: Invocation, everything: bool) -> None:
    """Show what is in place and what to do next."""
    show_status(invocation, objects=None if everything else SHOWN_OBJECTS)


def show_status(invocation: Invocation, *, objects: int | None = 0) -> int:
    """`objects` is how many are listed at most, None for all; a JSON document always has all."""
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        found = reconciler.status()
    if console.json:
        console.document(asdict(found))
    else:
        console.lines(_lines(found, console, objects))
    return 0


def _lines(found: Status, console: Console, objects: int | None) -> Iterator[str]:
    told = {
        "Source": found.source,
        "Database": found.database,
        "Revision": _revision(found.revision),
        "In place": _counts(found.counts),
        "Pending": _PENDING[found.pending],
    }
    if found.policy:
        told["Policy"] = f"{found.policy}, pinned"
    for label, value in told.items():
        yield f"{console.faint(f'{label:<9}')} {printable(value)}"
    for label, count, what in (("Drift", found.drift, "difference"), ("Problems", found.problems, "problem")):
        if count:
            warning = paint(f"{count} {what}{'' if count == 1 else 's'}", Tone.WARN, console.colour_out)
            yield f"{console.faint(f'{label:<9}')} {warning}"
    shown = found.objects if objects is None else found.objects[:objects]
    if shown:
        yield ""
        yield from aligned(("OBJECT", "VERSION", "STATE"), [(o.address, o.version, o.state) for o in shown])
        if more := len(found.objects) - len(shown):
            yield f"… {more:,} more; reconcile status --all"
    yield ""
    yield f"Next: {console.strong(found.next_command)}"


def _revision(revision: RevisionSummary | None) -> str:
    if revision is None:
        return "none; nothing was applied yet"
    by = f" by {revision.actor}" if revision.actor else ""
    reason = f": {revision.reason}" if revision.reason else ""
    return f"{revision.number}, {revision.state} {moment(revision.started_at)} UTC{by}{reason}"


def _counts(counts: Counts) -> str:
    nouns = {
        "types": "type",
        "agents": "agent",
        "policies": "policy",
        "tables": "table",
        "archives": "parked",
    }
    parts = []
    for plural, singular in nouns.items():
        number = getattr(counts, plural)
        if number:
            parts.append(f"{number:,} {singular if number == 1 or plural == 'archives' else plural}")
    return ", ".join(parts) or "nothing"

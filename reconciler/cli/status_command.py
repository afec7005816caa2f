"""`reconcile status`, and what a bare `reconcile` shows: where things stand and what to type next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound
from reconciler.plans.render.ink import Tone, paint, printable

if TYPE_CHECKING:
    from reconciler.control.reports import Counts, ObjectStatus, RevisionSummary, Status

SHOWN_OBJECTS = 50
LOOK_AGAIN = 1.0
"""Seconds between two looks with --watch."""

_PENDING = {True: "changes are waiting", False: "nothing; all is as the manifests say", None: "not known"}
_TONES = {"Ready": Tone.PLAIN, "Reconciling": Tone.WARN, "Stalled": Tone.STOP}


@click.command()
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help=f"All objects, not only the first {SHOWN_OBJECTS}.")
@click.option("--watch", is_flag=True, help="Show it again whenever anything changed, until interrupted.")
@shared_options("source", "database", "json", "debug")
def status(invocation: Invocation, name: str | None, everything: bool, watch: bool) -> None:
    """Show what is in place and what to do next.

    NAME (x, type/x or agent/x) shows one object: its condition, since when, and why.
    """
    objects = None if everything else SHOWN_OBJECTS
    if not watch:
        show_status(invocation, name=name, objects=objects)
        return
    _watch(invocation, name, objects)


def show_status(invocation: Invocation, *, name: str | None = None, objects: int | None = 0) -> int:
    """`objects` is how many are listed at most, None for all; a JSON document always has all."""
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        found = _chosen(reconciler.status(), name)
    _show(found, console, name, objects)
    return 0


def _watch(invocation: Invocation, name: str | None, objects: int | None) -> None:
    console = invocation.console()
    before: Status | None = None
    with invocation.reconciler() as reconciler:
        while True:
            found = _chosen(reconciler.status(), name)
            if found != before:
                if console.out.isatty() and not console.json:
                    console.out.write("\x1b[2J\x1b[H")
                _show(found, console, name, objects)
                console.out.flush()
                before = found
            time.sleep(LOOK_AGAIN)


def _chosen(found: Status, name: str | None) -> Status:
    """Of one object only, if one is named. Raises NotFound."""
    if name is None:
        return found
    objects = tuple(one for one in found.objects if name in (one.address, one.address.partition("/")[2]))
    if not objects:
        raise NotFound(f"there is no object {name}", hint="reconcile status --all lists what there is")
    return replace(found, objects=objects)


def _show(found: Status, console: Console, name: str | None, objects: int | None) -> None:
    if console.json:
        console.document({**asdict(found), "sandbox": _sandbox()})
    elif name is not None:
        console.lines(_details(found, console))
    else:
        console.lines(_lines(found, console, objects))


def _lines(found: Status, console: Console, objects: int | None) -> Iterator[str]:
    told = {
        "Source": found.source,
        "Database": found.database,
        "Revision": _revision(found.revision),
        "In place": _counts(found.counts),
        "Pending": _PENDING[found.pending],
    }
    if objects != 0:
        told["Sandbox"] = _sandbox()
    if found.policy:
        told["Policy"] = f"{found.policy}, pinned"
    if found.source_condition is not None:
        told["Followed"] = (
            f"by {found.controller}" if found.controller else "by nobody now: no controller runs"
        )
    for label, value in told.items():
        yield f"{console.faint(f'{label:<9}')} {printable(value)}"
    for label, count, what in (("Drift", found.drift, "difference"), ("Problems", found.problems, "problem")):
        if count:
            warning = paint(f"{count} {what}{'' if count == 1 else 's'}", Tone.WARN, console.colour_out)
            yield f"{console.faint(f'{label:<9}')} {warning}"
    yield from _source_trouble(found.source_condition, console)
    yield from _object_lines(found, console, objects)
    yield ""
    yield f"Next: {console.strong(found.next_command)}"


def _source_trouble(source: ObjectStatus | None, console: Console) -> Iterator[str]:
    if source is not None and source.condition != "Ready":
        told = f"{source.condition}, {source.reason} since {moment(source.since)} UTC: {source.message}"
        yield f"{console.faint('Source is')} {paint(printable(told), Tone.WARN, console.colour_out)}"


def _object_lines(found: Status, console: Console, objects: int | None) -> Iterator[str]:
    # What somebody has to look at comes first, so that the end of a long list hides none of it.
    ranked = sorted(found.objects, key=lambda one: (one.condition in ("", "Ready"), one.address))
    shown = ranked if objects is None else ranked[:objects]
    if not shown:
        return
    yield ""
    if found.source_condition is None:
        yield from aligned(("OBJECT", "VERSION", "STATE"), [(o.address, o.version, o.state) for o in shown])
    else:
        heads = ("OBJECT", "VERSION", "SYNC", "HEALTH", "CONDITION", "REASON")
        rows = [(o.address, o.version, o.sync, o.health, o.condition, _reason(o)) for o in shown]
        yield from aligned(heads, rows)
    if more := len(found.objects) - len(shown):
        yield f"… {more:,} more; reconcile status --all"


def _reason(one: ObjectStatus) -> str:
    return f"{one.reason}: {one.message}"[:80] if one.message else one.reason


def _details(found: Status, console: Console) -> Iterator[str]:
    for number, one in enumerate(found.objects):
        if number:
            yield ""
        yield console.strong(printable(f"{one.address} {one.version}".rstrip()))
        told = {"State": one.state}
        if one.condition:
            tone = _TONES.get(one.condition, Tone.PLAIN)
            told["Condition"] = paint(one.condition, tone, console.colour_out) + f", {one.reason}"
            told["Since"] = f"{moment(one.since)} UTC"
            told["Message"] = printable(one.message)
            told["Sync"], told["Health"] = one.sync, one.health
            told["Seen"] = f"revision {one.revision}" + (f", commit {one.commit[:12]}" if one.commit else "")
            told["Wanted"] = one.generation
        name = one.address.partition("/")[2].replace("-", "_")
        drifted = [d for d in found.drifted if d.address.split("/")[1].partition("__")[0] == name]
        for label, value in told.items():
            if value:
                yield f"  {console.faint(f'{label:<9}')} {value}"
        for drift in drifted if one.address.startswith("type/") else ():
            seen = f"first seen {moment(drift.first_seen)} UTC, policy: {drift.treatment}"
            yield f"  {console.faint('Drift    ')} {printable(drift.message)} ({seen})"


def _sandbox() -> str:
    """How well tasks of workers are confined by this machine."""
    from reconciler.execution.sandbox import protection

    return protection().level.value


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

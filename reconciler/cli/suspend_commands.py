"""`reconcile suspend` and `reconcile resume`: objects that no apply touches for a while."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options

if TYPE_CHECKING:
    from reconciler.database.suspensions import Suspension

_ADDRESS = re.compile("(type|agent|policy)/[a-z0-9-]+")
_SPAN = re.compile("([1-9][0-9]{0,4})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command()
@click.argument("addresses", nargs=-1, metavar="[type/NAME|agent/NAME]...")
@click.option("--all", "everything", is_flag=True, help="All there is, and all to come.")
@click.option("--reason", metavar="TEXT", help="Why; asked of whoever wonders.")
@click.option("--until", metavar="TIME", help="How long (30m, 2h, 3d) or till when (2026-12-01, in UTC).")
@shared_options("source", "database", "json", "debug")
def suspend(
    invocation: Invocation,
    addresses: tuple[str, ...],
    everything: bool,
    reason: str | None,
    until: str | None,
) -> None:
    """Keep objects as they are for a while.

    Neither an apply nor a controller touches them, whatever their manifests say. Without anything named: list what is
    suspended.
    """
    console = invocation.console()
    asked, end = _asked(addresses, everything, needed=False), _end(until)
    with invocation.reconciler() as reconciler:
        if not asked:
            _show(console, [*reconciler.suspensions().values()])
            return
        if not reason:
            raise click.UsageError("say why: --reason TEXT")
        made = reconciler.suspend(asked, owner=invocation.actor(), reason=reason, until=end)
    _show(console, made)


@click.command()
@click.argument("addresses", nargs=-1, metavar="[type/NAME|agent/NAME]...")
@click.option("--all", "everything", is_flag=True, help="All that are suspended.")
@shared_options("database", "json", "debug")
def resume(invocation: Invocation, addresses: tuple[str, ...], everything: bool) -> None:
    """Let suspended objects follow their manifests again."""
    console = invocation.console()
    asked = _asked(addresses, everything, needed=True)
    with invocation.reconciler() as reconciler:
        every = [*asked, *reconciler.suspensions()] if everything else asked
        resumed = reconciler.resume(every, actor=invocation.actor())
    if console.json:
        console.document({"resumed": resumed})
    else:
        console.lines(
            [f"Resumed {', '.join(map(_named, resumed))}." if resumed else "Nothing was suspended."]
        )


def _asked(addresses: tuple[str, ...], everything: bool, *, needed: bool) -> list[str]:
    if everything and addresses:
        raise click.UsageError("name objects or say --all, not both")
    if needed and not everything and not addresses:
        raise click.UsageError("name what to resume, or say --all")
    for address in addresses:
        if not _ADDRESS.fullmatch(address):
            raise click.UsageError(f"{address!r} is no object; write type/NAME or agent/NAME")
    return ["*"] if everything else list(addresses)


def _end(text: str | None) -> timedelta | datetime | None:
    if not text:
        return None
    if span := _SPAN.fullmatch(text):
        return timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{text!r} is no time; write 30m, 2h, 3d or 2026-12-01T08:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _show(console: Console, found: Sequence[Suspension]) -> None:
    if console.json:
        console.document({"suspensions": [asdict(one) for one in found]})
        return
    if not found:
        console.lines(["Nothing is suspended."])
        return
    rows = [(_named(s.address), s.owner, moment(s.until) or "resumed", s.reason) for s in found]
    console.lines(aligned(("SUSPENDED", "BY", "UNTIL", "REASON"), rows))


def _named(address: str) -> str:
    return "everything" if address == "*" else address

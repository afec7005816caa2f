"""`reconcile incidents`: what tasks did that no task should."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.database.incidents import IncidentRecord


@click.command()
@click.option("--agent", metavar="AGENT", default="", help="Of this agent only.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, help="Most incidents. Default: 50.")
@shared_options("database", "json", "debug")
def incidents(invocation: Invocation, agent: str, limit: int) -> None:
    """List what tasks did that no task should.

    The newest come first; below them stand the agents that are on hold.
    """
    from reconciler.database.connection import connect
    from reconciler.database.holds import holds
    from reconciler.database.incidents import latest
    from reconciler.database.upgrade import has_catalog

    settings, console = invocation.settings(), invocation.console()
    with connect(settings.database, create=False, lock_timeout=settings.lock_timeout) as connection:
        if not has_catalog(connection):
            raise NotFound("nothing was applied yet, so that nothing has happened", hint="reconcile --apply")
        found = latest(connection, agent=agent, limit=limit)
        held = [one for one in holds(connection).values() if agent in ("", one.agent)]
    if console.json:
        told = [{**asdict(one), "evidence": dict(one.evidence)} for one in found]
        console.document({"incidents": told, "on_hold": [asdict(one) for one in held]})
        return
    if found:
        console.lines(
            aligned(("AT", "SEVERITY", "KIND", "AGENT", "TASK", "WHAT"), [_row(one) for one in found])
        )
    else:
        console.lines(["No incidents."])
    for one in held:
        since = moment(one.at)
        console.lines([printable(f"{one.agent} is on hold since {since} UTC by {one.actor}: {one.reason}")])


def _row(one: IncidentRecord) -> tuple[str, ...]:
    what = printable(str(one.evidence.get("detail", "")))
    return (moment(one.at), one.severity, one.kind, one.agent, one.task_id or "", what)

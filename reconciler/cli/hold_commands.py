"""`reconcile agents enable` and `disable`: an operator's hold, which no manifest and no apply lifts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

_reason = click.option("--reason", metavar="TEXT", required=True, help="Why, for the audit.")


@click.command()
@click.argument("name")
@_reason
@shared_options("database", "json", "debug")
def disable(invocation: Invocation, name: str, reason: str) -> None:
    """Put an agent on hold: what it runs is stopped, what waits goes on waiting, until it is enabled again."""
    from reconciler.database.holds import hold

    with _database(invocation) as connection:
        _check_known(connection, name)
        changed = hold(connection, name, actor=invocation.actor(), reason=reason)
    _tell(invocation, name, on_hold=True, changed=changed)


@click.command()
@click.argument("name")
@_reason
@shared_options("database", "json", "debug")
def enable(invocation: Invocation, name: str, reason: str) -> None:
    """Lift the hold of an agent, whether a person or its incidents put it there."""
    from reconciler.database.holds import lift

    with _database(invocation) as connection:
        _check_known(connection, name)
        changed = lift(connection, name, actor=invocation.actor(), reason=reason)
    _tell(invocation, name, on_hold=False, changed=changed)


@contextmanager
def _database(invocation: Invocation) -> Iterator[Connection]:
    from reconciler.database.connection import connect
    from reconciler.database.upgrade import has_catalog

    settings = invocation.settings()
    with connect(settings.database, create=False, lock_timeout=settings.lock_timeout) as connection:
        if not has_catalog(connection):
            raise NotFound("nothing was applied yet, so that there are no agents", hint="reconcile --apply")
        yield connection


def _check_known(connection: Connection, name: str) -> None:
    from reconciler.agents.static import installed_agents
    from reconciler.spec.findings import did_you_mean

    deployed = [row[0] for row in connection.execute("SELECT name FROM agents WHERE deleted_at IS NULL")]
    known = [*deployed, *installed_agents().names()]
    if name not in known:
        raise NotFound(f"there is no agent {name}", hint=did_you_mean(name, known))


def _tell(invocation: Invocation, name: str, *, on_hold: bool, changed: bool) -> None:
    console = invocation.console()
    if console.json:
        console.document({"agent": name, "on_hold": on_hold, "changed": changed})
        return
    state = "on hold" if on_hold else "not on hold"
    console.lines([f"Agent {name} is {state}." if changed else f"Agent {name} was {state} already."])

"""`reconcile lease`: who may write, and taking it from them."""

from __future__ import annotations

from dataclasses import asdict

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.invocation import Invocation, shared_options


@click.group(invoke_without_command=True)
@shared_options("database", "json", "debug")
@click.pass_context
def lease(context: click.Context, invocation: Invocation) -> None:
    """List who may write, or take it from them."""
    context.obj = invocation
    if context.invoked_subcommand is None:
        _list(invocation)


@lease.command("list")
@shared_options("database", "json", "debug")
def list_(invocation: Invocation) -> None:
    """List leases: who holds which, and until when unless it is renewed."""
    _list(invocation)


@lease.command("break")
@click.argument("name")
@click.option("--reason", metavar="TEXT", default="", help="Why, for the audit.")
@shared_options("database", "json", "yes", "debug")
def break_(invocation: Invocation, name: str, reason: str) -> None:
    """Take a lease from its holder, who is refused at its next write.

    Only for a holder that hangs: one that died is taken over from by itself, at the latest when its lease ends.
    """
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        console.confirm(f"Take the lease {name!r} from its holder?", yes=invocation.yes)
        before = reconciler.break_lease(name, actor=invocation.actor(), reason=reason)
    if console.json:
        console.document({"broken": asdict(before)})
    else:
        console.lines([f"Taken from {before.holder}; it writes nothing more."])


def _list(invocation: Invocation) -> None:
    console = invocation.console()
    with invocation.reconciler() as reconciler:
        found = reconciler.leases()
    if console.json:
        console.document({"leases": [asdict(one) for one in found]})
        return
    if not found:
        console.lines(["Nobody ever held a lease here."])
        return
    rows = [
        (one.name, one.state, one.holder, str(one.token), moment(one.acquired_at), moment(one.expires_at))
        for one in found
    ]
    console.lines(aligned(("LEASE", "STATE", "HOLDER", "TOKEN", "SINCE", "UNTIL"), rows))

"""`reconcile audit`: who did what, and whether the record of it is whole."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.columns import aligned, moment
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation, shared_options
from reconciler.cli.lifecycle_commands import catalog
from reconciler.errors import ReconcilerError, UsageError
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.database.records import AuditRecord, AuditVerdict


class AuditTampered(ReconcilerError):
    """The audit is not as it was written."""

    code = "audit-tampered"


@click.command()
@click.option("--address", metavar="KIND/NAME", default="", help="Of this object only, such as agent/inbox.")
@click.option("--actor", metavar="NAME", default="", help="What this one did.")
@click.option("--action", metavar="ACTION", default="", help="Such as deploy, delete, rotate, cancel.")
@click.option("--since", metavar="TIME", default="", help="Such as 2026-11-24, or how long ago: 2h, 7d.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@click.option("--verify", is_flag=True, help="Prove that no record was altered, taken out or moved.")
@click.option("--head", metavar="HASH", default="", help="With --verify: a hash noted earlier must be there.")
@shared_options("database", "json", "debug")
def audit(
    invocation: Invocation,
    address: str,
    actor: str,
    action: str,
    since: str,
    limit: int,
    verify: bool,
    head: str,
) -> None:
    """Show who did what; prove that nothing was altered.

    The newest come first. --verify follows the chain of hashes from beginning to end, and prints the newest: whoever
    notes it elsewhere can tell later, by --head, that not even the whole chain was made anew.
    """
    from reconciler.database import records

    if head and not verify:
        raise UsageError("--head goes with --verify")
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        hint = "copy all of what --verify printed then: 64 digits from 0 to f"
        raise UsageError(f"{head[:80]!r} is no hash of a record", hint=hint)
    console = invocation.console()
    with catalog(invocation) as connection:
        if verify:
            _show_verdict(records.verify(connection, head), console)
            return
        only = records.AuditFilter(address, actor, action, _time(since) if since else "")
        found = records.audit_trail(connection, limit, only)
    if console.json:
        console.document({"audit": [record_document(record) for record in found]})
    elif found:
        heads = ("AT (UTC)", "ACTOR", "ACTION", "ADDRESS", "BEFORE", "AFTER", "REASON")
        console.lines(aligned(heads, [_row(record) for record in found]))
    else:
        console.lines(["Nothing is on record."])


def record_document(record: AuditRecord) -> dict[str, Any]:
    """`id, at, actor, action, address, before, after, reason, previous_hash, hash`."""
    document = asdict(record)
    entry = document.pop("entry")
    return {"id": record.id, "at": record.at, **entry, **document}


def _row(record: AuditRecord) -> tuple[str, ...]:
    entry = record.entry
    words = (
        *(entry.actor, entry.action, entry.address),
        *(_shortened(entry.before), _shortened(entry.after)),
        entry.reason,
    )
    return (moment(record.at), *map(printable, words))


def _shortened(text: str) -> str:
    """Digests are told apart by their first places as well."""
    return text[:12] if re.fullmatch("[0-9a-f]{32,}", text) else text


def _show_verdict(verdict: AuditVerdict, console: Console) -> None:
    if not verdict.fault:
        if console.json:
            console.document({"count": verdict.count, "head": verdict.head, "fault": "", "row": None})
        else:
            console.lines([f"{verdict.count} records, none altered. The newest has the hash {verdict.head}"])
        return
    place = f"record {verdict.row} " if verdict.row is not None else ""
    raise AuditTampered(
        f"the audit is not as it was written: {place}{verdict.fault}",
        where=f"after {verdict.count} sound records",
        hint="keep the database as it is, and compare it with a backup",
    )


_AGO = {"h": 1, "d": 24, "w": 168}


def _time(text: str) -> str:
    """As the catalog writes it. Raises UsageError."""
    from reconciler.database.clock import time_text

    ago = re.fullmatch("([1-9][0-9]{0,4})([hdw])", text)
    if ago is not None:
        return time_text(datetime.now(UTC) - timedelta(hours=int(ago[1]) * _AGO[ago[2]]))
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is no time",
            hint="write it as 2026-11-24 or 2026-11-24T08:00, or how long ago: 2h, 7d",
        ) from None
    return time_text(given if given.tzinfo else given.replace(tzinfo=UTC))

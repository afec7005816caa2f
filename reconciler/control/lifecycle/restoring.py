"""Restoring: the last manifest of what was deleted back into the source, and by it what became of its tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.control.proposals import Author, Proposed
from reconciler.control.proposing import Proposer, Wish
from reconciler.database import deletions, records
from reconciler.errors import NotFound, Refused

if TYPE_CHECKING:
    from reconciler.control.reports import Outcome
    from reconciler.database.connection import Connection
    from reconciler.spec.state import State


@dataclass(frozen=True, slots=True)
class Restored:
    """`restored` are the addresses that are back in the source. `withdrawn`: the deletion was only ordered, and is no
    more. `outcome` is None where people have to merge first."""

    restored: tuple[str, ...]
    withdrawn: bool = False
    proposed: Proposed | None = None
    outcome: Outcome | None = None


def restorable(connection: Connection, address: str) -> dict[str, dict[str, Any]]:
    """The manifests that would come back, by address: of a type also those of its agents that left together with it.
    Raises NotFound, Refused."""
    newest = deletions.newest(connection, address)
    if newest is not None and newest.mode == "purge" and newest.state in ("removed", "done"):
        raise Refused(
            f"{address} was purged at {newest.ordered_at}: nothing of its data is left",
            hint="its manifests are in the history of the source; with those it starts empty",
        )
    ((revision,),) = connection.execute(
        "SELECT max(revision) FROM revision_objects WHERE address = ? AND digest IS NULL", (address,)
    )
    if revision is None:
        raise NotFound(f"{address} was never deleted", hint="`reconcile history` tells what was")
    left = connection.execute(
        "SELECT address FROM revision_objects WHERE revision = ? AND digest IS NULL", (revision,)
    )
    before = records.state_at(connection, int(revision) - 1)
    digests = {one: before[one] for (one,) in left if one in before}
    stored = records.stored_specs(connection, digests.values())
    documents = {one: json.loads(stored[digest].spec) for one, digest in digests.items()}
    return {
        one: document
        for one, document in sorted(documents.items(), key=lambda item: (item[0] != address, item[0]))
        if one == address or _is_agent_of(document, address)
    }


def returning(connection: Connection, source: State, address: str) -> tuple[str, ...]:
    """What `restore` would bring back, for people to look at first; nothing is changed. `source` is what the source
    says now. Raises NotFound, Refused."""
    if address in source.entries and address in deletions.open_orders(connection):
        return (address,)
    return tuple(_missing(connection, source, address))


def restore(
    connection: Connection,
    proposer: Callable[[], Proposer],
    address: str,
    *,
    actor: str,
    author: Author,
    reason: str = "",
) -> Restored:
    """Raises NotFound, Refused, and what `Proposer` raises."""
    withdrawn = deletions.withdraw(connection, [address], actor=actor, reason=reason or "restored in time")
    if withdrawn and address in proposer().state.entries:
        return Restored((address,), withdrawn=True)
    once = proposer()
    missing = _missing(connection, once.state, address)
    wish = Wish(f"Restore {address}", put=tuple(missing.values()), summary=reason)
    draft = once.draft(wish)
    with connection.transaction():
        entries = [records.AuditEntry(actor, "restore", one, "", "", reason) for one in missing]
        records.append_audit(connection, entries)
    done = once.carry_out(draft, author, actor=actor, reason=reason or f"restore {address}")
    return Restored(tuple(missing), proposed=done.proposed, outcome=done.outcome)


def _missing(connection: Connection, source: State, address: str) -> dict[str, dict[str, Any]]:
    """The manifests that have to go back into the source, by address."""
    live = address in records.entries(connection)
    if address in source.entries and live:
        raise Refused(f"{address} is in service: there is nothing to restore")
    if address in source.entries:
        raise Refused(f"{address} is in the source", hint="reconcile --apply puts it in place")
    if live:  # it has left the source only
        documents = {address: json.loads(records.spec_text(connection, address))}
    else:
        documents = restorable(connection, address)
    return {one: document for one, document in documents.items() if one not in source.entries}


def _is_agent_of(document: dict[str, Any], address: str) -> bool:
    kind, _, name = address.partition("/")
    return kind == "type" and document["kind"] == "Agent" and document["spec"]["type"] == name

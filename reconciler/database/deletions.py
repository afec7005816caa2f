"""How objects are to be deleted: an order holds from when it was given until nothing of the object is left to be done.

The removal itself goes through the source like any change. An order only says what becomes of the data once that
change is applied, and it holds for what was looked at: for a manifest that has changed since it means nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.audit import append_audit
from reconciler.database.records.rows import AuditEntry
from reconciler.database.records.writing import set_meta
from reconciler.database.tasks.steering import cancel_all_of

Mode = Literal["soft", "hard", "purge"]
"""Soft: its tables stay where they are. Hard: they are parked in the archive. Purge: they go for good, with all that
tasks left behind. The definition leaves the live state in each."""

DeletionState = Literal["ordered", "removed", "done", "withdrawn"]

_COLUMNS = "id, address, mode, state, digest, ordered_at, actor, reason, revision"


@dataclass(frozen=True, slots=True)
class Deletion:
    """`digest` is of the manifest that is to go, empty where it had gone before."""

    id: int
    address: str
    mode: Mode
    state: DeletionState
    digest: str
    ordered_at: str
    actor: str
    reason: str
    revision: int | None


def order(
    connection: Connection,
    digests: Mapping[str, str],
    mode: Mode,
    *,
    actor: str,
    reason: str,
    gone: bool = False,
) -> None:
    """Orders the deletion of these addresses, in place of what was ordered before. `gone`: they are out of service, and
    only what they left is to be dealt with, also by an order of which something is left to be done."""
    with connection.transaction():
        _close(connection, digests, "withdrawn")
        if gone:
            _close(connection, digests, "withdrawn", instead_of="removed")
        _insert(connection, digests, mode, "removed" if gone else "ordered", actor, reason)
        _recorded(connection, "delete-ordered", digests, mode, actor, reason)


def withdraw(connection: Connection, addresses: Collection[str], *, actor: str, reason: str) -> list[str]:
    """Takes back orders that no apply has carried out; the addresses of those that were open."""
    with connection.transaction():
        open_ = open_orders(connection)
        withdrawn = [address for address in dict.fromkeys(addresses) if address in open_]
        if withdrawn:
            _close(connection, withdrawn, "withdrawn")
            _recorded(connection, "delete-withdrawn", dict.fromkeys(withdrawn, ""), "", actor, reason)
    return withdrawn


def open_orders(connection: Connection) -> set[str]:
    """Addresses of what is ordered and no apply has carried out yet."""
    return {row[0] for row in connection.execute("SELECT address FROM deletions WHERE state = 'ordered'")}


def in_force(connection: Connection, live: Mapping[str, str]) -> dict[str, Mode]:
    """Mode by address of what is ordered; `live` gives the digests of what is there now."""
    rows = connection.execute("SELECT address, mode, digest FROM deletions WHERE state = 'ordered'")
    return {address: mode for address, mode, digest in rows if live.get(address) == digest}


def take_effect(
    connection: Connection,
    gone: Mapping[str, str],
    revision: int,
    *,
    purged: Collection[str],
    actor: str,
    reason: str,
) -> dict[str, Mode]:
    """Of what an apply takes out of service, the mode of what was ordered; `gone` gives the digests it had. What is
    `purged` by its own policy counts as ordered that way, unless somebody said otherwise.

    Tasks that wait are cancelled, those that run are told to stop. Inside the transaction of the apply.
    """
    modes = in_force(connection, gone)
    for address, mode in modes.items():
        state = "done" if mode == "soft" else "removed"
        connection.execute(
            "UPDATE deletions SET state = ?, revision = ? WHERE address = ? AND state = 'ordered'",
            (state, revision, address),
        )
        kind, _, name = address.partition("/")
        if kind == "agent":
            cancel_all_of(connection, name, actor, "the agent was deleted")
    others = [address for address in gone if address not in modes]
    _close(connection, others, "withdrawn")
    by_policy = {address: gone[address] for address in others if address in purged}
    _insert(connection, by_policy, "purge", "removed", actor, reason, revision)
    return modes | dict.fromkeys(by_policy, "purge")


def unfinished(connection: Connection) -> list[Deletion]:
    """Those of which something is left to be done, in the order in which they were given."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM deletions WHERE state = 'removed' ORDER BY id")
    return [Deletion(*row) for row in rows]


def conclude(connection: Connection, number: int) -> None:
    connection.execute("UPDATE deletions SET state = 'done' WHERE id = ? AND state = 'removed'", (number,))


def newest(connection: Connection, address: str) -> Deletion | None:
    """What was ordered last and not taken back; None where nothing was."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM deletions WHERE address = ? AND state <> 'withdrawn' ORDER BY id DESC LIMIT 1",
        (address,),
    )
    return Deletion(*rows[0]) if rows else None


def _insert(
    connection: Connection,
    digests: Mapping[str, str],
    mode: Mode,
    state: DeletionState,
    actor: str,
    reason: str,
    revision: int | None = None,
) -> None:
    at = now_text(connection) if digests else ""
    connection.execute_many(
        "INSERT INTO deletions (address, mode, state, digest, ordered_at, actor, reason, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(address, mode, state, digest, at, actor, reason, revision) for address, digest in digests.items()],
    )


def _close(
    connection: Connection,
    addresses: Collection[str],
    state: DeletionState,
    instead_of: DeletionState = "ordered",
) -> None:
    connection.execute_many(
        "UPDATE deletions SET state = ? WHERE address = ? AND state = ?",
        [(state, address, instead_of) for address in addresses],
    )


def _recorded(
    connection: Connection, action: str, digests: Mapping[str, str], mode: str, actor: str, reason: str
) -> None:
    append_audit(
        connection,
        [AuditEntry(actor, action, address, digest, mode, reason) for address, digest in digests.items()],
    )
    set_meta(connection, {})  # every plan made before is another one now

"""Suspended objects are left as they are, and with them whatever cannot go ahead alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.control.dependents import new_addresses, with_dependents
from reconciler.database import suspensions
from reconciler.database.clock import moment_of, time_text
from reconciler.database.suspensions import EVERYTHING, Suspension
from reconciler.errors import NotFound, UsageError
from reconciler.spec.findings import did_you_mean
from reconciler.spec.requirements import requirements
from reconciler.spec.state import ActualState, State

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


def without_suspended(desired: State, actual: ActualState) -> tuple[State, tuple[str, ...]]:
    """`desired` with all held that is suspended or depends on it, and their addresses."""
    if not actual.suspended:
        return desired, ()
    everything = desired.entries.keys() | actual.entries.keys()
    if EVERYTHING in actual.suspended:
        return desired.holding(everything), tuple(sorted(everything))
    suspended = actual.suspended & everything
    waiting = suspended & set(new_addresses(desired, actual))
    held = suspended | with_dependents(desired, actual, waiting) | _needed_by_leavers(desired, actual)
    return desired.holding(held), tuple(sorted(held))


def suspend(
    connection: Connection,
    addresses: Iterable[str],
    known: Iterable[str],
    *,
    owner: str,
    reason: str,
    until: timedelta | datetime | None = None,
) -> list[Suspension]:
    """`until` is a time with its zone, or how long from now. Raises NotFound for an address nobody knows."""
    asked, there = list(addresses), frozenset(known)
    for address in asked:
        if address != EVERYTHING and address not in there:
            raise NotFound(
                f"there is no {address}",
                hint=did_you_mean(address, there) or "name it as reconcile status does: type/x or agent/y",
            )
    moment = moment_of(connection)
    end = moment + until if isinstance(until, timedelta) else until
    if end is not None and end <= moment:
        raise UsageError(f"{time_text(end)} is over already", hint="give a time to come, or how long: 2h, 3d")
    told = time_text(end) if end is not None else None
    return suspensions.suspend(connection, asked, owner=owner, reason=reason, until=told)


def _needed_by_leavers(desired: State, actual: ActualState) -> set[str]:
    """What suspended objects rely on that are not in the manifests any more: as long as they stay, it stays."""
    pending = [
        address for address in actual.suspended & actual.entries.keys() if address not in desired.entries
    ]
    needed: set[str] = set()
    while pending:
        for address in requirements(actual.spec(pending.pop())) & actual.entries.keys():
            if address not in desired.entries and address not in needed:
                needed.add(address)
                pending.append(address)
    return needed

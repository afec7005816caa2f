"""What a deletion would take along, and what stands in its way: counted, before anything happens."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.database import deletions, records
from reconciler.database.clock import moment_of, time_text
from reconciler.database.deletions import Mode
from reconciler.database.remains import (
    TableExtent,
    TaskCounts,
    rows_of_agent,
    rows_written_by,
    sessions_about,
    tables_of_type,
    tasks_of,
)
from reconciler.errors import NotFound, UsageError
from reconciler.spec.findings import did_you_mean
from reconciler.spec.requirements import requirements

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.spec.state import State

MODES: tuple[Mode, ...] = ("soft", "hard", "purge")
MODE_OF_POLICY: Mapping[str, Mode] = {"retain": "soft", "archive": "hard", "purge": "purge"}
"""How a type is deleted where nobody says how: as its `deletion_policy` has it."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Of deleting `address`.

    `removed` gives the digest of each object that goes, itself and with `cascade` the agents of a type; what is live no
    more has none. `tables` are those that are kept, parked or destroyed by it, as `mode` says: of an agent the rows
    that a purge takes. `dependents` are addresses that would not stand without it. `restorable_until` is None where it
    is not restorable, or without an end. `exportable` counts the rows that `reconcile export` would write.
    """

    address: str
    mode: Mode
    version: str
    removed: Mapping[str, str]
    in_source: bool
    tables: tuple[TableExtent, ...]
    tasks: TaskCounts
    sessions: int
    dependents: tuple[str, ...]
    restorable: bool
    restorable_until: str | None
    exportable: int

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def live(self) -> Mapping[str, str]:
        """Digests of those that are in service."""
        return {address: digest for address, digest in self.removed.items() if digest}


def impact_of(
    connection: Connection,
    source: State,
    address: str,
    mode: Mode | None,
    *,
    cascade: bool,
    retention: float | None,
) -> Impact:
    """`source` is what the source says now; without a `mode` the type's `deletion_policy` decides. Raises NotFound,
    UsageError. Not inside a transaction."""
    kind, _, name = address.partition("/")
    if kind not in ("type", "agent") or not name:
        raise UsageError(f"{address[:80]!r} cannot be deleted", hint="name type/NAME or agent/NAME")
    live = records.entries(connection)
    if address not in live and address not in source.entries and not _was_there(connection, address):
        hint = did_you_mean(address, [*live, *source.entries]) or "`reconcile status` lists what there is"
        raise NotFound(f"there is no {address}", hint=hint)
    agents = _agents_of(connection, source, name) if kind == "type" else ()
    going = (address, *agents) if cascade else (address,)
    chosen = mode or _mode_of_policy(connection, source, address)
    tables = tables_of_type(connection, name) if kind == "type" else ()
    if kind == "agent" and chosen == "purge":
        tables = rows_of_agent(connection, name)
    return Impact(
        address=address,
        mode=chosen,
        version=records.current_versions(connection).get(address, ""),
        removed={one: live.get(one, "") for one in going},
        in_source=address in source.entries,
        tables=tables,
        tasks=_tasks(connection, going),
        sessions=sessions_about(connection, address) if chosen == "purge" else 0,
        dependents=tuple(sorted(_dependents(source, going))),
        restorable=chosen != "purge",
        restorable_until=_until(connection, retention) if chosen == "hard" and kind == "type" else None,
        exportable=sum(table.rows for table in tables if table.state != "parked")
        if kind == "type"
        else rows_written_by(connection, name),
    )


def _was_there(connection: Connection, address: str) -> bool:
    known = connection.execute("SELECT 1 FROM revision_objects WHERE address = ? LIMIT 1", (address,))
    newest = deletions.newest(connection, address)
    purged = newest is not None and newest.mode == "purge" and newest.state == "done"
    return bool(known) and not purged


def _agents_of(connection: Connection, source: State, type_name: str) -> tuple[str, ...]:
    """Agents of a type, in service or only in the source."""
    rows = connection.execute("SELECT name FROM agents WHERE type = ? AND deleted_at IS NULL", (type_name,))
    deployed = {f"agent/{name}" for (name,) in rows}
    wanted = {
        address
        for address in source.entries
        if address.startswith("agent/") and f"type/{type_name}" in requirements(source.spec(address))
    }
    return tuple(sorted(deployed | wanted))


def _mode_of_policy(connection: Connection, source: State, address: str) -> Mode:
    from reconciler.database.rows.live_models import live_types

    kind, _, name = address.partition("/")
    if kind == "agent":
        return "soft"
    found = source.agent_type(name) or live_types(connection, [name]).get(name)
    return MODE_OF_POLICY[found.spec.deletion_policy.value] if found else "hard"


def _tasks(connection: Connection, going: Collection[str]) -> TaskCounts:
    """Those of an agent that was of another type before are not all of this type's, and none is counted twice."""
    counts = [tasks_of(connection, address) for address in going]
    waiting, running = max(one.waiting for one in counts), max(one.running for one in counts)
    return TaskCounts(waiting, running, counts[0].ended)


def _dependents(source: State, going: Collection[str]) -> Iterator[str]:
    for address in source.entries:
        if address not in going and requirements(source.spec(address)).intersection(going):
            yield address


def _until(connection: Connection, retention: float | None) -> str | None:
    return None if retention is None else time_text(moment_of(connection) + timedelta(seconds=retention))

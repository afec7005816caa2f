"""Which types, which versions of which manifests an export takes along, and what it has to leave behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.database import records
from reconciler.errors import NotFound, UsageError
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.findings import did_you_mean

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


@dataclass(frozen=True, slots=True)
class Version:
    address: str
    version: str
    digest: str
    text: str
    current: bool


def parked_of(connection: Connection, types: Sequence[str]) -> dict[str, int]:
    """What of these types is in the archive. Its form is that of former manifests, which live no more."""
    found = [entry for name in types for entry in records.archives(connection, owner=name)]
    return {f"{entry.table}.{entry.column}" if entry.column else entry.table: entry.rows for entry in found}


def types_of(connection: Connection, address: str) -> list[str]:
    """Names of the types that go along, live ones and those that were deleted but keep their tables."""
    kind, _, name = address.partition("/")
    known = {row[0] for row in connection.execute("SELECT name FROM agent_types")}
    if not address:
        kept = {head.owner for head in records.table_heads(connection)}
        live = {row[0] for row in connection.execute("SELECT name FROM agent_types WHERE current")}
        return sorted(live | (kept & known))
    if kind == "agent":
        found = connection.execute("SELECT type FROM agents WHERE name = ?", (name,))
        if found:
            return [found[0][0]]
        known = {f"agent/{row[0]}" for row in connection.execute("SELECT name FROM agents")}
    elif kind == "type":
        if name in known:
            return [name]
        known = {f"type/{one}" for one in known}
    else:
        raise UsageError(
            f"{address[:80]!r} cannot be exported", hint="name type/NAME or agent/NAME, or say --all"
        )
    raise NotFound(f"there is no {address}", hint=did_you_mean(address, known))


def versions_of(connection: Connection, type_name: str, address: str) -> Iterator[Version]:
    """All of a type and of its agents. Of what is live the live version is current, else the newest."""
    found = connection.execute(
        "SELECT version, digest, spec, current FROM agent_types WHERE name = ?"
        " ORDER BY current DESC, revision DESC, id DESC",
        (type_name,),
    )
    for position, (version, digest, text, _) in enumerate(found):
        yield Version(f"type/{type_name}", version, digest, text, position == 0)
    kind, _, name = address.partition("/")
    wanted = [name] if kind == "agent" else _agents_of(connection, type_name)
    for agent in wanted:
        yield from _agent_versions(connection, agent)


def _agents_of(connection: Connection, type_name: str) -> list[str]:
    """Those in service; of a deleted type those it had last."""
    rows = connection.execute(
        "SELECT name, deleted_at FROM agents WHERE type = ? ORDER BY name", (type_name,)
    )
    live = [name for name, deleted_at in rows if deleted_at is None]
    retired = not connection.execute("SELECT 1 FROM agent_types WHERE name = ? AND current", (type_name,))
    return [name for name, _ in rows] if retired and not live else live


def _agent_versions(connection: Connection, agent: str) -> Iterator[Version]:
    rows = connection.execute(
        "SELECT s.digest, s.spec FROM revision_objects AS o JOIN spec_store AS s ON s.digest = o.digest"
        " WHERE o.address = ? ORDER BY o.revision DESC",
        (f"agent/{agent}",),
    )
    seen: dict[str, str] = dict(reversed(rows))
    for digest, text in reversed(seen.items()):
        yield Version(f"agent/{agent}", "", digest, text, digest == rows[0][0])


def current_types(versions: Sequence[Version]) -> list[AgentType]:
    specs = [
        parse_canonical("type", one.text)
        for one in versions
        if one.current and one.address.startswith("type/")
    ]
    return [spec for spec in specs if isinstance(spec, AgentType)]

"""Making the catalog say what was applied. Functions take sets and send each in one round trip or few.

Whoever has written what a plan depends on ends with `set_meta`, inside the same transaction: it is what tells
readers that anything moved.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.database.records.batches import in_batches
from reconciler.database.records.rows import (
    AgentDeployment,
    NewArchive,
    PolicyRegistration,
    StoredSpec,
    TableRecord,
    TypeRegistration,
)
from reconciler.errors import NotFound


def put_specs(connection: Connection, specs: Iterable[StoredSpec]) -> None:
    """Keep specs by content; those already kept cost nothing."""
    connection.execute_many(
        "INSERT INTO spec_store (digest, kind, spec) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        [(spec.digest, spec.kind, spec.spec) for spec in specs],
    )


def register_types(connection: Connection, types: Collection[TypeRegistration], revision: int) -> None:
    """Make these versions the current ones. One that was registered before comes back, not twice."""
    now = now_text(connection)
    for places, names in in_batches([t.name for t in types]):
        connection.execute(
            f"UPDATE agent_types SET current = FALSE WHERE current AND name IN {places}", names
        )
    connection.execute_many(
        "INSERT INTO agent_types"
        " (name, version, digest, spec, status, current, deprecated, sunset, registered_at, revision)"
        " VALUES (?, ?, ?, ?, ?, TRUE, ?, ?, ?, ?)"
        " ON CONFLICT (name, digest) DO UPDATE SET status = excluded.status, current = TRUE,"
        " deprecated = excluded.deprecated, sunset = excluded.sunset, revision = excluded.revision",
        [
            (t.name, t.version, t.digest, t.spec, _status(t), t.deprecated, t.sunset, now, revision)
            for t in types
        ],
    )


def _status(registration: TypeRegistration) -> str:
    return "active" if registration.deprecated is None else "deprecated"


def remove_types(connection: Connection, names: Iterable[str], revision: int) -> None:
    """Retire types; their versions stay on record."""
    connection.execute_many(
        "UPDATE agent_types SET current = FALSE, status = 'retired', revision = ? WHERE name = ? AND current",
        [(revision, name) for name in names],
    )


def deploy_agents(connection: Connection, agents: Iterable[AgentDeployment], revision: int) -> None:
    now = now_text(connection)
    connection.execute_many(
        "INSERT INTO agents (name, type, digest, spec, enabled, deployed_at, revision, deleted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
        " ON CONFLICT (name) DO UPDATE SET type = excluded.type, digest = excluded.digest,"
        " spec = excluded.spec, enabled = excluded.enabled, deployed_at = excluded.deployed_at,"
        " revision = excluded.revision,"
        " deleted_at = NULL",
        [(a.name, a.type, a.digest, a.spec, a.enabled, now, revision) for a in agents],
    )


def remove_agents(connection: Connection, names: Iterable[str], revision: int) -> None:
    now = now_text(connection)
    connection.execute_many(
        "UPDATE agents SET deleted_at = ?, revision = ? WHERE name = ? AND deleted_at IS NULL",
        [(now, revision, name) for name in names],
    )


def put_policies(connection: Connection, policies: Iterable[PolicyRegistration], revision: int) -> None:
    connection.execute_many(
        "INSERT INTO policies (name, digest, spec, revision) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE"
        " SET digest = excluded.digest, spec = excluded.spec, revision = excluded.revision",
        [(p.name, p.digest, p.spec, revision) for p in policies],
    )


def remove_policies(connection: Connection, names: Iterable[str]) -> None:
    connection.execute_many("DELETE FROM policies WHERE name = ?", [(name,) for name in names])


def put_tables(connection: Connection, tables: Iterable[TableRecord]) -> None:
    """Record tables as they now are, whether new or known."""
    connection.execute_many(
        "INSERT INTO dynamic_tables"
        " (name, owner, model, definition, digest, observed, fingerprint, status, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, model = excluded.model,"
        " definition = excluded.definition, digest = excluded.digest, observed = excluded.observed,"
        " fingerprint = excluded.fingerprint, status = excluded.status, revision = excluded.revision",
        [
            (
                t.name,
                t.owner,
                t.model,
                t.definition,
                t.digest,
                t.observed,
                t.fingerprint,
                t.status,
                t.revision,
            )
            for t in tables
        ],
    )


def drop_tables(connection: Connection, names: Iterable[str]) -> None:
    """Forget tables that were archived or purged."""
    connection.execute_many("DELETE FROM dynamic_tables WHERE name = ?", [(name,) for name in names])


def add_archive(connection: Connection, parked: NewArchive) -> int:
    """Record a parked table or column; its id."""
    rows = connection.execute(
        "INSERT INTO archives (kind, owner, table_name, column_name, stored_as, definition, revision,"
        " row_count, archived_at, purge_after, became) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            "table" if parked.column is None else "column",
            parked.owner,
            parked.table,
            parked.column,
            parked.stored_as,
            parked.definition,
            parked.revision,
            parked.rows,
            now_text(connection),
            parked.purge_after,
            parked.became,
        ),
    )
    return int(rows[0][0])


def mark_restored(connection: Connection, number: int, revision: int) -> None:
    """Raises NotFound unless the archive is open."""
    _close(connection, number, "restored_revision", revision)


def mark_purged(connection: Connection, number: int) -> None:
    """Raises NotFound unless the archive is open."""
    _close(connection, number, "purged_at", now_text(connection))


def _close(connection: Connection, number: int, column: str, value: int | str) -> None:
    closed = connection.execute(
        f"UPDATE archives SET {column} = ?"
        " WHERE id = ? AND restored_revision IS NULL AND purged_at IS NULL RETURNING id",
        (value, number),
    )
    if not closed:
        raise NotFound(
            f"there is no archive {number}, or it was restored or purged",
            hint="list them with `reconcile archive list`",
        )


def set_meta(connection: Connection, values: Mapping[str, str]) -> None:
    """Set keys and, always, a new `generation`."""
    # 31 bits and never 0, the value of a file that was never written: the range of SQLite's user_version.
    generation = secrets.randbelow(2**31 - 1) + 1
    connection.execute_many(
        "INSERT INTO catalog_meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [*values.items(), ("generation", str(generation))],
    )
    if connection.dialect == "sqlite":
        connection.execute(f"PRAGMA user_version = {generation}")

"""What is live: entries, specs, tables, archives, meta."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.database.connection import Connection, Row
from reconciler.database.records.batches import in_batches
from reconciler.database.records.rows import ArchiveRecord, StoredSpec, TableHead, TableRecord, TypeVersion
from reconciler.errors import NotFound

_LIVE = {
    "type": "agent_types WHERE current",
    "agent": "agents WHERE deleted_at IS NULL",
    "policy": "policies WHERE TRUE",
}
_TABLE = "name, owner, model, definition, digest, observed, fingerprint, status, revision"
_ARCHIVE = (
    "id, kind, owner, table_name, column_name, stored_as, definition, revision, row_count,"
    " archived_at, purge_after, restored_revision, purged_at, became"
)


def entries(connection: Connection) -> dict[str, str]:
    """Digest by address of everything live."""
    selects = (f"SELECT '{kind}/' || name, digest FROM {live}" for kind, live in _LIVE.items())
    return dict(connection.execute(" UNION ALL ".join(selects)))


def spec_text(connection: Connection, address: str) -> str:
    """The canonical JSON of what is live at an address; KeyError where nothing is."""
    return spec_texts(connection, [address])[address]


def spec_texts(connection: Connection, addresses: Collection[str]) -> dict[str, str]:
    """The canonical JSON by address; addresses where nothing is live are left out."""
    by_kind: dict[str, list[str]] = {}
    for address in addresses:
        kind, _, name = address.partition("/")
        by_kind.setdefault(kind, []).append(name)
    return {
        f"{kind}/{name}": spec
        for kind, names in by_kind.items()
        for name, spec in _select_in(connection, f"SELECT name, spec FROM {_LIVE[kind]} AND name", names)
    }


def stored_specs(connection: Connection, digests: Collection[str]) -> dict[str, StoredSpec]:
    """Specs by digest, live or long gone; digests that were never stored are left out."""
    rows = _select_in(connection, "SELECT digest, kind, spec FROM spec_store WHERE digest", digests)
    return {row[0]: StoredSpec(*row) for row in rows}


def registered_versions(connection: Connection, names: Collection[str]) -> dict[tuple[str, str], str]:
    """(type, version) -> the digest it was last registered with, of every version there ever was."""
    sql = "SELECT name, version, digest, revision, id FROM agent_types WHERE name"
    newest_last = sorted(_select_in(connection, sql, names), key=lambda row: (row[3], row[4]))
    return {(name, version): digest for name, version, digest, _, _ in newest_last}


def type_versions(connection: Connection, name: str) -> list[TypeVersion]:
    """Every version of a type that was ever registered, the one registered last first."""
    rows = connection.execute(
        "SELECT name, version, digest, status, current, deprecated, registered_at, revision"
        " FROM agent_types WHERE name = ? ORDER BY revision DESC, id DESC",
        (name,),
    )
    return [
        TypeVersion(of, version, digest, status, bool(current), deprecated, at, revision)
        for of, version, digest, status, current, deprecated, at, revision in rows
    ]


def current_versions(connection: Connection) -> dict[str, str]:
    """Version by address of every live type."""
    rows = connection.execute("SELECT name, version FROM agent_types WHERE current")
    return {f"type/{name}": version for name, version in rows}


def table_heads(connection: Connection) -> list[TableHead]:
    """All recorded tables by name, without their definitions."""
    rows = connection.execute("SELECT name, owner, fingerprint, status FROM dynamic_tables ORDER BY name")
    return [TableHead(*row) for row in rows]


def tables(connection: Connection, names: Collection[str] | None = None) -> list[TableRecord]:
    """Recorded tables; without `names`, all of them."""
    if names is None:
        rows: Iterable[Row] = connection.execute(f"SELECT {_TABLE} FROM dynamic_tables ORDER BY name")
    else:
        rows = _select_in(connection, f"SELECT {_TABLE} FROM dynamic_tables WHERE name", names)
    return [TableRecord(*row) for row in rows]


def archives(
    connection: Connection, *, table: str | None = None, owner: str | None = None, closed: bool = False
) -> list[ArchiveRecord]:
    """Archives, newest first; restored and purged ones only with `closed`."""
    conditions, params = ["TRUE"], []
    if not closed:
        conditions.append("restored_revision IS NULL AND purged_at IS NULL")
    for column, value in (("table_name", table), ("owner", owner)):
        if value is not None:
            conditions.append(f"{column} = ?")
            params.append(value)
    sql = f"SELECT {_ARCHIVE} FROM archives WHERE {' AND '.join(conditions)} ORDER BY id DESC"
    return [ArchiveRecord(*row) for row in connection.execute(sql, params)]


def archive(connection: Connection, number: int) -> ArchiveRecord:
    """Raises NotFound."""
    rows = connection.execute(f"SELECT {_ARCHIVE} FROM archives WHERE id = ?", (number,))
    if not rows:
        raise NotFound(f"there is no archive {number}", hint="list them with `reconcile archive list`")
    return ArchiveRecord(*rows[0])


def meta(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT key, value FROM catalog_meta"))


def _select_in(connection: Connection, sql: str, values: Collection[str]) -> Iterator[Row]:
    """Rows of `sql`, which ends in the column that must be one of the values."""
    for places, batch in in_batches(values):
        yield from connection.execute(f"{sql} IN {places}", batch)

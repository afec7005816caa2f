"""Rotation: every sealed value of a database brought under the newest key, while everybody goes on.

Batch by batch, each in a transaction of its own that also records how far it has come: killed anywhere, the next
rotation goes on from there. A value is replaced only where it still is what was read, so that nobody's write is lost.
Parked tables and columns are sealed as well, and rotated as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.database import records
from reconciler.database.connection import Connection, Row
from reconciler.database.encryption import Keyring, Unsealable
from reconciler.database.failures import NotThere
from reconciler.database.json_text import from_json, to_json
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.records.audit import append_audit
from reconciler.database.records.rows import ArchiveRecord, AuditEntry
from reconciler.database.rows.cipher import Place
from reconciler.database.sql_text import quote
from reconciler.database.storable import UnfitValue
from reconciler.database.tasks.sealed_input import MARK, resealed_input
from reconciler.spec.tables import Column, Table

BATCH = 500
_PASSES = 3
"""Workers that still seal with a former key write behind the cursor: so often it is looked for once more."""
_TOLD = 5


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed values. `name` is the one they are bound to, `stored_as` what it is called now; `columns` are
    the names they are bound to, by what each is called now."""

    name: str
    stored_as: str
    columns: Mapping[str, str]
    known: frozenset[str]
    parked: bool = False

    def quoted(self, connection: Connection) -> str:
        schema = f"{ARCHIVE_SCHEMA}." if self.parked and connection.dialect == "postgresql" else ""
        return f"{schema}{quote(self.stored_as)}"


@dataclass(slots=True)
class Rotated:
    """`rows` were brought under the newest key now. `unopened` could not be opened, with the first reasons in
    `reasons`; `left` are still under another key, for that reason or because somebody still seals with one."""

    tables: int = 0
    rows: int = 0
    unopened: int = 0
    left: int = 0
    reasons: list[str] = field(default_factory=list)


Progress = Callable[[str, int], None]
"""(table, rows rotated so far)."""


def rotate(
    connection: Connection,
    keyring: Keyring,
    *,
    actor: str = "",
    reason: str = "",
    batch: int = BATCH,
    progress: Progress = lambda table, rows: None,
) -> Rotated:
    """Bring everything under the newest key. What cannot be opened is left as it is, and told."""
    done = Rotated()
    for _ in range(_PASSES):
        done.unopened, done.reasons = 0, []
        tables = sealed_tables(connection)
        for table in tables:
            _rotate_table(connection, keyring, table, batch, done, progress)
        done.rows += _rotate_tasks(connection, keyring, done)
        done.tables = len(tables)
        done.left = sum(_left(connection, keyring, table) for table in tables)
        with connection.transaction():
            connection.execute("DELETE FROM key_rotations")
        if done.left <= done.unopened:
            break
    _record(connection, keyring, done, actor, reason)
    return done


def sealed_tables(connection: Connection) -> list[SealedTable]:
    """All tables with encrypted columns, live, retained or parked."""
    archives = records.archives(connection)
    live = [(Table.model_validate_json(row.definition), "") for row in records.tables(connection)]
    parked = [
        (Table.model_validate_json(archive.definition), archive.stored_as)
        for archive in archives
        if archive.kind == "table"
    ]
    found = [*_with_columns(connection, [*live, *parked], archives)]
    return [table for table in found if table.columns]


def _with_columns(
    connection: Connection, tables: Sequence[tuple[Table, str]], archives: Sequence[ArchiveRecord]
) -> Iterator[SealedTable]:
    for definition, stored_as in tables:
        columns = {column.name: column.name for column in definition.columns if column.encrypted}
        aside = {
            archive.stored_as: archive.column
            for archive in archives
            if archive.kind == "column" and archive.table == definition.name and archive.column
            if Column.model_validate_json(archive.definition).encrypted
        }
        known = frozenset(column.name for column in definition.columns)
        table = SealedTable(definition.name, stored_as or definition.name, columns, known, bool(stored_as))
        if aside:
            # Columns were parked in this table, or in one of that name which was itself parked since.
            there = _column_names(connection, table)
            aside = {stored: name for stored, name in aside.items() if stored in there}
            table = SealedTable(table.name, table.stored_as, {**columns, **aside}, known, table.parked)
        yield table


def _rotate_table(
    connection: Connection,
    keyring: Keyring,
    table: SealedTable,
    batch: int,
    done: Rotated,
    progress: Progress,
) -> None:
    after = _cursor(connection, keyring, table)
    try:
        while True:
            with connection.transaction():
                rows = _batch(connection, keyring, table, after, batch)
                if not rows:
                    return
                for row in rows:
                    done.rows += _rotate_row(connection, keyring, table, row, done)
                after = rows[-1][0]
                connection.execute(
                    "INSERT INTO key_rotations (key_id, stored_as, after_id) VALUES (?, ?, ?)"
                    " ON CONFLICT (key_id, stored_as) DO UPDATE SET after_id = excluded.after_id",
                    (keyring.newest, table.stored_as, after),
                )
            progress(table.name, done.rows)
    except NotThere:
        return  # dropped, parked or rebuilt meanwhile: the next pass sees what has become of it


def _rotate_tasks(connection: Connection, keyring: Keyring, done: Rotated) -> int:
    """Inputs of tasks that were sealed while they waited; how many tasks."""
    rotated, after = 0, ""
    while True:
        rows = connection.execute(
            "SELECT id, input FROM tasks WHERE id > ? AND input LIKE ? ORDER BY id LIMIT ?",
            (after, f'%"{MARK}"%', BATCH),
        )
        for id_, text in rows:
            try:
                renewed = resealed_input(id_, from_json(text), keyring)
            except UnfitValue as error:
                done.reasons.append(f"task {id_}: {error.message}")
                continue
            if renewed is not None:
                connection.execute(
                    "UPDATE tasks SET input = ? WHERE id = ? AND input = ?", (to_json(renewed), id_, text)
                )
                rotated += 1
        if len(rows) < BATCH:
            return rotated
        after = rows[-1][0]


def _batch(connection: Connection, keyring: Keyring, table: SealedTable, after: int, batch: int) -> list[Row]:
    condition, params = _under_another(keyring, table)
    columns = ", ".join(map(quote, table.columns))
    sql = (
        f"SELECT id, {columns} FROM {table.quoted(connection)} WHERE id > ? AND ({condition})"
        " ORDER BY id LIMIT ?"
    )
    return connection.execute(sql, [after, *params, batch])


def _rotate_row(connection: Connection, keyring: Keyring, table: SealedTable, row: Row, done: Rotated) -> int:
    """1 if anything of the row was sealed anew."""
    sealed: dict[str, tuple[bytes, bytes]] = {}
    failed = False
    for (stored_as, name), value in zip(table.columns.items(), row[1:], strict=True):
        if value is None:
            continue
        # A parked column's name may be taken by now, which is no reason to doubt what lies in it.
        place = Place(table.name, name, row[0], table.known - {name})
        try:
            renewed = keyring.resealed(bytes(value), place)
        except Unsealable as error:
            failed = True
            if len(done.reasons) < _TOLD:
                done.reasons.append(f"{table.name} id {row[0]}: {error.message}")
            continue
        if renewed is not None:
            sealed[stored_as] = renewed, bytes(value)
    done.unopened += failed
    if not sealed:
        return 0
    sets = ", ".join(f"{quote(name)} = ?" for name in sealed)
    same = " AND ".join(f"{quote(name)} = ?" for name in sealed)
    params = [*(new for new, _ in sealed.values()), row[0], *(old for _, old in sealed.values())]
    sql = f"UPDATE {table.quoted(connection)} SET {sets} WHERE id = ? AND {same} RETURNING id"
    return len(connection.execute(sql, params))


def _left(connection: Connection, keyring: Keyring, table: SealedTable) -> int:
    condition, params = _under_another(keyring, table)
    try:
        ((count,),) = connection.execute(
            f"SELECT count(*) FROM {table.quoted(connection)} WHERE {condition}", params
        )
    except NotThere:
        return 0
    return int(count)


def _under_another(keyring: Keyring, table: SealedTable) -> tuple[str, list[object]]:
    """A condition: some value of the row is not under the newest key. NULL is none."""
    prefixes = [(quote(stored), keyring.sealed_prefix(name)) for stored, name in table.columns.items()]
    condition = " OR ".join(f"substr({column}, 1, {len(prefix)}) <> ?" for column, prefix in prefixes)
    return condition, [prefix for _, prefix in prefixes]


def _cursor(connection: Connection, keyring: Keyring, table: SealedTable) -> int:
    rows = connection.execute(
        "SELECT after_id FROM key_rotations WHERE key_id = ? AND stored_as = ?",
        (keyring.newest, table.stored_as),
    )
    return int(rows[0][0]) if rows else 0


def _column_names(connection: Connection, table: SealedTable) -> set[str]:
    if connection.dialect == "sqlite":
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table.stored_as,))
    else:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0",
            (table.quoted(connection),),
        )
    return {name for (name,) in rows}


def _record(connection: Connection, keyring: Keyring, done: Rotated, actor: str, reason: str) -> None:
    told = json.dumps({"key": keyring.newest, "rows": done.rows, "left": done.left})
    with connection.transaction():
        append_audit(connection, [AuditEntry(actor, "rotate", "keys", "", told, reason)])

"""Into another database: the export is verified, its manifests go through the source, then its rows are loaded.

All rows are loaded in one transaction, under the lease: there are all of them or none, so that an import that was
interrupted is simply run again. What is there as the export has it stays as it is: in a git source an
import proposes the manifests, and once they are merged and applied the same command loads the rows.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from reconciler.control.exports.archive import ArchiveDamaged, ArchiveReader
from reconciler.control.exports.exporting import TASK_COLUMNS, Progress
from reconciler.control.proposals import Author, Proposed
from reconciler.control.proposing import Proposer, Wish
from reconciler.database import records
from reconciler.database.failures import ConstraintViolated
from reconciler.database.json_text import from_json
from reconciler.database.lease import acquire
from reconciler.database.observe import remember_if_clean
from reconciler.database.rows.transfer import (
    TableTransfer,
    check_references,
    defer_references,
    raise_sequence,
)
from reconciler.database.sql_text import quote
from reconciler.database.storable import UnfitValue
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import Refused
from reconciler.manifests.document import read
from reconciler.spec.state import State
from reconciler.spec.tables import Table

if TYPE_CHECKING:
    from reconciler.control.reports import Outcome
    from reconciler.database.connection import Connection
    from reconciler.database.rows.cipher import Cipher
    from reconciler.settings import Settings

ObjectState = Literal["new", "same", "taken"]


@dataclass(frozen=True, slots=True)
class ImportObject:
    """`state` is taken where the source or the database has something else of this name."""

    address: str
    version: str
    digest: str
    state: ObjectState


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would bring: rows by table. With `obstacles` it would be refused. `sealed` are columns that pass
    as they are, and are read with the keys they were sealed under."""

    exported_at: str
    exported: str
    objects: tuple[ImportObject, ...]
    rows: Mapping[str, int]
    tasks: int
    sealed: tuple[str, ...]
    obstacles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """`loaded` is false where people have to merge the manifests first."""

    preview: ImportPreview
    loaded: bool
    proposed: Proposed | None = None
    outcome: Outcome | None = None


def preview_of(connection: Connection | None, source: State, archive: ArchiveReader) -> ImportPreview:
    """`connection` None: there is no database yet."""
    contents = archive.contents
    live = records.entries(connection) if connection is not None else {}
    objects = tuple(
        ImportObject(one["address"], one["version"], one["digest"], _state(one, source, live))
        for one in contents["objects"]
        if one["current"]
    )
    tables = contents["tables"]
    return ImportPreview(
        contents["exported_at"],
        contents["exported"],
        objects,
        {table["name"]: table["rows"] for table in tables},
        contents.get("tasks", {}).get("rows", 0),
        tuple(f"{table['name']}.{column}" for table in tables for column in table["sealed"]),
        tuple(_obstacles(connection, contents, objects)),
    )


def import_(
    settings: Settings,
    connection: Connection,
    proposer: Callable[[], Proposer],
    archive: ArchiveReader,
    *,
    cipher: Cipher,
    actor: str,
    author: Author,
    reason: str = "",
    progress: Progress = lambda what, done, total: None,
) -> Imported:
    """Raises Refused with all obstacles before anything is changed, and what `Proposer` raises."""
    ensure_catalog(connection)
    once = proposer()
    preview = preview_of(connection, once.state, archive)
    if preview.obstacles:
        raise Refused("; ".join(preview.obstacles), hint="nothing was imported")
    new = {one.address for one in preview.objects if one.state == "new"}
    proposed, outcome = None, None
    if new:
        wish = Wish(f"Import {preview.exported}", put=tuple(_documents(archive, new)), summary=reason)
        draft = once.draft(wish)
        with connection.transaction():
            entries = [
                records.AuditEntry(actor, "import-ordered", one, "", "", reason) for one in sorted(new)
            ]
            records.append_audit(connection, entries)
        done = once.carry_out(draft, author, actor=actor, reason=reason or wish.title)
        proposed, outcome = done.proposed, done.outcome
        if outcome is None:
            return Imported(preview, False, proposed)
    _Load(settings, connection, archive, cipher, actor, reason, progress).run()
    return Imported(preview, True, proposed, outcome)


def _state(one: Mapping[str, Any], source: State, live: Mapping[str, str]) -> ObjectState:
    address, digest = one["address"], one["digest"]
    entry = source.entries.get(address)
    known = {entry.digest if entry is not None else None, live.get(address)} - {None}
    if known - {digest} or address in source.held:
        return "taken"
    return "same" if entry is not None else "new"


def _obstacles(
    connection: Connection | None, contents: Mapping[str, Any], objects: tuple[ImportObject, ...]
) -> list[str]:
    found = [f"{one.address} is taken by something different" for one in objects if one.state == "taken"]
    for table in contents["tables"]:
        if table["masked"] and table["rows"]:
            columns = ", ".join(table["masked"])
            found.append(f"{table['name']} was exported with {columns} masked: export --include-sensitive")
    if contents.get("tasks", {}).get("masked"):
        found.append("the tasks were exported with their values masked: export --include-sensitive")
    if connection is not None:
        there = records.tables(connection, [table["name"] for table in contents["tables"]])
        for record in there:
            if connection.execute(f"SELECT 1 FROM {quote(record.name)} LIMIT 1"):
                found.append(f"{record.name} has rows already")
    return found


def _documents(archive: ArchiveReader, wanted: set[str]) -> list[dict[str, Any]]:
    """Of the current versions, types before their agents."""
    parts = {
        one["part"]: one["address"]
        for one in archive.contents["objects"]
        if one["current"] and one["address"] in wanted
    }
    found: dict[str, dict[str, Any]] = {}
    for name, data in archive.each(parts.__contains__):
        reading = read(data, name)
        if reading.problems or len(reading.documents) != 1:
            raise ArchiveDamaged(f"{name} is no manifest")
        found[parts[name]] = dict(reading.documents[0].value)
    return [found[address] for address in sorted(found, key=lambda a: (not a.startswith("type/"), a))]


@dataclass
class _Load:
    """The rows of all tables, in one transaction."""

    settings: Settings
    connection: Connection
    archive: ArchiveReader
    cipher: Cipher
    actor: str
    reason: str
    progress: Progress
    _done: int = 0

    def run(self) -> None:
        holder = f"{self.actor or 'reconcile'} on {socket.gethostname()}, process {os.getpid()}"
        connection, tables = self.connection, self._tables()
        lease = acquire(connection, "apply", holder=holder, ttl=self.settings.lease_seconds)
        try:
            with connection.transaction():
                lease.verify(connection)
                self._refuse_rows(tables)
                defer_references(connection, [*tables.values()])
                self._load(tables)
                check_references(connection, [*tables.values()])
                self._record()
                lease.verify(connection)
            remember_if_clean(connection)
        except ConstraintViolated as error:
            raise Refused(
                f"the rows of the export do not fit together here: {error.message}",
                hint="export what they refer to along with them; nothing was loaded",
            ) from error
        finally:
            lease.release(connection)

    def _tables(self) -> dict[str, TableTransfer]:
        told = {table["name"]: table for table in self.archive.contents["tables"]}
        there = {record.name: record for record in records.tables(self.connection, [*told])}
        if missing := sorted(told.keys() - there.keys()):
            raise Refused(
                f"there is no table {', '.join(missing)}", hint="reconcile --apply, then import again"
            )
        return {
            name: TableTransfer(
                Table.model_validate_json(there[name].definition),
                self.connection.dialect,
                cipher=None if one["sealed"] else self.cipher,
            )
            for name, one in told.items()
        }

    def _refuse_rows(self, tables: Mapping[str, TableTransfer]) -> None:
        for name in tables:
            if self.connection.execute(f"SELECT 1 FROM {quote(name)} LIMIT 1"):
                raise Refused(f"{name} has rows already", hint="nothing was loaded")

    def _load(self, tables: Mapping[str, TableTransfer]) -> None:
        contents = self.archive.contents
        total = sum(table["rows"] for table in contents["tables"])
        table_of = {part: table["name"] for table in contents["tables"] for part in table["parts"]}
        tasks = frozenset(contents.get("tasks", {}).get("parts", ()))
        for name, data in self.archive.each(lambda part: part in table_of or part in tasks):
            lines = data.split(b"\n")
            try:
                rows = [from_json(line.decode()) for line in lines if line]
                if name in tasks:
                    self._insert_tasks(rows)
                    continue
                tables[table_of[name]].insert(self.connection, rows)
            except (UnfitValue, KeyError, ValueError, TypeError, AttributeError) as error:
                raise ArchiveDamaged(f"{name} holds what is no row of its table") from error
            self._done += len(rows)
            self.progress(table_of[name], self._done, total)
        for table in contents["tables"]:
            raise_sequence(self.connection, table["name"], int(table["highest_id"]))

    def _insert_tasks(self, rows: list[dict[str, Any]]) -> None:
        names = TASK_COLUMNS.split(", ")
        places = ", ".join("?" * len(names))
        # Revisions are those of another database: what ran is told by the digest of its manifest.
        values = [[0 if name == "revision" else row[name] for name in names] for row in rows]
        self.connection.execute_many(f"INSERT INTO tasks ({TASK_COLUMNS}) VALUES ({places})", values)

    def _record(self) -> None:
        contents = self.archive.contents
        told = f"{self._done} rows exported at {contents['exported_at']}"
        entry = records.AuditEntry(self.actor, "import", contents["exported"], "", told, self.reason)
        records.append_audit(self.connection, [entry])

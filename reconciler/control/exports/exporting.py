"""Out of a database: manifests of all versions and rows of their tables, as they are at one moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.control.exports.archive import ArchiveWriter, written
from reconciler.control.exports.selection import Version, current_types, parked_of, types_of, versions_of
from reconciler.database import records
from reconciler.database.clock import utc_now
from reconciler.database.json_text import to_json
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.ids import highest
from reconciler.database.rows.transfer import MASK, TableTransfer
from reconciler.database.sql_text import quote
from reconciler.database.upgrade import CATALOG_VERSION
from reconciler.manifests.write import rendered
from reconciler.spec.agent_type import AgentType
from reconciler.spec.tables import Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.database.rows.cipher import Cipher

Progress = Callable[[str, int, int], None]
"""Told what is worked on, how many rows are done, and of how many."""

TASK_COLUMNS = (
    "id, agent, kind, type, type_version, state, input, settings, output, trace, idempotency_key, submitted_at,"
    " not_before, started_at, finished_at, worker, token, attempts, max_attempts, error_code, error_message,"
    " error_where, error_hint, revision, manifest_digest, prompt_digest, model, tokens, origin, actor"
)
_TASK_VALUES = frozenset({"input", "settings", "output", "trace", "error_message"})


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`decrypt` opens encrypted values, which else stay sealed; `sensitive` writes values of sensitive fields, which
    else are masked; `tasks` adds the tasks that have ended."""

    tasks: bool = False
    sensitive: bool = False
    decrypt: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows by table. `masked` are columns whose values are not in the file, as `table.column`; `parked` are tables and
    columns in the archive, which no export takes along: rows by name."""

    path: str
    objects: tuple[str, ...]
    rows: dict[str, int]
    tasks: int
    masked: tuple[str, ...]
    bytes: int
    parked: Mapping[str, int] = field(default_factory=dict)


def export(
    connection: Connection,
    address: str,
    path: Path,
    options: ExportOptions,
    *,
    cipher: Cipher,
    actor: str,
    reason: str = "",
    progress: Progress = lambda what, done, total: None,
) -> Exported:
    """`address` is `type/NAME` (with its agents), `agent/NAME` (with its type, and of the rows its own), or empty for
    all there is. It is on record before the first row is read. Raises NotFound, UsageError, SourceError."""
    types = types_of(connection, address)
    versions = [version for name in types for version in versions_of(connection, name, address)]
    _record(connection, address, options, actor, reason)
    contents = {
        "catalog": CATALOG_VERSION,
        "program": __version__,
        "database": connection.dialect,
        "exported_at": utc_now(),
        "exported": address or "all",
        "options": asdict(options),
    }
    with written(path, contents) as archive, connection.snapshot():
        exporter = _Exporter(connection, archive, options, cipher, address, progress)
        exporter.objects(versions)
        exporter.tables(current_types(versions))
        if options.tasks:
            exporter.tasks(current_types(versions))
    tables = archive.contents["tables"]
    masked = tuple(f"{t['name']}.{column}" for t in tables for column in t["masked"])
    rows = {t["name"]: t["rows"] for t in tables}
    going = tuple(dict.fromkeys(version.address for version in versions))
    tasks = archive.contents.get("tasks", {}).get("rows", 0)
    parked = parked_of(connection, types)
    return Exported(str(path), going, rows, tasks, masked, path.stat().st_size, parked)


@dataclass
class _Exporter:
    connection: Connection
    archive: ArchiveWriter
    options: ExportOptions
    cipher: Cipher
    address: str
    progress: Progress
    _done: int = 0
    _total: int = 0

    @property
    def _agent(self) -> str:
        kind, _, name = self.address.partition("/")
        return name if kind == "agent" else ""

    def objects(self, versions: Sequence[Version]) -> None:
        listed = []
        for one in versions:
            name = f"objects/{one.address}/{one.version or 'agent'}-{one.digest[:12]}.yaml"
            self.archive.add(name, rendered(json.loads(one.text)).encode())
            listed.append({**asdict(one), "part": name})
            del listed[-1]["text"]
        self.archive.contents["objects"] = listed

    def tables(self, types: Sequence[AgentType]) -> None:
        wanted = {f"{t.name} {model}" for t in types for model in t.spec.models}
        found = [r for r in records.tables(self.connection) if f"{r.owner} {r.model}" in wanted]
        self._total = sum(self._count(record.name) for record in found)
        self.archive.contents["tables"] = [self._table(record) for record in found]

    def tasks(self, types: Sequence[AgentType]) -> None:
        names = {t.name: t.holds_secrets and not self.options.sensitive for t in types}
        counted = [0]

        def lines() -> Iterator[bytes]:
            for row in self._task_rows([*names]):
                counted[0] += 1
                yield to_json(_masked_task(row) if names[row["type"]] else row).encode() + b"\n"

        parts = self.archive.add_lines("tasks", lines())
        self.archive.contents["tasks"] = {
            "rows": counted[0],
            "parts": parts,
            "masked": any(names.values()),
        }

    def _table(self, record: records.TableRecord) -> dict[str, Any]:
        table = Table.model_validate_json(record.definition)
        masked = frozenset() if self.options.sensitive else self._masked(table)
        cipher = self.cipher if self.options.decrypt else None
        transfer = TableTransfer(table, self.connection.dialect, cipher=cipher, masked=masked)
        counted = [0]

        def lines() -> Iterator[bytes]:
            for row in transfer.rows(self.connection, self._agent):
                counted[0] += 1
                self._done += 1
                if not self._done % 1000:
                    self.progress(table.name, self._done, self._total)
                yield to_json(row).encode() + b"\n"

        parts = self.archive.add_lines(f"tables/{table.name}", lines())
        sealed = [column.name for column in table.columns if column.encrypted]
        return {
            "name": table.name,
            "owner": table.owner,
            "model": table.model,
            "rows": counted[0],
            "highest_id": highest(self.connection, table.name),
            "sealed": [] if self.options.decrypt else sealed,
            "masked": sorted(masked),
            "parts": parts,
        }

    def _masked(self, table: Table) -> frozenset[str]:
        """What is encrypted and stays so shows nothing; opened, it is as sensitive as it gets."""
        return frozenset(
            c.name
            for c in table.columns
            if (c.encrypted and self.options.decrypt) or (c.sensitive and not c.encrypted)
        )

    def _count(self, name: str) -> int:
        where, params = (" WHERE agent = ?", (self._agent,)) if self._agent else ("", ())
        ((rows,),) = self.connection.execute(f"SELECT count(*) FROM {quote(name)}{where}", params)
        return int(rows)

    def _task_rows(self, types: Sequence[str]) -> Iterator[dict[str, Any]]:
        names = TASK_COLUMNS.split(", ")
        for places, batch in in_batches(types):
            of_agent, params = (" AND agent = ?", [self._agent]) if self._agent else ("", [])
            sql = (
                f"SELECT {TASK_COLUMNS} FROM tasks WHERE state NOT IN ('pending', 'running')"
                f" AND type IN {places}{of_agent} ORDER BY id"
            )
            for row in self.connection.stream(sql, [*batch, *params]):
                yield dict(zip(names, row, strict=True))


def _masked_task(row: dict[str, Any]) -> dict[str, Any]:
    masked = to_json(MASK)
    return {
        name: masked if name in _TASK_VALUES and value is not None else value for name, value in row.items()
    }


def _record(connection: Connection, address: str, options: ExportOptions, actor: str, reason: str) -> None:
    """Rows that leave are an effect like any other: first it is on record, then they leave."""
    told = ", ".join(name for name, said in asdict(options).items() if said)
    with connection.transaction():
        entry = records.AuditEntry(actor, "export", address or "all", "", told, reason)
        records.append_audit(connection, [entry])

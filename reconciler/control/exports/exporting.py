"""Out of a database: manifests of all versions and rows of their tables, as they are at one moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.control.exports.archive import ArchiveWriter, written
from reconciler.database import records
from reconciler.database.clock import utc_now
from reconciler.database.json_text import to_json
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.ids import highest
from reconciler.database.rows.transfer import MASK, TableTransfer
from reconciler.database.sql_text import quote
from reconciler.database.upgrade import CATALOG_VERSION
from reconciler.errors import NotFound, UsageError
from reconciler.manifests.write import rendered
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.findings import did_you_mean
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
    """Rows by table. `masked` are columns whose values are not in the file, as `table.column`."""

    path: str
    objects: tuple[str, ...]
    rows: dict[str, int]
    tasks: int
    masked: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class _Version:
    address: str
    version: str
    digest: str
    text: str
    current: bool


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
    types = _types(connection, address)
    versions = [version for name in types for version in _versions(connection, name, address)]
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
        exporter.tables(_current_types(versions))
        if options.tasks:
            exporter.tasks(_current_types(versions))
    tables = archive.contents["tables"]
    masked = tuple(f"{t['name']}.{column}" for t in tables for column in t["masked"])
    rows = {t["name"]: t["rows"] for t in tables}
    going = tuple(dict.fromkeys(version.address for version in versions))
    tasks = archive.contents.get("tasks", {}).get("rows", 0)
    return Exported(str(path), going, rows, tasks, masked, path.stat().st_size)


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

    def objects(self, versions: Sequence[_Version]) -> None:
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


# --- what is exported ---------------------------------------------------------------------------------------


def _types(connection: Connection, address: str) -> list[str]:
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


def _versions(connection: Connection, type_name: str, address: str) -> Iterator[_Version]:
    """All of a type and of its agents. Of what is live the live version is current, else the newest."""
    found = connection.execute(
        "SELECT version, digest, spec, current FROM agent_types WHERE name = ?"
        " ORDER BY current DESC, revision DESC, id DESC",
        (type_name,),
    )
    for position, (version, digest, text, _) in enumerate(found):
        yield _Version(f"type/{type_name}", version, digest, text, position == 0)
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


def _agent_versions(connection: Connection, agent: str) -> Iterator[_Version]:
    rows = connection.execute(
        "SELECT s.digest, s.spec FROM revision_objects AS o JOIN spec_store AS s ON s.digest = o.digest"
        " WHERE o.address = ? ORDER BY o.revision DESC",
        (f"agent/{agent}",),
    )
    seen: dict[str, str] = dict(reversed(rows))
    for digest, text in reversed(seen.items()):
        yield _Version(f"agent/{agent}", "", digest, text, digest == rows[0][0])


def _current_types(versions: Sequence[_Version]) -> list[AgentType]:
    specs = [
        parse_canonical("type", one.text)
        for one in versions
        if one.current and one.address.startswith("type/")
    ]
    return [spec for spec in specs if isinstance(spec, AgentType)]

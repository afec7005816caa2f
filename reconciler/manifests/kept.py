"""What the cache keeps of a source, and how that is laid out in tables."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile

TABLES = (
    """create table result (
        generation text not null, program text not null, listing blob not null, digest text not null,
        files integer not null, findings text not null, entries text not null, checksum text not null
    )""",
    """create table files (
        path text primary key, stamp blob not null, settled integer not null, content blob not null,
        problems text not null, held text not null, remembered text not null
    )""",
    """create table documents (
        file text not null, position integer not null, address text not null, digest text not null,
        canonical text not null, line integer not null, "column" integer not null, requires text not null,
        linked text not null
    )""",
    "create index unsettled on files (path) where not settled",
    "create index documents_by_file on documents (file)",
    "create index documents_by_address on documents (address)",
)


@dataclass(frozen=True, slots=True)
class Result:
    """All that a load gave. `listing` is the fingerprint of the files it was made from.

    `entries` is JSON, [[address, digest, file, line, column], …]: a plan without changes never looks inside.
    """

    listing: bytes
    digest: str
    files: int
    problems: tuple[Problem, ...]
    held: tuple[str, ...]
    opaque: tuple[str, ...]
    entries: str


@dataclass(frozen=True, slots=True)
class Index:
    """What is known of every file. `settled` are the paths whose stamps can be trusted.

    `linked` holds, by address, the problems found in joining documents with each other; most have none.
    `generation` names the moment this was read from the cache, empty if it was not.
    """

    files: Mapping[str, CompiledFile]
    stamps: Mapping[str, bytes]
    settled: Collection[str]
    linked: Mapping[str, tuple[Problem, ...]]
    generation: str = ""


def read_result(connection: sqlite3.Connection, program: str) -> Result | None:
    """None where nothing is kept, another program kept it, or it is not as it was written."""
    row = connection.execute("select * from result").fetchone()
    if row is None or row[1] != program or row[7] != _checksum(row[:7]):
        return None
    _, _, listing, digest, files, findings, entries, _ = row
    problems, held, opaque = json.loads(findings)
    return Result(listing, digest, files, _problems(problems), tuple(held), tuple(opaque), entries)


def write_result(connection: sqlite3.Connection, program: str, result: Result) -> None:
    findings = json.dumps([_plain(result.problems), result.held, result.opaque])
    kept = (result.listing, result.digest, result.files, findings, result.entries)
    row = (os.urandom(8).hex(), program, *kept)
    connection.execute("delete from result")
    connection.execute("insert into result values (?, ?, ?, ?, ?, ?, ?, ?)", (*row, _checksum(row)))


def generation_of(connection: sqlite3.Connection, program: str) -> str:
    """The generation that is kept; empty where there is none of this program."""
    row = connection.execute("select generation from result where program = ?", (program,)).fetchone()
    return str(row[0]) if row else ""


def read_index(connection: sqlite3.Connection, generation: str) -> Index:
    documents: dict[str, list[Compiled]] = {}
    linked = {}
    for row in connection.execute("select * from documents order by file, position"):
        file, position, address, digest, canonical, line, column, requires, problems = row
        documents.setdefault(file, []).append(
            Compiled(address, digest, canonical, file, line, column, position, _words(requires))
        )
        if problems:
            linked[address] = _load(problems)
    files, stamps, settled = {}, {}, set()
    for row in connection.execute("select * from files"):
        path, stamp, is_settled, content, problems, held, remembered = row
        found = tuple(documents.get(path, ()))
        files[path] = CompiledFile(path, content, found, _load(problems), _words(held), _words(remembered))
        stamps[path] = stamp
        if is_settled:
            settled.add(path)
    return Index(files, stamps, settled, linked, generation)


def write_index(connection: sqlite3.Connection, index: Index) -> None:
    connection.execute("delete from files")
    connection.execute("delete from documents")
    _insert_files(connection, index, index.files)


def update_index(
    connection: sqlite3.Connection, index: Index, changed: Collection[str], relinked: Collection[str]
) -> None:
    connection.executemany("delete from files where path = ?", [(path,) for path in changed])
    connection.executemany("delete from documents where file = ?", [(path,) for path in changed])
    _insert_files(connection, index, [path for path in changed if path in index.files])
    texts = [(_dump(index.linked.get(address, ())), address) for address in relinked]
    connection.executemany("update documents set linked = ? where address = ?", texts)


def _insert_files(connection: sqlite3.Connection, index: Index, paths: Iterable[str]) -> None:
    files = [index.files[path] for path in paths]
    connection.executemany(
        "insert into files values (?, ?, ?, ?, ?, ?, ?)",
        [
            (f.path, index.stamps[f.path], f.path in index.settled, f.content, _dump(f.problems), *_lists(f))
            for f in files
        ],
    )
    connection.executemany(
        "insert into documents values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                d.file,
                d.number,
                d.address,
                d.digest,
                d.canonical,
                d.line,
                d.column,
                " ".join(d.requires),
                linked,
            )
            for f in files
            for d in f.documents
            for linked in (_dump(index.linked.get(d.address, ())),)
        ],
    )


def _lists(file: CompiledFile) -> tuple[str, str]:
    return " ".join(file.held), " ".join(file.remembered)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _plain(problems: Iterable[Problem]) -> list[list[Any]]:
    return [[p.code, p.message, p.file, p.line, p.column, p.pointer, p.hint, p.severity] for p in problems]


def _problems(rows: Iterable[list[Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(*row) for row in rows)


def _dump(problems: Collection[Problem]) -> str:
    """JSON, or the empty text for no problems, which is nearly always."""
    return json.dumps(_plain(problems)) if problems else ""


def _load(text: str) -> tuple[Problem, ...]:
    return _problems(json.loads(text)) if text else ()


def _checksum(row: Iterable[object]) -> str:
    """Of a result: what nobody parses on the way to `nothing to do` must not be believed unseen."""
    hashed = hashlib.sha256()
    for value in row:
        hashed.update(value if isinstance(value, bytes) else f"{value}\0".encode())
    return hashed.hexdigest()

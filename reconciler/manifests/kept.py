"""What the cache keeps of a source, and how that is laid out in tables."""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile

TABLES = (
    """create table result (
        generation text not null, program text not null, listing blob not null, digest text not null,
        files integer not null, findings text not null, entries blob not null, checksum text not null
    )""",
    "create table bundles (number integer primary key, checksum blob not null, files blob not null)",
    "create table unsettled (path text primary key, content blob not null)",
    "create table linked (address text primary key, problems text not null)",
)

BUNDLES = 64
"""Files are kept in so many bundles: reading a few large rows is several times faster than reading a row for each
file, and a file that has changed costs the writing of its bundle only."""


EntryRow = tuple[str, str, str, int, int]
"""Address, digest, file, line and column."""


@dataclass(frozen=True, slots=True)
class Result:
    """All that a load gave. `listing` is the fingerprint of the files it was made from.

    `entries` are rows as `packed` writes them: a plan without changes never looks inside.
    """

    listing: bytes
    digest: str
    files: int
    problems: tuple[Problem, ...]
    held: tuple[str, ...]
    opaque: tuple[str, ...]
    entries: bytes = b""


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


def packed(rows: Iterable[EntryRow]) -> bytes:
    return marshal.dumps([*rows])


def unpacked(entries: bytes) -> list[EntryRow]:
    """The rows of a result that was read from the cache, and so found to be as it was written."""
    rows: list[EntryRow] = marshal.loads(entries)
    return rows


def generation_of(connection: sqlite3.Connection, program: str) -> str:
    """The generation that is kept; empty where there is none of this program."""
    row = connection.execute("select generation from result where program = ?", (program,)).fetchone()
    return str(row[0]) if row else ""


def read_index(connection: sqlite3.Connection, generation: str) -> Index:
    unsettled = dict(connection.execute("select path, content from unsettled"))
    files, stamps = {}, {}
    for checksum, data in connection.execute("select checksum, files from bundles"):
        for path, stamp, content, documents, problems, held, remembered in _unpacked(checksum, data):
            found = tuple(starmap(Compiled, documents))
            files[path] = CompiledFile(
                path, content, found, _problems(problems), tuple(held), tuple(remembered)
            )
            stamps[path] = stamp
    linked = {
        address: _problems(json.loads(problems))
        for address, problems in connection.execute("select address, problems from linked")
    }
    return Index(files, stamps, files.keys() - unsettled.keys(), linked, generation)


def read_texts(connection: sqlite3.Connection, bundle: int) -> dict[tuple[str, str], str]:
    """Canonical texts by address and digest, of the documents of one bundle."""
    query = "select checksum, files from bundles where number = ?"
    rows = (row for kept in connection.execute(query, (bundle,)) for row in _unpacked(*kept))
    documents = (Compiled(*document) for row in rows for document in row[3])
    return {(document.address, document.digest): document.canonical for document in documents}


def write_index(connection: sqlite3.Connection, index: Index) -> None:
    for table in ("bundles", "unsettled", "linked"):
        connection.execute(f"delete from {table}")
    _write_bundles(connection, index, range(BUNDLES))
    _write_unsettled(connection, index, index.files)
    _write_linked(connection, index, index.linked)


def update_index(
    connection: sqlite3.Connection, index: Index, changed: Collection[str], relinked: Collection[str]
) -> None:
    bundles = {bundle_of(path) for path in changed}
    connection.executemany("delete from bundles where number = ?", [(number,) for number in bundles])
    _write_bundles(connection, index, bundles)
    connection.executemany("delete from unsettled where path = ?", [(path,) for path in changed])
    _write_unsettled(connection, index, changed)
    connection.executemany("delete from linked where address = ?", [(address,) for address in relinked])
    _write_linked(connection, index, relinked)


def bundle_of(path: str) -> int:
    """The number of the bundle a file is in."""
    return zlib.crc32(path.encode("utf-8", "surrogatepass")) % BUNDLES


def _write_bundles(connection: sqlite3.Connection, index: Index, numbers: Collection[int]) -> None:
    bundles: dict[int, list[Any]] = {}
    for path, file in index.files.items():
        number = bundle_of(path)
        if number in numbers:
            documents = [tuple(document) for document in file.documents]
            row = (file.content, documents, _plain(file.problems), file.held, file.remembered)
            bundles.setdefault(number, []).append((path, index.stamps[path], *row))
    packed = ((number, marshal.dumps(rows)) for number, rows in bundles.items())
    connection.executemany(
        "insert into bundles values (?, ?, ?)",
        [(number, hashlib.sha256(data).digest(), data) for number, data in packed],
    )


def _unpacked(checksum: bytes, data: bytes) -> list[Any]:
    """The rows of a bundle. ValueError unless it is as it was written: of other bytes `marshal` might make
    anything, or crash."""
    if hashlib.sha256(data).digest() != checksum:
        raise ValueError("a part of it is not as it was written")
    rows: list[Any] = marshal.loads(data)
    return rows


def _write_unsettled(connection: sqlite3.Connection, index: Index, paths: Iterable[str]) -> None:
    unsettled = [path for path in paths if path in index.files and path not in index.settled]
    connection.executemany(
        "insert into unsettled values (?, ?)", [(path, index.files[path].content) for path in unsettled]
    )


def _write_linked(connection: sqlite3.Connection, index: Index, addresses: Iterable[str]) -> None:
    found = ((address, index.linked.get(address)) for address in addresses)
    connection.executemany(
        "insert into linked values (?, ?)",
        [(address, json.dumps(_plain(problems))) for address, problems in found if problems],
    )


def _plain(problems: Iterable[Problem]) -> list[list[Any]]:
    return [[p.code, p.message, p.file, p.line, p.column, p.pointer, p.hint, p.severity] for p in problems]


def _problems(rows: Iterable[list[Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(*row) for row in rows)


def _checksum(row: Iterable[object]) -> str:
    """Of a result: what nobody parses on the way to `nothing to do` must not be believed unseen."""
    hashed = hashlib.sha256()
    for value in row:
        hashed.update(value if isinstance(value, bytes) else f"{value}\0".encode())
    return hashed.hexdigest()

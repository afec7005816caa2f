"""Bringing what is known of files up to date with a listing: only what has changed is read and compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.errors import Problem
from reconciler.manifests.compiled import Compiled, CompiledFile
from reconciler.manifests.forked import spread
from reconciler.manifests.kept import Index
from reconciler.manifests.sources import Listing, Source, content_digest


@dataclass(frozen=True, slots=True)
class Refreshed:
    """`changed` are the paths about which anything is new, be it only their stamp, or that are gone."""

    files: dict[str, CompiledFile]
    stamps: dict[str, bytes]
    settled: frozenset[str]
    changed: frozenset[str]


def same_content(source: Source, known: Mapping[str, bytes]) -> frozenset[str]:
    """The paths whose content still has the digest that is known of it."""
    found = source.read(known)
    return frozenset(
        path for path, data in found if isinstance(data, bytes) and content_digest(data) == known[path]
    )


def refresh(source: Source, listing: Listing, previous: Index | None) -> Refreshed:
    """Every file of the listing, compiled; those that have not changed as they are in `previous`."""
    known: Mapping[str, CompiledFile] = previous.files if previous else {}
    stamped = {
        path
        for path in listing.files.keys() & known.keys()
        if previous and path in previous.settled and previous.stamps[path] == listing.files[path]
    }
    doubtful = {path: known[path].content for path in listing.files if path in known and path not in stamped}
    same = stamped | same_content(source, doubtful)
    files = {path: known[path] for path in same}
    for file in compile_files(source, [path for path in listing.files if path not in same]):
        files[file.path] = _with_memory(file, known)
    for path, problem in listing.refused.items():
        files[path] = _with_memory(CompiledFile(path, b"", problems=(problem,)), known)
    return Refreshed(
        files=files,
        stamps={path: listing.files.get(path, b"") for path in files},
        settled=frozenset(path for path in files if path not in listing.unsettled and files[path].content),
        changed=frozenset(files.keys() | known.keys()) - stamped,
    )


def compile_files(source: Source, paths: Sequence[str]) -> list[CompiledFile]:
    """The files, read and compiled; in several processes if there are many."""
    if not paths:
        return []
    # Imported here, before any fork: each process would import it again.
    from reconciler.manifests.reader import compile_file

    def work(part: Sequence[str]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for path, data in source.read(part):
            if isinstance(data, Problem):
                rows.append((path, b"", [], [_row(data)], []))
                continue
            compiled, problems, held = compile_file(data, path)
            documents = [_row(document) for document in compiled]
            rows.append((path, content_digest(data), documents, [_row(p) for p in problems], list(held)))
        return rows

    return [_file(*row) for part in spread(work, paths) for row in part]


def _with_memory(file: CompiledFile, known: Mapping[str, CompiledFile]) -> CompiledFile:
    """A broken file remembers the addresses that were at its path, or below, when it was last in order."""
    if not file.broken:
        return file
    before = [known[file.path]] if file.path in known else _below(file.path, known)
    addresses = {address for former in before for address in former.addresses}
    return replace(file, remembered=tuple(sorted(addresses.difference(file.addresses))))


def _below(folder: str, known: Mapping[str, CompiledFile]) -> Iterable[CompiledFile]:
    return (file for path, file in known.items() if path.startswith(f"{folder}/"))


def _row(value: Compiled | Problem) -> tuple[Any, ...]:
    return tuple(getattr(value, name) for name in value.__slots__)


def _file(
    path: str, content: bytes, documents: list[Any], problems: list[Any], held: list[str]
) -> CompiledFile:
    return CompiledFile(
        path,
        content,
        tuple(Compiled(*d) for d in documents),
        tuple(Problem(*p) for p in problems),
        tuple(held),
    )

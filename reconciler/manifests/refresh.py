"""Bringing what is known of files up to date with a listing: only what has changed is read and compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.manifests.compiled import CompiledFile
from reconciler.manifests.kept import Index
from reconciler.manifests.sources import Listing, Source, content_digest

Compile = Callable[[Sequence[str]], Iterable[CompiledFile]]
"""Reads and compiles the files at these paths."""


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


def refresh(source: Source, listing: Listing, previous: Index | None, compile_: Compile) -> Refreshed:
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
    for file in compile_([path for path in listing.files if path not in same]):
        files[file.path] = _with_memory(file, known)
    for path, problem in listing.refused.items():
        files[path] = _with_memory(CompiledFile(path, b"", problems=(problem,)), known)
    return Refreshed(
        files=files,
        stamps={path: listing.files.get(path, b"") for path in files},
        settled=frozenset(path for path in files if path not in listing.unsettled and files[path].content),
        changed=frozenset(files.keys() | known.keys()) - stamped,
    )


def _with_memory(file: CompiledFile, known: Mapping[str, CompiledFile]) -> CompiledFile:
    """A broken file remembers the addresses that were at its path, or below, when it was last in order."""
    if not file.broken:
        return file
    before = [known[file.path]] if file.path in known else _below(file.path, known)
    addresses = {address for former in before for address in former.addresses}
    return file._replace(remembered=tuple(sorted(addresses.difference(file.addresses))))


def _below(folder: str, known: Mapping[str, CompiledFile]) -> Iterable[CompiledFile]:
    return (file for path, file in known.items() if path.startswith(f"{folder}/"))

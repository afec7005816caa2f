"""Documents -> changes of the files they are in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.control.proposals.proposal import FileChange, Writer
from reconciler.errors import NotFound, UsageError
from reconciler.manifests.write import SCHEMA_LINE, address_of, file_for, put, rendered, without
from reconciler.spec.state import State


def drafted(document: Mapping[str, Any], state: State, writer: Writer) -> FileChange:
    """The change that makes `document` the one of its address: in its file, or in a new one.

    `state` is what the source says now. Raises UsageError for what is no manifest, SourceError.
    """
    address = address_of(document)
    if address in state.held:
        raise UsageError(
            f"the manifest of {address} is broken as it is",
            hint="correct its file first; `reconcile validate` says where",
        )
    path = _file_of(address, state)
    if path is not None:
        seen = _present(writer, path)
        return FileChange(path, put(seen.decode(), document).encode(), seen)
    path = _free(file_for(document), writer)
    header = SCHEMA_LINE.format("../" * (path.count("/") + 1))
    return FileChange(path, f"{header}{rendered(document)}".encode(), None)


def removal(address: str, state: State, writer: Writer) -> FileChange:
    """The change that takes a document out of the source, and its file if nothing else is in it. Raises NotFound."""
    path = _file_of(address, state)
    if path is None:
        raise NotFound(
            f"the source has no {address}", hint="it may have been removed already; see `reconcile status`"
        )
    seen = _present(writer, path)
    rest = without(seen.decode(), address)
    return FileChange(path, rest.encode() if rest else None, seen)


def _file_of(address: str, state: State) -> str | None:
    entry = state.entries.get(address)
    return entry.location.file if entry is not None and entry.location is not None else None


def _present(writer: Writer, path: str) -> bytes:
    seen = writer.read(path)
    if seen is None:
        raise NotFound(f"{path} is gone from the source", hint="read the source anew and try again")
    return seen


def _free(path: str, writer: Writer) -> str:
    taken = set(writer.paths())
    stem, dot, suffix = path.rpartition(".")
    number, free = 1, path
    while free in taken:
        number += 1
        free = f"{stem}-{number}{dot}{suffix}"
    return free

"""What a source of manifests is: a list of files with a stamp for each, and their bytes on demand.

A source only lists and reads: it knows neither YAML nor the cache, and imports nothing that would slow a plan
of unchanged files down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.errors import Problem

READ_BYTES = 2**20 + 1
"""Never more of a file is read: one byte beyond what the reader accepts, so that it can tell."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The manifests of a source at one moment.

    `files` maps each path (relative, `/` between folders, in order) to a stamp: equal stamps mean equal
    content, except for the paths in `unsettled`, which may be written again without their stamp moving.
    `refused` are files and folders that cannot be looked at, with the reason; what lies at or below them is
    unknown, not gone.
    """

    files: dict[str, bytes]
    unsettled: frozenset[str] = frozenset()
    refused: dict[str, Problem] = field(default_factory=dict)

    @property
    def fingerprint(self) -> bytes:
        """Equal fingerprints: the same paths with the same stamps, and the same refused ones. 32 bytes."""
        hashed = hashlib.sha256("\0".join(self.files).encode())
        hashed.update(b"\0\0")
        hashed.update(b"".join(self.files.values()))
        for path, problem in self.refused.items():
            hashed.update(f"\0{path}\0{problem}".encode())
        return hashed.digest()


def content_digest(data: bytes) -> bytes:
    """What identifies the content of a file. 16 bytes."""
    return hashlib.sha256(data).digest()[:16]


class Source(Protocol):
    """A place that holds manifests."""

    @property
    def key(self) -> str:
        """What tells this source from any other on this machine."""

    @property
    def commit(self) -> str:
        """The commit that is read; empty where there is none."""

    def describe(self) -> str:
        """The source as people know it."""

    def scan(self) -> Listing:
        """What there is now. Raises SourceError where the source as a whole cannot be listed."""

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        """Each path with its content (at most READ_BYTES of it), or with the reason why it cannot be read."""


class MemorySource:
    """Manifests held in memory: path -> content. For what is not on any disk yet, such as a proposal."""

    key = "memory"
    commit = ""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(files)

    def describe(self) -> str:
        return "manifests in memory"

    def scan(self) -> Listing:
        return Listing({path: content_digest(data) for path, data in sorted(self._files.items())})

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        for path in paths:
            yield path, self._files[path][:READ_BYTES]

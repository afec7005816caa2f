"""The cache of a program that stays: what is known of a source is held in memory, and never written.

It begins with what others have left on disk, so that a start costs no more than a command does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from reconciler.manifests.cache import Cache
from reconciler.manifests.kept import EntryRow, Index, Result


class Remembered(Cache):
    """Answers as the cache on disk does, of the newest load of this process."""

    _result: Result | None = None
    _index: Index | None = None

    def result(self) -> Result | None:
        if self._index is None:
            return super().result()
        return self._result

    def unsettled(self) -> dict[str, bytes]:
        if self._index is None:
            return super().unsettled()
        index = self._index
        return {path: f.content for path, f in index.files.items() if path not in index.settled and f.content}

    def settle(self, paths: Iterable[str]) -> None:
        if self._index is not None:
            self._index = replace(self._index, settled=frozenset(self._index.settled) | frozenset(paths))

    def index(self) -> Index | None:
        return super().index() if self._index is None else self._index

    def canonical(self, address: str, digest: str, file: str) -> str | None:
        if self._index is None:
            return super().canonical(address, digest, file)
        known = self._index.files.get(file)
        documents = known.documents if known is not None else ()
        return next((d.canonical for d in documents if (d.address, d.digest) == (address, digest)), None)

    def store(
        self, result: Result, index: Index, changed: Collection[str] = (), relinked: Collection[str] = ()
    ) -> None:
        self._result, self._index = result, index

    def aside(self, work: Callable[[], object]) -> None:
        """At once: there is nothing to write."""
        work()

    def pack(self, rows: Callable[[], bytes]) -> bytes:
        """Not at all: the documents themselves are at hand."""
        return b""

    def rows(self, result: Result) -> Iterable[EntryRow]:
        if self._index is None:
            return super().rows(result)
        held = frozenset(result.held)
        every = (d for file in self._index.files.values() for d in file.documents if d.address not in held)
        return (
            (d.address, d.digest, d.file, d.line, d.column) for d in sorted(every, key=lambda d: d.address)
        )

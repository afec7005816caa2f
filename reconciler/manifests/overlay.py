"""A source as it would be with some files changed: to judge a proposal before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import Problem
from reconciler.manifests.sources import READ_BYTES, Listing, Source, content_digest


class Overlay:
    """`files` are the changed ones: path -> content, None for a file that is gone."""

    def __init__(self, source: Source, files: Mapping[str, bytes | None]) -> None:
        self._source, self._files = source, dict(files)

    @property
    def key(self) -> str:
        return f"proposals to {self._source.key}"

    @property
    def commit(self) -> str:
        return self._source.commit

    def describe(self) -> str:
        return self._source.describe()

    def scan(self) -> Listing:
        listing = self._source.scan()
        files = {path: stamp for path, stamp in listing.files.items() if path not in self._files}
        files |= {path: content_digest(data) for path, data in self._files.items() if data is not None}
        return Listing(dict(sorted(files.items())), listing.unsettled - self._files.keys(), listing.refused)

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        asked = list(paths)
        yield from self._source.read(path for path in asked if path not in self._files)
        for path in asked:
            data = self._files.get(path)
            if data is not None:
                yield path, data[:READ_BYTES]

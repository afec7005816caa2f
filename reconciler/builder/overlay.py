"""A source with some files put over it: what the manifests would be if a draft were among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import Problem
from reconciler.manifests.sources import READ_BYTES, Listing, Source, content_digest


class OverlaySource:
    """`files` are contents by path; they win over those of the source."""

    def __init__(self, below: Source, files: Mapping[str, bytes]) -> None:
        self._below, self._files = below, dict(files)

    @property
    def key(self) -> str:
        return f"{self._below.key} with drafts"

    @property
    def commit(self) -> str:
        return self._below.commit

    def describe(self) -> str:
        return f"{self._below.describe()} with the draft"

    def scan(self) -> Listing:
        listing = self._below.scan()
        drafts = {path: content_digest(data) for path, data in self._files.items()}
        return Listing(
            dict(sorted({**listing.files, **drafts}.items())),
            listing.unsettled - drafts.keys(),
            {path: problem for path, problem in listing.refused.items() if path not in drafts},
        )

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        asked = [*paths]
        below = dict(self._below.read(path for path in asked if path not in self._files))
        for path in asked:
            yield path, self._files[path][:READ_BYTES] if path in self._files else below[path]

"""From a source to the state it wants. A source that has not changed is neither read nor parsed.

Everything imported here is light; what a changed source needs besides is imported once it is needed.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import SourceError
from reconciler.garbage import not_collected
from reconciler.manifests.cache import Cache
from reconciler.manifests.compiled import Loaded
from reconciler.manifests.kept import Index, Result
from reconciler.manifests.refresh import refresh, same_content
from reconciler.manifests.resolve import Resolved, resolve
from reconciler.manifests.sources import Listing, Source
from reconciler.manifests.workshop import Workshop
from reconciler.spec.state import Entry, Location, State, digest_of_entries

if TYPE_CHECKING:
    from reconciler.spec.codec import Spec

MANY = 500
"""From so many changed files on, what a load leaves behind is taken out of the garbage collector's sight."""


def load(source: Source, cache: Cache | None = None) -> Loaded:
    """What the source says now. Raises SourceError where it cannot be listed; all else wrong is returned."""
    listing = source.scan()
    result = cache.result() if cache else None
    if (
        cache
        and result
        and result.listing == listing.fingerprint
        and _content_is_as_kept(source, cache, listing)
    ):
        return _loaded(source, cache, result)
    with not_collected():
        return _load_changed(source, cache, listing)


def _content_is_as_kept(source: Source, cache: Cache, listing: Listing) -> bool:
    """Whether the files whose stamps prove nothing have the content they had."""
    kept = cache.unsettled()
    same = same_content(source, kept)
    if len(same) < len(kept):
        return False
    if settled := same - listing.unsettled:
        cache.settle(settled)
    return True


def _load_changed(source: Source, cache: Cache | None, listing: Listing) -> Loaded:
    workshop = Workshop(source)
    try:
        previous = cache.index() if cache else None
        if cache:
            cache.close()
        files = refresh(source, listing, previous, workshop.compile)
        resolved = resolve(files.files, previous, files.changed, workshop.link)
        result = _result(listing, resolved)
        if cache:
            generation = previous.generation if previous else ""
            index = Index(files.files, files.stamps, files.settled, resolved.linked, generation)
            cache.store(result, index, files.changed, resolved.relinked)
        if len(files.changed) > MANY:
            gc.freeze()
    finally:
        workshop.close()
    texts = {address: document.canonical for address, document in resolved.standing.items()}
    return _loaded(source, cache, result, texts, workshop.spec)


def _result(listing: Listing, resolved: Resolved) -> Result:
    entries = [[d.address, d.digest, d.file, d.line, d.column] for d in resolved.standing.values()]
    return Result(
        listing=listing.fingerprint,
        digest=digest_of_entries({address: d.digest for address, d in resolved.standing.items()}),
        files=len(listing.files),
        problems=resolved.problems,
        held=resolved.held,
        opaque=resolved.opaque,
        entries=json.dumps(entries),
    )


Made = Callable[[str, str], "Spec | None"]
"""Gives the spec of an address and a digest, if it has been made already."""


def _loaded(
    source: Source,
    cache: Cache | None,
    result: Result,
    texts: Mapping[str, str] | None = None,
    made: Made = lambda address, digest: None,
) -> Loaded:
    entries = _Entries(lambda: json.loads(result.entries))
    state = State(
        entries,
        _spec_loader(source, cache, entries, texts or {}, made),
        digest=result.digest,
        held=frozenset(result.held),
    )
    return Loaded(state, result.problems, result.files, source.commit, result.opaque)


class _Entries(Mapping[str, Entry]):
    """Entries by address, made of [address, digest, file, line, column] when they are first looked at."""

    def __init__(self, rows: Callable[[], Iterable[tuple[str, str, str, int, int]]]) -> None:
        self._rows = rows
        self._made: dict[str, Entry] | None = None

    @property
    def _entries(self) -> dict[str, Entry]:
        if self._made is None:
            rows = self._rows()
            self._made = {a: Entry(digest, Location(file, line, col)) for a, digest, file, line, col in rows}
        return self._made

    def __getitem__(self, address: str) -> Entry:
        return self._entries[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _spec_loader(
    source: Source, cache: Cache | None, entries: Mapping[str, Entry], texts: Mapping[str, str], made: Made
) -> Callable[[str], Spec]:
    """Loads specs from memory, the cache or their files: always the one of the entry's digest."""

    def spec(address: str) -> Spec:
        entry = entries[address]
        known = made(address, entry.digest)
        if known is not None:
            return known
        from reconciler.spec.codec import parse_canonical

        file = entry.location.file if entry.location else ""
        text = texts.get(address) or (cache.canonical(address, entry.digest, file) if cache else None)
        return parse_canonical(
            address.partition("/")[0], text or _text_in_source(source, address, entry, file)
        )

    return spec


def _text_in_source(source: Source, address: str, entry: Entry, file: str) -> str:
    for compiled in Workshop(source).compile([file]):
        for document in compiled.documents:
            if (document.address, document.digest) == (address, entry.digest):
                return document.canonical
    raise SourceError(f"{address} in {file} changed while it was being read", hint="run the command again")

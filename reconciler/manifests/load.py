"""From a source to the state it wants. A source that has not changed is neither read nor parsed.

Everything imported here is light; what a changed source needs besides is imported once it is needed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import SourceError
from reconciler.garbage import not_collected
from reconciler.manifests.cache import Cache
from reconciler.manifests.compiled import Compiled, Loaded
from reconciler.manifests.kept import EntryRow, Index, Result, packed, unpacked
from reconciler.manifests.pinned import Pinned
from reconciler.manifests.refresh import refresh, same_content
from reconciler.manifests.resolve import Resolved, resolve
from reconciler.manifests.sources import Listing, Source
from reconciler.manifests.workshop import Workshop
from reconciler.spec.state import Entry, Location, State, digest_of_entries

if TYPE_CHECKING:
    from reconciler.spec.codec import Spec

NOTHING_PINNED = Pinned()

MANY = 500
"""From so many files on, the cache is written in another process; and if as many have changed, what their load leaves
behind is taken out of the garbage collector's sight."""


def load(source: Source, cache: Cache | None = None, pinned: Pinned = NOTHING_PINNED) -> Loaded:
    """What the source says now. Raises SourceError where it cannot be listed; all else wrong is returned.

    `cache` is one for this very `pinned`: see `cache_key`.
    """
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
        return _load_changed(source, cache, listing, pinned)


def cache_key(source: Source, pinned: Pinned) -> str:
    """What is kept of a source was judged under the policies that were pinned then."""
    return f"{source.key} under {pinned.digest}" if pinned else source.key


def _content_is_as_kept(source: Source, cache: Cache, listing: Listing) -> bool:
    """Whether the files whose stamps prove nothing have the content they had."""
    kept = cache.unsettled()
    same = same_content(source, kept)
    if len(same) < len(kept):
        return False
    if settled := same - listing.unsettled:
        cache.settle(settled)
    return True


def _load_changed(source: Source, cache: Cache | None, listing: Listing, pinned: Pinned) -> Loaded:
    workshop = Workshop(source, pinned.policies)
    try:
        previous = cache.index() if cache else None
        if cache:
            cache.close()
        files = refresh(source, listing, previous, workshop.compile)
        resolved = resolve(files.files, previous, files.changed, workshop.link)
        result = _result(listing, resolved)
        if len(files.changed) > MANY:
            gc.freeze()
    finally:
        workshop.close()
    if cache:
        generation = previous.generation if previous else ""
        index = Index(files.files, files.stamps, files.settled, resolved.linked, generation)
        store = partial(_store, cache, result, index, files.changed, resolved)
        cache.aside(store) if len(files.files) > MANY else store()
    return _loaded(source, cache, result, resolved.standing)


def _store(cache: Cache, result: Result, index: Index, changed: Collection[str], resolved: Resolved) -> None:
    entries = cache.pack(lambda: packed(_rows(resolved.standing)))
    cache.store(replace(result, entries=entries), index, changed, resolved.relinked)


def _result(listing: Listing, resolved: Resolved) -> Result:
    return Result(
        listing=listing.fingerprint,
        digest=digest_of_entries({address: d.digest for address, d in resolved.standing.items()}),
        files=len(listing.files),
        problems=resolved.problems,
        held=resolved.held,
        opaque=resolved.opaque,
    )


def _rows(standing: Mapping[str, Compiled]) -> Iterator[EntryRow]:
    return ((d.address, d.digest, d.file, d.line, d.column) for d in standing.values())


def _loaded(
    source: Source,
    cache: Cache | None,
    result: Result,
    standing: Mapping[str, Compiled] | None = None,
) -> Loaded:
    """`standing` are the documents if they are at hand; otherwise they are kept in the cache."""
    entries = _Entries(lambda: _kept_rows(cache, result) if standing is None else _rows(standing))
    text = _text_loader(source, cache, entries, standing or {})
    state = State(entries, _spec_loader(text), digest=result.digest, held=frozenset(result.held), text=text)
    return Loaded(state, result.problems, result.files, source.commit, result.opaque)


def _kept_rows(cache: Cache | None, result: Result) -> Iterable[EntryRow]:
    return unpacked(result.entries) if cache is None else cache.rows(result)


class _Entries(Mapping[str, Entry]):
    """Entries by address, made of their rows when they are first looked at."""

    def __init__(self, rows: Callable[[], Iterable[EntryRow]]) -> None:
        self._rows = rows
        self._made: dict[str, Entry] | None = None

    @property
    def _entries(self) -> dict[str, Entry]:
        if self._made is None:
            rows = self._rows()
            self._made = {a: Entry(digest, Location(file, line, col)) for a, digest, file, line, col in rows}
        return self._made

    def __getitem__(self, address: str) -> Entry:
        return (self._made or self._entries)[address]

    def __contains__(self, address: object) -> bool:
        return address in (self._made or self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _text_loader(
    source: Source, cache: Cache | None, entries: Mapping[str, Entry], standing: Mapping[str, Compiled]
) -> Callable[[str], str]:
    """Finds canonical texts in memory, the cache or their files: always the one of the entry's digest."""

    def text(address: str) -> str:
        document = standing.get(address)
        return document.canonical if document else _kept_text(source, cache, address, entries[address])

    return text


def _spec_loader(text: Callable[[str], str]) -> Callable[[str], Spec]:
    """Makes specs of their canonical texts: the order of fields in a file must not show anywhere."""

    def spec(address: str) -> Spec:
        from reconciler.spec.codec import parse_canonical

        return parse_canonical(address.partition("/")[0], text(address))

    return spec


def _kept_text(source: Source, cache: Cache | None, address: str, entry: Entry) -> str:
    file = entry.location.file if entry.location else ""
    if cache and (text := cache.canonical(address, entry.digest, file)):
        return text
    for compiled in Workshop(source).compile([file]):
        for document in compiled.documents:
            if (document.address, document.digest) == (address, entry.digest):
                return document.canonical
    raise SourceError(f"{address} in {file} changed while it was being read", hint="run the command again")

"""The catalog as a source of manifests: what is live, with some manifests put in its place.

What is judged against it passes the very reader, checks and policies that files pass.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.errors import Problem
from reconciler.manifests.sources import READ_BYTES, Listing, content_digest

Reading = Callable[[], AbstractContextManager[Connection | None]]
"""A connection to a database with a catalog, None where there is none yet."""


class CatalogSource:
    """Live objects are files named by their address (`type/mail.json`) and stamped with their digest.

    `manifests` are files besides, by name; the live objects at the addresses in `replaced` are left out.
    """

    commit = ""

    def __init__(
        self,
        database: str,
        reading: Reading,
        manifests: Mapping[str, bytes],
        replaced: Collection[str],
    ) -> None:
        """`database` is its URL without the password."""
        self._database, self._reading = database, reading
        self._manifests, self._replaced = manifests, frozenset(replaced)

    @property
    def key(self) -> str:
        return f"catalog {self._database}"

    def describe(self) -> str:
        return f"the catalog of {self._database}"

    def scan(self) -> Listing:
        with self._reading() as connection:
            live = records.entries(connection) if connection is not None else {}
        files = {_path(a): digest.encode() for a, digest in live.items() if a not in self._replaced}
        files |= {name: content_digest(data) for name, data in self._manifests.items()}
        return Listing(dict(sorted(files.items())))

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        asked = [*paths]
        addresses = [_address(path) for path in asked if path not in self._manifests]
        with self._reading() as connection:
            live = records.spec_texts(connection, addresses) if connection is not None else {}
        for path in asked:
            if path in self._manifests:
                yield path, self._manifests[path][:READ_BYTES]
            elif _address(path) in live:
                yield path, live[_address(path)].encode()
            else:
                yield path, Problem("file-unreadable", "it is no longer in the catalog", path)


def _path(address: str) -> str:
    return f"{address}.json"


def _address(path: str) -> str:
    return path.removesuffix(".json")

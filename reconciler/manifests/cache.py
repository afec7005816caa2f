"""The cache of a source: a SQLite file in the user's cache folder.

Only ever a shortcut. A cache that is corrupt, locked, not ours or not writable is not used, and nothing
else happens. It holds the last result as a whole, for a source that has not changed, and each file and
document, for one that has.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from reconciler.manifests import kept
from reconciler.manifests.forked import aside
from reconciler.manifests.kept import EntryRow, Index, Result
from reconciler.manifests.program import program_digest
from reconciler.spec.state import digest_of

SCHEMA = 3
"""Layout of the file, as its `user_version`. A file with another one is thrown away."""
PATIENCE = 0.1
"""Seconds to wait for another process: working without the cache is better than waiting long for it."""


def cache_folder(chosen: Path | None = None) -> Path:
    """`chosen`, or `reconciler` in the user's cache folder."""
    if chosen is not None:
        return chosen
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification: a relative path is to be ignored.
    return (base if base.is_absolute() else Path("~/.cache").expanduser()) / "reconciler"


class Cache:
    """The cache of the source with this key. What goes wrong is told by `trouble`, never raised.

    A cache that could not be read is left alone from then on; one that could not be written is still read.
    """

    def __init__(self, folder: Path, key: str) -> None:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", key.rsplit("/", 1)[-1])[:40]
        self.path = folder / f"{name}-{hashlib.sha256(os.fsencode(key)).hexdigest()[:16]}.sqlite"
        self.trouble = ""
        self._readable = True
        self._texts: dict[int, dict[tuple[str, str], str]] = {}
        self._open: sqlite3.Connection | None = None

    def result(self) -> Result | None:
        """What the last load gave; None if nothing is kept, or not by this very program."""
        with self._tolerated(), self._reading() as connection:
            return kept.read_result(connection, program_digest())
        return None

    def unsettled(self) -> dict[str, bytes]:
        """Content digests of the files whose stamps cannot be trusted."""
        with self._tolerated(), self._reading() as connection:
            return dict(connection.execute("select path, content from unsettled"))
        return {}

    def settle(self, paths: Iterable[str]) -> None:
        """From now on the stamps of these files can be trusted."""
        with self._tolerated(), self._writing() as connection:
            connection.executemany("delete from unsettled where path = ?", [(path,) for path in paths])

    def index(self) -> Index | None:
        """What is known of every file; None if nothing is kept, or not by this very program."""
        with self._tolerated(), self._reading() as connection:
            connection.execute("begin")
            try:
                generation = kept.generation_of(connection, program_digest())
                return kept.read_index(connection, generation) if generation else None
            finally:
                connection.execute("rollback")
        return None

    def canonical(self, address: str, digest: str, file: str) -> str | None:
        """The canonical text of a document of a file; None if none of that digest is kept."""
        with self._tolerated():
            bundle = kept.bundle_of(file)
            if bundle not in self._texts:
                with self._reading() as connection:
                    self._texts[bundle] = kept.read_texts(connection, bundle)
            text = self._texts[bundle].get((address, digest))
            return text if text is not None and digest_of(text) == digest else None
        return None

    def store(
        self, result: Result, index: Index, changed: Collection[str] = (), relinked: Collection[str] = ()
    ) -> None:
        """Replaces what is kept.

        An index that did not come from here is written as a whole. Of one that did, only the paths in
        `changed` are written or deleted, and the problems of joining the addresses in `relinked`; and if
        another process has stored something since it was read, that stands and nothing is written.
        """
        with self._tolerated(), self._writing() as connection:
            if not index.generation:
                kept.write_index(connection, index)
            elif index.generation == kept.generation_of(connection, program_digest()):
                kept.update_index(connection, index, changed, relinked)
            else:
                return
            kept.write_result(connection, program_digest(), result)

    def rows(self, result: Result) -> Iterable[EntryRow]:
        """The entries of a result that this cache gave."""
        return kept.unpacked(result.entries)

    def pack(self, rows: Callable[[], bytes]) -> bytes:
        """The entries of a result as they are to be kept."""
        return rows()

    def aside(self, work: Callable[[], object]) -> None:
        """Does a work on this cache while this process goes on, as far as it does not use the same file."""
        self.close()
        _in_use[self.path] = aside(work)

    def close(self) -> None:
        """Lets go of the file until it is used again. Due before a fork: connections must not be shared."""
        if self.path in _in_use:
            _in_use.pop(self.path)()
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    @contextlib.contextmanager
    def _tolerated(self) -> Iterator[None]:
        try:
            yield
        except _NotInUse:
            return
        except (sqlite3.Error, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            self.close()
            self.trouble = f"{self.path}: {error}"
            if getattr(error, "sqlite_errorname", "") in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
                self._discard()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._readable:
            raise _NotInUse
        try:
            connection = self._connection(create=False)
            if _schema_of(connection) != SCHEMA:
                raise _NotInUse
            yield connection
        except _NotInUse:
            raise
        except Exception:
            self._readable = False
            raise

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection(create=True)
        if _schema_of(connection) not in (0, SCHEMA):
            self._discard()
            connection = self._connection(create=True)
        connection.execute("begin immediate")
        try:
            if _schema_of(connection) != SCHEMA:
                for statement in kept.TABLES:
                    connection.execute(statement)
                connection.execute(f"pragma user_version = {SCHEMA}")
            yield connection
            connection.execute("commit")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("rollback")
            raise

    def _connection(self, *, create: bool) -> sqlite3.Connection:
        if self._open is None:
            self.close()
            try:
                owner = self.path.stat().st_uid
            except FileNotFoundError:
                if not create:
                    raise _NotInUse from None
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            else:
                if owner not in (0, os.geteuid()):
                    raise PermissionError("it belongs to another user")
            # A state may be used in another thread than it was loaded in; SQLite serialises the calls.
            self._open = sqlite3.connect(
                self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
        return self._open

    def _discard(self) -> None:
        """Deletes the file, its journal first: that would otherwise be played into the next file."""
        self.close()
        for path in (self.path.with_name(self.path.name + "-journal"), self.path):
            with contextlib.suppress(OSError):
                path.unlink()


_in_use: dict[Path, Callable[[], None]] = {}
"""Files that another process of ours works on, with what waits for its end."""


class _NotInUse(Exception):  # not an error: there is simply no cache
    """Nothing is kept, or the cache is left alone."""


def _schema_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("pragma user_version").fetchone()[0])

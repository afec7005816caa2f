"""What wakes a controller: a folder that changed, anybody who rings here, or rings elsewhere by way of the database.

Neither has to be complete: whoever wakes looks at the whole source anyway, and looks now and then without being
woken. An event that is lost, as when too many come at once, only costs time.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

import structlog

from reconciler.database.connection import Connection
from reconciler.database.doorbell import SOURCE, doorbell
from reconciler.errors import ReconcilerError

DEBOUNCE = 200
"""Milliseconds that a stream of changes is gathered for at most."""
QUIET = 20
"""Milliseconds without any further change after which those that came are told."""
ROOT_CHECK = 1.0
"""Seconds between two looks whether the watched folder is still the one of that name."""
MOST = 60.0
"""Seconds after which a connection that says nothing is asked whether it is still there."""
AGAIN = 2.0
"""Seconds until a database that could not be listened to is tried again."""

_log = structlog.get_logger(__name__)


class Bell:
    """Rung by any thread or signal handler, heard by one."""

    def __init__(self) -> None:
        self._hears, self._tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._reasons: set[str] = set()

    def ring(self, reason: str) -> None:
        # A pipe, since a lock could be the very one that the interrupted thread holds.
        self._reasons.add(reason)
        with suppress(BlockingIOError):  # full: it rings already
            os.write(self._tells, b".")

    def wait(self, seconds: float) -> frozenset[str]:
        """Why it was rung since it was last heard; empty if nobody rang for so long."""
        select.select([self._hears], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            while os.read(self._hears, 4096):
                pass
        heard = frozenset(self._reasons)
        self._reasons.difference_update(heard)
        return heard


class Watcher(Protocol):
    """Rings a bell from a thread of its own, between `start` and `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class DatabaseListener:
    """Rings when somebody has rung for the controller in its database, as a server does that was told of a push."""

    def __init__(self, connect: Callable[[], Connection], bell: Bell) -> None:
        self._connect, self._bell = connect, bell
        self._over = threading.Event()
        self._hears, self._tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        os.write(self._tells, b".")
        self._thread.join(timeout=AGAIN)

    def _run(self) -> None:
        heard_before = False
        while not self._over.is_set():
            try:
                with self._connect() as connection:
                    self._listen(connection, missed=heard_before)
            except ReconcilerError as error:  # no database yet, no catalog in it, or it went away
                _log.debug("not listening", code=error.code, message=error.message)
                heard_before = True
                self._over.wait(AGAIN)

    def _listen(self, connection: Connection, *, missed: bool) -> None:
        with closing(doorbell(connection, SOURCE)) as door:
            if missed:
                self._bell.ring("webhook")
            waited_for = [one for one in (self._hears, door.fileno()) if one is not None]
            while not self._over.is_set():
                select.select(waited_for, [], [], min(door.interval, MOST))
                if door.rang():
                    self._bell.ring("webhook")


class FolderWatcher:
    """Rings when anything below a folder changes. A folder that is not there, or is replaced by another of its name,
    is watched from the moment it is there."""

    def __init__(self, folder: str | Path, bell: Bell) -> None:
        self._folder, self._bell = Path(folder), bell
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(timeout=2 * ROOT_CHECK)

    def _run(self) -> None:
        while not self._over.is_set():
            root = _identity(self._folder)
            if root is None:
                self._over.wait(ROOT_CHECK / 4)
                continue
            # Whatever happened while nobody watched.
            self._bell.ring("watching")
            try:
                self._watch(root)
            except (OSError, RuntimeError) as error:  # the folder went, or the system gives no more watches
                _log.warning("folder not watched", folder=str(self._folder), error=str(error))
                self._over.wait(ROOT_CHECK)

    def _watch(self, root: tuple[int, int]) -> None:
        """Until the folder is another one, or holds other folders: of those that came while events were dropped, nobody
        would ever tell anything."""
        from watchfiles import watch

        known = _folders(self._folder)
        changes = watch(
            self._folder.resolve(),
            watch_filter=None,
            debounce=DEBOUNCE,
            step=QUIET,
            rust_timeout=int(ROOT_CHECK * 1000),
            yield_on_timeout=True,
            stop_event=self._over,
            raise_interrupt=False,
        )
        doubtful_since = 0.0
        for found in changes:
            if found:
                self._bell.ring("changed")
                doubtful_since = doubtful_since or time.monotonic()
            if _identity(self._folder) != root:
                self._bell.ring("replaced")
                return
            if doubtful_since and (not found or time.monotonic() - doubtful_since > ROOT_CHECK):
                if _folders(self._folder) != known:
                    return  # watched anew, and rung for
                doubtful_since = 0.0


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _folders(root: Path) -> dict[str, int]:
    """The inode of each folder below, but for hidden ones. One that goes meanwhile is left out."""
    found: dict[str, int] = {}
    pending = [os.fspath(root)]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name[0] != "." and entry.is_dir(follow_symlinks=False):
                    found[entry.path] = entry.inode()
                    pending.append(entry.path)
    return found

"""What wakes a controller: a folder that changed, or anybody who rings.

Neither has to be complete: whoever wakes looks at the whole source anyway, and looks now and then without being
woken. An event that is lost, as when too many come at once, only costs time.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from pathlib import Path

import structlog

DEBOUNCE = 200
"""Milliseconds that a stream of changes is gathered for at most."""
QUIET = 20
"""Milliseconds without any further change after which those that came are told."""
ROOT_CHECK = 1.0
"""Seconds between two looks whether the watched folder is still the one of that name."""

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
        """Until the folder is another one."""
        from watchfiles import watch

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
        for found in changes:
            if found:
                self._bell.ring("changed")
            if _identity(self._folder) != root:
                self._bell.ring("replaced")
                return


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

"""An apply in a process of its own, which dies or stands still where a test tells it to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Literal

# What an apply imports on its way: the fork server has it loaded, so that a child costs milliseconds.
import reconciler.control.applying
import reconciler.control.observing
import reconciler.control.writing
import reconciler.database.postgres_connection
import reconciler.database.sqlite_connection
import reconciler.manifests.reader  # noqa: F401
from reconciler.bootstrap import open_reconciler
from reconciler.errors import ReconcilerError
from reconciler.settings import Settings

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])

PATIENCE = 30.0
"""Seconds after which a child that says nothing is taken for hung."""


@dataclass(frozen=True)
class Fault:
    """What happens when the apply comes to `point` for the `occurrence`-th time."""

    point: str
    occurrence: int = 1
    deed: Literal["die", "wait"] = "die"

    def __str__(self) -> str:
        return f"{self.point} #{self.occurrence}"


class Applier:
    """A child that plans and applies. Its exit code is that of the command line, or -9 if it was killed."""

    def __init__(self, settings: Settings, allow: Sequence[str] = (), fault: Fault | None = None) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self.process: BaseProcess = _CONTEXT.Process(target=_apply, args=(settings, allow, fault, theirs))
        self.process.start()
        theirs.close()

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is None:
            self.kill()
            raise AssertionError("the apply hangs")
        return code

    def waits(self) -> None:
        """Returns once it stands still at its fault."""
        assert self._pipe.poll(PATIENCE), "the apply never came to the point"
        self._pipe.recv()

    def go_on(self) -> None:
        self._pipe.send("go on")

    def kill(self) -> None:
        self.process.kill()
        self.process.join(PATIENCE)


def _apply(settings: Settings, allow: Sequence[str], fault: Fault | None, pipe: Connection) -> None:
    seen = 0

    def checkpoint(point: str, done: int, total: int) -> None:
        nonlocal seen
        if fault is None or point != fault.point:
            return
        seen += 1
        if seen != fault.occurrence:
            return
        if fault.deed == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        pipe.send(point)
        pipe.recv()

    try:
        with open_reconciler(settings, create=True) as reconciler:
            outcome = reconciler.apply(reconciler.plan(), allow=allow, progress=checkpoint)
    except ReconcilerError as error:
        sys.exit(error.exit_status)
    sys.exit(1 if outcome.failed else 0)

"""The loop: who holds the lease makes one pass at a time, whenever there is a reason to, until told to stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

import structlog

from reconciler.control.controller.passes import Passes, Report
from reconciler.control.controller.waking import Bell, Watcher
from reconciler.control.keeping import RENEWALS, kept_alive
from reconciler.database.conditions import LEADER, Condition
from reconciler.database.connection import Connection
from reconciler.database.lease import Lease, acquire
from reconciler.errors import DatabaseError, Locked, ReconcilerError, StalePlan

SECOND_LOOK = 2.1
"""Seconds after an event until one more look: by then the times of what was written can be trusted."""
SLICE = 0.05
"""Seconds of checkups between two looks at the bell."""
LONGEST_PAUSE = 60.0
"""Seconds between two attempts to reach a database that does not answer, at most."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds. `interval` is how often the source is looked at without being asked to, give or take a fifth;
    `lease` how long a holder that says nothing keeps others out."""

    interval: float = 30.0
    lease: float = 30.0


class Controller:
    """`connect` is called again after the database was lost. `told` hears of every pass, and how things stand then."""

    def __init__(
        self,
        connect: Callable[[], AbstractContextManager[Connection]],
        passes: Passes,
        bell: Bell,
        *,
        holder: str,
        timing: Timing | None = None,
        watchers: Sequence[Watcher] = (),
        told: Callable[[Report, Collection[Condition]], None] | None = None,
    ) -> None:
        self._connect, self._passes, self._bell = connect, passes, bell
        self._holder, self._watchers, self._told = holder, watchers, told
        self._timing = timing or Timing()
        self._lease: Lease | None = None
        self._stopped = False
        self._due = 0.0

    def stop(self) -> None:
        """The pass that runs ends after its unit, and is the last. May be called from a signal handler."""
        self._stopped = True
        self._bell.ring("stop")

    def wake(self, reason: str = "asked") -> None:
        """Have a pass made now. May be called from any thread."""
        self._bell.ring(reason)

    @property
    def stopped(self) -> bool:
        return self._stopped

    def run(self, *, once: bool = False) -> Report | None:
        """Until stopped; with `once`, one pass as soon as the lease is there. The last pass that was made."""
        if once:
            return self._run(once=True)
        for watcher in self._watchers:
            watcher.start()
        try:
            return self._run(once=False)
        finally:
            for watcher in self._watchers:
                watcher.stop()

    def _run(self, *, once: bool) -> Report | None:
        failures, report = 0, None
        while not self._stopped:
            try:
                with self._connect() as connection:
                    report = self._serve(connection, once=once)
                    failures = 0
                    if once and report is not None:
                        return report
            except DatabaseError as error:
                failures += 1
                pause = min(LONGEST_PAUSE, 2.0 ** min(failures, 8) / 2) * random.uniform(0.8, 1.2)
                _log.error("database failed", code=error.code, message=error.message, again=round(pause, 1))
                self._lease = None
                self._wait(pause)
        return report

    # --- leading ----------------------------------------------------------------------------------------------

    def _serve(self, connection: Connection, *, once: bool) -> Report | None:
        report: Report | None = None
        try:
            while not self._stopped:
                if not self._leads(connection):
                    self._wait(self._timing.lease / RENEWALS)
                    continue
                try:
                    report = self._turn(connection) or report
                except Locked as error:
                    self._lost(error)
                if once and report is not None:
                    self._finish_checkups(connection)
                    break
        finally:
            self._release(connection)
        return report

    def _leads(self, connection: Connection) -> bool:
        try:
            if self._lease is None:
                self._lease = acquire(connection, LEADER, holder=self._holder, ttl=self._timing.lease)
                self._passes.forget()
                self._due = 0.0
                _log.info("leading", holder=self._holder, token=self._lease.token)
        except Locked as error:
            _log.debug("standing by", message=error.message)
        return self._lease is not None

    def _lost(self, error: Locked) -> None:
        """Somebody else leads, or applies by hand: then this one only waits."""
        if repr(LEADER) in error.message:
            _log.warning("no longer leading", message=error.message)
            self._lease = None
        else:
            _log.info("waiting", message=error.message)
            self._due = time.monotonic() + 1.0

    def _release(self, connection: Connection) -> None:
        if self._lease is not None:
            with suppress(ReconcilerError):
                self._lease.release(connection)
            self._lease = None

    # --- one turn ---------------------------------------------------------------------------------------------

    def _turn(self, connection: Connection) -> Report | None:
        """A pass if one is due, else some checkups, else a rest."""
        assert self._lease is not None, "only who leads has turns"
        heard = self._bell.wait(0.0)
        if heard & EVENTS or time.monotonic() >= self._due:
            report = self._pass(connection, self._lease)
            if heard & EVENTS:
                self._due = min(self._due, time.monotonic() + SECOND_LOOK)
            return report
        if self._passes.checkups_pending:
            self._passes.check_up(connection, self._lease, time.monotonic() + SLICE)
            return None
        rest = min(self._due - time.monotonic(), self._timing.lease / RENEWALS)
        for reason in self._bell.wait(rest):
            self._bell.ring(reason)
        if not self._stopped:
            self._lease = self._lease.renew(connection)
        return None

    def _finish_checkups(self, connection: Connection) -> None:
        while self._lease is not None and self._passes.checkups_pending and not self._stopped:
            self._passes.check_up(connection, self._lease, time.monotonic() + SLICE)

    def _pass(self, connection: Connection, lease: Lease) -> Report:
        with kept_alive(connection, lease):
            try:
                report = self._passes.run(connection, lease)
            except StalePlan as error:
                _log.info("overtaken", message=error.message)
                report = Report(again=0.2)
        pause = self._timing.interval * random.uniform(0.8, 1.2)
        self._due = time.monotonic() + (pause if report.again is None else min(pause, report.again))
        if self._told is not None:
            self._told(report, self._passes.known)
        return report

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopped and (left := until - time.monotonic()) > 0:
            self._bell.wait(left)


EVENTS = frozenset({"changed", "replaced", "watching", "webhook", "asked"})

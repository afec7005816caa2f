"""A controller as a process of its own, followed by what it leaves in the database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from reconciler.database import conditions, records
from reconciler.database.connection import connect
from reconciler.database.upgrade import has_catalog
from tests.acceptance.command_line import PROGRAM

PATIENCE = 60.0


class Controlled:
    """`reconcile --watch` over a source and a database. Killed at the end, however that comes."""

    def __init__(
        self, source: str | Path, database: str, folder: Path, *options: str, **environment: str
    ) -> None:
        self.log = folder / f"controller-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--watch", "--source", str(source), "--database", database, "--json", *options],
                cwd=folder,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(folder),
                    "RECONCILER_CACHE_DIR": str(folder / f"cache-{time.monotonic_ns()}"),
                    "RECONCILER_LEASE_SECONDS": "3",
                    "RECONCILER_ACTOR": "controller",
                    **environment,
                },
                stderr=log,
            )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> int:
        """As an operator does; the exit code."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Controlled:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        told = self.log.read_text()
        assert "Traceback" not in told, told


def digests(database: str) -> dict[str, str]:
    """What is in place, by address."""
    with connect(database, create=False) as connection:
        return records.entries(connection) if has_catalog(connection) else {}


def condition(database: str, address: str) -> conditions.Condition | None:
    with connect(database, create=False) as connection:
        return conditions.recorded(connection, address).get(address) if has_catalog(connection) else None


def wait_until(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """What `holds` gives once it is true; fails the test where it never is."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except Exception as error:  # a database that is not there yet, or locked
            if time.monotonic() > end - 1:
                raise AssertionError(f"{what}: {error}") from error
        time.sleep(0.05)
    raise AssertionError(f"not within {patience:.0f} s: {what}")


__all__ = ["Controlled", "condition", "digests", "wait_until"]

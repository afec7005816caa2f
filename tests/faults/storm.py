"""Workers as processes that are shot at, and what must be true when the storm is over."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.agents.static import StaticAgents
from reconciler.database.connection import Connection, connect
from reconciler.database.tasks import NewTask
from reconciler.execution.tasks import TaskQueue
from tests.faults.static_counter import StaticCounter
from tests.integration.tallies import check_tallies

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).with_name("reconcile"))
CLAIM_SECONDS = "2"
"""Long enough for every task of these tests, so short that a storm is soon over."""


def install_static_agents(folder: Path) -> Path:
    """A folder for PYTHONPATH in which a package is installed that brings the agent `static-counter`."""
    metadata = folder / "static_counter-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: static-counter\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[reconciler.agents]\nstatic-counter = tests.faults.static_counter:StaticCounter\n"
    )
    return folder


def environment(folder: Path, url: str, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(install_static_agents(folder / "installed"))])
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": path,
        "RECONCILER_DATABASE_URL": url,
        "RECONCILER_CLAIM_SECONDS": CLAIM_SECONDS,
        "RECONCILER_LOG_FORMAT": "json",
        **more,
    }


class Fighter:
    """A worker, or what works beside one, in a process, started anew whenever it has been killed."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._command, self._environment = command, environment
        self._log = log.open("ab")
        self._process = self._start()

    def kill(self) -> None:
        """At once, with nothing said, as a power cut would; then it is there again."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    @property
    def runs(self) -> bool:
        """Whether it is still the one that was started, or started anew here."""
        return self._process.poll() is None

    def descendants(self) -> list[int]:
        """Processes below it, as far as they still are."""
        return [*_below(self._process.pid)]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )


def _below(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _below(int(child))


@contextmanager
def fighting(fighters: Sequence[Fighter]) -> Iterator[None]:
    try:
        yield
    finally:
        for fighter in fighters:
            fighter.stop()


def submit(connection: Connection, count: int) -> None:
    """So many tasks, one in four for the static agent. Attempts enough for all that will be shot at them."""
    static = StaticAgents(StaticCounter)
    new = [
        NewTask("static-counter" if number % 4 == 3 else "counter", {"number": number}, max_attempts=50)
        for number in range(count)
    ]
    TaskQueue(connection, static).submit_all(new)


def rage(
    url: str,
    deeds: Sequence[Callable[[], None]],
    *,
    seed: int,
    patience: float,
    pause: float = 0.5,
    most: int = 60,
) -> int:
    """Do deeds at random moments until all tasks have ended; how many were done. `most` of them, so that a storm ends;
    `pause` is the longest time between two, in which a worker should get to work again."""
    chance = random.Random(seed)
    end = time.monotonic() + patience
    strike_at = time.monotonic() + chance.uniform(0.2, 1) * pause
    done = 0
    with connect(url) as db:
        while _unended(db):
            assert time.monotonic() < end, f"{_unended(db)} tasks have not ended after {patience} s"
            time.sleep(0.1)
            # Attempts wait longer and longer; here that would only make the storm longer.
            db.execute("UPDATE tasks SET not_before = submitted_at WHERE state = 'pending'")
            if done < most and time.monotonic() >= strike_at:
                chance.choice(deeds)()
                strike_at = time.monotonic() + chance.uniform(0.2, 1) * pause
                done += 1
    return done


def shots(fighters: Sequence[Fighter], seed: int) -> list[Callable[[], None]]:
    """Kill a worker; kill something below one, as often again."""
    chance = random.Random(seed)

    def kill_worker() -> None:
        chance.choice(fighters).kill()

    def kill_something_below() -> None:
        below = chance.choice(fighters).descendants()
        if below:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(below), signal.SIGKILL)

    return [kill_worker, kill_something_below, kill_something_below]


def check(url: str, count: int) -> None:
    """All have ended once, all have succeeded, and each has exactly its rows."""
    with connect(url) as db:
        static = db.execute("SELECT id, state, output FROM tasks WHERE agent = 'static-counter'")
        states = db.execute("SELECT state, count(*) FROM tasks GROUP BY state")
    assert states == [("succeeded", count)]
    assert len(static) == count // 4
    check_tallies(url, count - count // 4)


def _unended(db: Connection) -> int:
    ((count,),) = db.execute("SELECT count(*) FROM tasks WHERE state IN ('pending', 'running')")
    return int(count)

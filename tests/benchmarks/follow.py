"""`python -m tests.benchmarks.follow WAY SOURCE DATABASE COUNT`: how long a saved manifest takes to be in force.

WAY is `saved`: the median over COUNT saves, from the write to the revision that a controller has finished; `event`: the
same by the bare watcher, until it says that something changed, and a stat of every file; `idle`: seconds of processor
that a controller uses in COUNT seconds in which nothing happens. The number stands in the last line.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from reconciler.database.connection import Connection, connect

PATIENCE = 60.0
PAUSE = 2.5
"""Seconds between two saves, so that each finds a controller at rest, its second look included."""
SETTLED = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    way, source, database, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if way == "event":
        print(f"{_event(source, count):.6f}")
        return
    command = [str(Path(sys.executable).with_name("reconcile")), "--watch", "--source", str(source)]
    controller = subprocess.Popen([*command, "--database", database], stderr=subprocess.DEVNULL)
    try:
        time.sleep(SETTLED)
        rest(controller.pid)
        print(f"{_saved(source, database, count) if way == 'saved' else _idle(controller.pid, count):.6f}")
    finally:
        controller.terminate()
        controller.wait()


def _saved(source: Path, database: str, count: int) -> float:
    taken = []
    with connect(database, create=False) as connection:
        for number in range(count):
            before, begun = newest(connection), time.perf_counter()
            save(source, number)
            while newest(connection) == before:
                if time.perf_counter() - begun > PATIENCE:
                    raise SystemExit("the controller applied nothing")
                time.sleep(0.001)
            taken.append(time.perf_counter() - begun)
            time.sleep(PAUSE)
    return statistics.median(taken)


def newest(connection: Connection) -> int:
    rows = connection.execute("SELECT max(number) FROM revisions WHERE finished_at IS NOT NULL")
    return int(rows[0][0] or 0)


def save(source: Path, number: int) -> None:
    """Another type each time gets a title that it never had, and the version that goes with it."""
    files = sorted((source / "types").glob("*.yaml"))
    file = files[number % len(files)]
    text = re.sub(r"(?m)^  version: (\d+)\.(\d+)\..*$", _raised, file.read_text(), count=1)
    file.write_text(re.sub(r"(?m)^  title: .*$", f"  title: Saved at {time.time_ns()}", text, count=1))


def _raised(version: re.Match[str]) -> str:
    return f"  version: {version[1]}.{int(version[2]) + 1}.0"


def _event(source: Path, count: int) -> float:
    from watchfiles import watch

    told, over, taken = threading.Event(), threading.Event(), []

    def listen() -> None:
        for _ in watch(source, step=20, debounce=200, stop_event=over, watch_filter=None):
            for _, _, names in os.walk(source):
                del names
            [entry.stat() for folder in source.iterdir() for entry in os.scandir(folder)]
            told.set()

    threading.Thread(target=listen, daemon=True).start()
    time.sleep(1)
    for number in range(count):
        told.clear()
        begun = time.perf_counter()
        save(source, number)
        told.wait(PATIENCE)
        taken.append(time.perf_counter() - begun)
        time.sleep(0.3)
    over.set()
    return statistics.median(taken)


def _idle(pid: int, seconds: int) -> float:
    before = _processor(pid)
    time.sleep(seconds)
    return _processor(pid) - before


def rest(pid: int) -> None:
    """Until what a controller looks after at its start is done."""
    end, before = time.monotonic() + 2 * PATIENCE, _processor(pid)
    while time.monotonic() < end:
        time.sleep(3)
        if (now := _processor(pid)) - before < 0.15:
            return
        before = now


def _processor(pid: int) -> float:
    """Seconds of processor that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


if __name__ == "__main__":
    main()

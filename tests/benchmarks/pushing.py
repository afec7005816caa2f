"""`python -m tests.benchmarks.pushing WAY SOURCE DATABASE COUNT`: how long a push takes to be in force.

The manifests of SOURCE are committed to a bare repository behind an HTTP server on loopback. WAY is `applied`: the
median over COUNT pushes, from the start of `git push` to the revision that a controller has finished, which was woken
by the signed webhook that another process, `reconcile serve`, was sent; the controller itself asks once an hour. `git`:
the same pushes, until a mirror has fetched them and `git ls-tree` has listed them. The number stands in the last line.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from reconciler.database.connection import Connection, connect
from tests.acceptance.command_line import PROGRAM
from tests.acceptance.pushes import tell, told_of_pushes
from tests.benchmarks.follow import newest, rest, save
from tests.git_server import serving
from tests.repository import Repository

PATIENCE = 60.0
PAUSE = 2.5


def main() -> None:
    way, source, database, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    with tempfile.TemporaryDirectory(prefix="reconciler-pushing-") as folder, ExitStack() as stack:
        work = Repository(Path(folder) / "work")
        shutil.copytree(source, work.folder / "agents.d")
        work.commit({})
        bare = work.bare_copy(Path(folder) / "repositories" / "agents.git")
        server = stack.enter_context(serving(bare.parent))
        if way == "git":
            print(f"{_git(work, f'{server.url}/agents.git', Path(folder) / 'mirror.git', count):.6f}")
            return
        address = f"git+{server.url}/agents.git@main#agents.d"
        port = stack.enter_context(told_of_pushes(address, database, Path(folder)))
        controller = subprocess.Popen(
            [PROGRAM, "--watch", "--source", address, "--database", database, "--interval", "3600"],
            stderr=subprocess.DEVNULL,
        )
        stack.callback(controller.wait)
        stack.callback(controller.terminate)
        time.sleep(8)
        rest(controller.pid)
        with connect(database, create=False) as connection:
            print(f"{_applied(work, port, connection, count):.6f}")


def _applied(work: Repository, port: int, connection: Connection, count: int) -> float:
    def until_applied(commit: str, before: int) -> None:
        tell(port, commit)
        end = time.perf_counter() + PATIENCE
        while newest(connection) == before:
            if time.perf_counter() > end:
                raise SystemExit("the controller applied nothing")
            time.sleep(0.001)

    return _median(work, count, lambda: newest(connection), until_applied)


def _git(work: Repository, url: str, mirror: Path, count: int) -> float:
    work.git("init", "--quiet", "--bare", str(mirror))
    fetch = ("-C", str(mirror), "fetch", "--quiet", "--depth=1", "--no-tags", "--force", url, "main:refs/it")
    work.git(*fetch)

    def until_listed(commit: str, before: int) -> None:
        work.git("-C", str(mirror), "ls-remote", "--quiet", url, "main")
        work.git(*fetch)
        work.git("-C", str(mirror), "ls-tree", "-r", "refs/it")

    return _median(work, count, lambda: 0, until_listed)


def _median(
    work: Repository, count: int, before: Callable[[], int], until: Callable[[str, int], None]
) -> float:
    taken = []
    for number in range(count):
        save(work.folder / "agents.d", number)
        commit = work.commit({})
        known, begun = before(), time.perf_counter()
        work.git("push", "--quiet", "origin", "main")
        until(commit, known)
        taken.append(time.perf_counter() - begun)
        time.sleep(PAUSE)
    return statistics.median(taken)


if __name__ == "__main__":
    main()

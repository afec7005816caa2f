"""A process that claims and ends tasks until it is killed, and says of each end that it was acknowledged."""

from __future__ import annotations

import os
import sys

from reconciler.database.connection import connect
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.tasks import Ended, claim, finish
from reconciler.spec.task import TaskResult
from reconciler.tools.rows import TaskRows
from tests.integration.notes import NOTES

TOGETHER = 7


def main(url: str) -> None:
    """Two notes for each task, whose texts are unique: writing them a second time would fail."""
    worker = f"pid {os.getpid()}"
    with connect(url) as db, connect(url) as for_host:
        host = DatabaseHost(for_host)
        os.write(1, b"ready\n")
        while True:
            ended = []
            for claimed in claim(db, worker, TOGETHER, ttl=0.05):
                rows = TaskRows(host, NOTES, "ann", claimed.task.id)
                for text in (f"{claimed.task.id} one", f"{claimed.task.id} two"):
                    rows.write("note", "insert", (), {"text": text})
                ended.append(Ended(claimed, TaskResult({}, tuple(rows.writes), output_row=1)))
            for finished in finish(db, ended):
                if not finished.lost:
                    os.write(1, f"{finished.id} {finished.state}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])

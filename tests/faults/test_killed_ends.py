"""kill -9 of whoever ends tasks: what it acknowledged is there, and nothing is there twice or by half."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from reconciler.database.connection import connect
from tests.integration.notes import deploy_notes, rows_of, states, submitted

KILLS, TASKS = 5, 4000
ROOT = Path(__file__).parents[2]


def test_what_was_acknowledged_survives_and_every_row_belongs_to_a_success(database_url: str) -> None:
    with connect(database_url) as db:
        deploy_notes(db)
        ids = submitted(db, count=TASKS, max_attempts=100)
        said: list[str] = []
        for turn in range(KILLS):
            said += _until_killed(database_url, random.Random(turn).uniform(0.0, 0.15))
        now, rows = states(db), rows_of(db)
    acknowledged = [line.split() for line in said if line.count(" ")]
    succeeded = {id_ for id_, state in now.items() if state == "succeeded"}
    assert set(now) == set(ids)
    assert len(acknowledged) > KILLS
    assert len({id_ for id_, _ in acknowledged}) == len(acknowledged), "a task was said to have ended twice"
    assert {id_ for id_, state in acknowledged if state == "succeeded"} <= succeeded
    assert rows == {id_: [f"{id_} one", f"{id_} two"] for id_ in succeeded}
    assert set(now.values()) <= {"succeeded", "running", "pending"}


def _until_killed(url: str, seconds: float) -> list[str]:
    """The lines that somebody wrote who was killed that long after they began."""
    command = [sys.executable, "-m", "tests.faults.finisher", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.kill()
        # The last line may be cut short where the process was.
        return process.stdout.read().rpartition("\n")[0].splitlines()

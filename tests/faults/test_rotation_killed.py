"""kill -9 of a rotation of keys, under load: every row stays readable, and the next rotation ends the work."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from reconciler.database.connection import Connection, connect
from reconciler.database.encryption import Keyring, key_of
from reconciler.database.rotation import rotate
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.queries import RowQuery, every_row
from tests.faults.rotator import BOTH, NEW, OLD
from tests.integration.test_encrypted_fields import deploy_recorded, insert

ROWS, KILLS = 600, 4
ROOT = Path(__file__).parents[2]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy_recorded(opened)
        for number in range(ROWS):
            insert(opened, {"text": f"secret {number}"}, Keyring({"k1": OLD}))
        yield opened


def texts(connection: Connection, ring: Keyring) -> list[str]:
    model = LiveModels(connection, ring).get("demo", "thing")
    return [row["text"] for row in every_row(connection, model, RowQuery(order_by=["id"]))]


def test_a_rotation_killed_again_and_again_comes_to_its_end(
    connection: Connection, database_url: str
) -> None:
    load = _Load(database_url)
    load.start()
    for turn in range(KILLS):
        _rotate_until_killed(database_url, random.Random(turn).randint(1, 5))
        assert texts(connection, BOTH)[:ROWS] == [f"secret {number}" for number in range(ROWS)]
    written = load.stop()
    keys = [key_of(bytes(value)) for (value,) in connection.execute("SELECT text FROM demo__thing")]
    assert {"k1", "k2"} == {*keys}, "it was killed in the middle"
    done = rotate(connection, BOTH)
    assert (done.left, done.unopened) == (0, 0)
    assert written > 0
    assert not load.errors
    assert len(texts(connection, Keyring({"k2": NEW}))) == ROWS + written


def _rotate_until_killed(url: str, batches: int) -> None:
    command = [sys.executable, "-m", "tests.faults.rotator", url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(batches):
            process.stdout.readline()
        process.kill()


class _Load(Thread):
    """Somebody who has not heard of the new key yet, writes rows and reads all there are."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._enough = url, Event()
        self.errors: list[Exception] = []
        self._written = 0

    def run(self) -> None:
        with connect(self._url) as connection:
            while not self._enough.wait(0.02):
                try:
                    insert(connection, {"text": "meanwhile"}, Keyring({"k1": OLD}))
                    self._written += 1
                    texts(connection, BOTH)
                except Exception as error:
                    self.errors.append(error)

    def stop(self) -> int:
        """How many rows were written."""
        self._enough.set()
        self.join()
        return self._written

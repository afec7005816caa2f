"""The storm: workers, their children and their connections are killed at random while they run tasks. When it is over,
each task has ended once, and each has exactly its rows.

Some hundred tasks in the normal run, 1,000 and more with `-m slow` or RECONCILER_SLOW_TESTS=1.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from reconciler.database.connection import connect
from tests.faults.brokers import broker
from tests.faults.storm import PROGRAM, Fighter, check, environment, fighting, rage, shots, submit
from tests.integration.tallies import deploy_tallies

SIZES = [200, pytest.param(3000, marks=pytest.mark.slow)]
POOL = [PROGRAM, "worker", "--children", "2"]
CELERY = [PROGRAM, "worker", "--executor", "celery", "--children", "2"]
FORWARDER = [sys.executable, "-m", "reconciler.execution.celery_forwarder"]


@pytest.mark.parametrize("count", SIZES)
def test_a_storm_on_the_pool(count: int, database_url: str, tmp_path: Path) -> None:
    with connect(database_url) as db:
        deploy_tallies(db)
        submit(db, count)
    around = environment(tmp_path, database_url)
    fighters = [Fighter(POOL, around, tmp_path / f"worker{n}.log") for n in range(2)]
    with fighting(fighters):
        done = rage(database_url, shots(fighters, seed=7), seed=count, patience=60 + count / 10)
    assert done >= 3
    check(database_url, count)


@pytest.mark.parametrize("count", [80, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["redis", "rabbitmq"])
def test_a_storm_on_celery(name: str, count: int, postgres_url: str, tmp_path: Path) -> None:
    with broker(name) as found, connect(postgres_url) as db:
        deploy_tallies(db)
        submit(db, count)
        around = environment(tmp_path, postgres_url, RECONCILER_BROKER_URL=found.url)
        fighters = [Fighter(CELERY, around, tmp_path / f"celery{n}.log") for n in range(2)]
        deeds = [*shots(fighters, seed=11), found.proxy.cut]
        with fighting(fighters):
            done = rage(
                postgres_url, deeds, seed=count, patience=120 + count / 5, pause=2.0, most=max(4, count // 20)
            )
        assert done >= 2
    check(postgres_url, count)


def test_a_forwarder_that_was_killed_is_started_again(postgres_url: str, tmp_path: Path) -> None:
    with broker("redis") as found, connect(postgres_url) as db:
        deploy_tallies(db)
        around = environment(tmp_path, postgres_url, RECONCILER_BROKER_URL=found.url)
        fighter = Fighter(CELERY, around, tmp_path / "celery.log")
        with fighting([fighter]):
            os.kill(_forwarder(fighter), signal.SIGKILL)
            submit(db, 8)
            rage(postgres_url, [], seed=1, patience=60, most=0)
    check(postgres_url, 8)


def test_workers_that_come_to_full_queues_work_them_off(postgres_url: str, tmp_path: Path) -> None:
    with broker("rabbitmq") as found, connect(postgres_url) as db:
        deploy_tallies(db)
        submit(db, 80)
        around = environment(tmp_path, postgres_url, RECONCILER_BROKER_URL=found.url)
        with fighting([Fighter(FORWARDER, around, tmp_path / "forwarder.log")]):
            found.wait_for("agents.tallies", 60)
        fighters = [Fighter(CELERY, around, tmp_path / f"celery{n}.log") for n in range(2)]
        with fighting(fighters):
            rage(postgres_url, [found.proxy.cut], seed=1, patience=60, most=3, pause=3.0)
            assert all(fighter.runs for fighter in fighters)
    check(postgres_url, 80)


def _forwarder(fighter: Fighter) -> int:
    """Its process, once there is one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for pid in fighter.descendants():
            if b"celery_forwarder" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        time.sleep(0.1)
    raise AssertionError("no forwarder was started")

"""The storm: workers, their children and their connections are killed at random while they run tasks. When it is over,
each task has ended once, and each has exactly its rows.

Some hundred tasks in the normal run, 1,000 and more with `-m slow` or RECONCILER_SLOW_TESTS=1.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.database.connection import connect
from tests.faults.brokers import broker
from tests.faults.storm import Fighter, check, environment, fighting, rage, shots, submit
from tests.integration.tallies import deploy_tallies

SIZES = [300, pytest.param(3000, marks=pytest.mark.slow)]
POOL = ["worker", "--children", "2"]
CELERY = ["worker", "--executor", "celery", "--children", "2"]


@pytest.fixture(autouse=True)
def _slow_only_on_demand(request: pytest.FixtureRequest) -> None:
    wanted = "slow" in request.config.option.markexpr or os.environ.get("RECONCILER_SLOW_TESTS")
    if request.node.get_closest_marker("slow") and not wanted:
        pytest.skip("a long walk: ask for it with -m slow")


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


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.slow)])
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
                postgres_url, deeds, seed=count, patience=120 + count / 5, pause=2.0, most=count // 20
            )
        assert done >= 2
    check(postgres_url, count)

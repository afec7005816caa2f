"""Contests of executing: how many tasks a worker of two processes ends in a second, and how soon it begins one.

The job is the same for all: an input is validated, and one row stored, durable before the task counts as done.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.benchmarks.contest import AtMost, Contender, Contest, PeerMissingError, TimesFaster, Within
from tests.benchmarks.installing import python_environment
from tests.benchmarks.racing import ROOT
from tests.benchmarks.stage import Stage

_PEERS = ("celery[redis]>=5.5,<6", "huey>=2.5,<4", "redis>=5,<9", "pydantic>=2.11,<3")
_REDIS = os.environ.get("RECONCILER_TEST_REDIS_URL", "redis://127.0.0.1:6379/14")
_COUNT, _COUNT_OF_CELERY, _SINGLE = "1500", "600", "60"
_PROGRAM = Path(__file__).with_name("peer_jobs.py")


def beside_celery(stage: Stage) -> Contest:
    return _pool_beside(stage, "celery", 4)


def beside_huey(stage: Stage) -> Contest:
    return _pool_beside(stage, "huey", 1)


def executor_beside_bare_celery(stage: Stage) -> Contest:
    """Both on Redis and PostgreSQL; theirs does the same to the database, in Celery's own process."""
    ours, theirs = stage.new_database("postgresql"), stage.new_database("postgresql")
    broker = {"RECONCILER_BROKER_URL": _REDIS}

    def contender(name: str, url: str, *command: str) -> Contender:
        def before() -> None:
            stage.renew(url)
            _empty_redis()

        return Contender(
            name,
            (sys.executable, "-m", f"tests.benchmarks.{command[0]}", *command[1:], url, _COUNT_OF_CELERY),
            before=before,
            folder=ROOT,
            environment=broker,
            own_clock=True,
        )

    return Contest(
        f"{_COUNT_OF_CELERY} tasks by Celery on Redis and PostgreSQL",
        contender("executor celery", ours, "work_off", "celery"),
        contender("bare Celery", theirs, "bare_celery"),
        AtMost(1.2),
    )


def idle_worker(stage: Stage) -> Contest:
    """From submitting a single task to an idle worker until its row is there; beside doing the same at once, here."""
    ours, theirs = (stage.new_database("sqlite") for _ in range(2))
    return Contest(
        "one task for an idle worker",
        _ours(stage, ours, "idle", _SINGLE),
        _ours(stage, theirs, "here", _SINGLE),
        Within(0.020),
    )


def _pool_beside(stage: Stage, peer: str, times: float) -> Contest:
    python = python_environment(stage.peers, "queues", *_PEERS) / "python"
    ours = stage.new_database("sqlite")
    folder = stage.new_folder(peer)

    def before() -> None:
        for file in folder.iterdir():
            file.unlink()
        _empty_redis()

    theirs = Contender(
        f"{peer} on Redis",
        (str(python), str(_PROGRAM), peer, _COUNT),
        before=before,
        environment={"JOBS_DATABASE": str(folder / "jobs.db"), "JOBS_REDIS": _REDIS, "JOBS_PEER": peer},
        own_clock=True,
    )
    title = f"{int(_COUNT):,} tasks, each a durable row in SQLite"
    return Contest(title, _ours(stage, ours, "pool", _COUNT), theirs, TimesFaster(times))


def _ours(stage: Stage, url: str, way: str, count: str) -> Contender:
    return Contender(
        f"{way} of reconcile worker",
        (sys.executable, "-m", "tests.benchmarks.work_off", way, url, count),
        before=lambda: stage.renew(url),
        folder=ROOT,
        own_clock=True,
    )


def _empty_redis() -> None:
    try:
        import redis
    except ImportError as error:
        raise PeerMissingError("the redis package is not installed") from error
    try:
        redis.Redis.from_url(_REDIS, socket_timeout=3).flushdb()
    except redis.RedisError as error:
        raise PeerMissingError(f"no Redis at {_REDIS}: {error}") from error

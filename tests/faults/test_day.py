"""A day on which everybody works and everything breaks: in the evening every promise has been kept.

Short ones in the normal run; with `-m slow` as many minutes as RECONCILER_DAY_MINUTES says, else ten.
`python -m tests.faults.day` has one day, and its report.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.day.course import spend

SHORT = 15.0
LONG = float(os.environ.get("RECONCILER_DAY_MINUTES") or 10) * 60


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.slow, id="long")])
def test_a_day_on_sqlite_with_the_pool_keeps_every_promise(
    seconds: float, sqlite_url: str, tmp_path: Path
) -> None:
    report = spend("pool-sqlite", sqlite_url, tmp_path, seconds)
    print(report.text)
    assert not report.broken, report.text


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(LONG, marks=pytest.mark.slow, id="long")])
def test_a_day_on_postgresql_with_celery_and_redis_keeps_every_promise(
    seconds: float, postgres_url: str, tmp_path: Path
) -> None:
    report = spend("celery-postgresql", postgres_url, tmp_path, seconds)
    print(report.text)
    assert not report.broken, report.text

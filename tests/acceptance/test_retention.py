"""How long what was parked is kept, and what may be purged once that time is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import open_reconciler
from reconciler.control.reports import ArchiveRecord
from reconciler.database.clock import parse_time
from tests.acceptance.evolution import manifests
from tests.acceptance.workbench import Workbench

BOTH: dict[str, Any] = {
    "item": {"fields": {"code": "string", "note": "text"}},
    "other": {"fields": {"a": "integer", "b": "integer"}},
}
LESS: dict[str, Any] = {
    "item": {"fields": {"code": "string"}},
    "other": {"fields": {"a": "integer"}},
}
ONE: dict[str, Any] = {"item": LESS["item"]}
DAY = 86_400.0


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Workbench:
    bench = Workbench(database_url, tmp_path, archive_retention=DAY)
    bench.apply(manifests({"models": BOTH}, "1.0.0"))
    bench.insert({"item": [{"code": "c", "note": "n"}], "other": [{"a": 1, "b": 2}]})
    return bench


def parked(bench: Workbench) -> dict[str, ArchiveRecord]:
    with open_reconciler(bench.settings) as reconciler:
        return {record.column or record.table: record for record in reconciler.archives()}


def expired(bench: Workbench) -> list[str]:
    with open_reconciler(bench.settings) as reconciler:
        return [record.column or record.table for record in reconciler.expired_archives()]


def purge_expired(bench: Workbench) -> None:
    with open_reconciler(bench.settings) as reconciler:
        for record in reconciler.expired_archives():
            reconciler.purge_archive(record.id)


def remove_fields(bench: Workbench) -> None:
    bench.apply(manifests({"models": LESS}, "2.0.0"), allow=["destructive"])


def test_what_is_parked_is_told_until_when_it_is_kept(bench: Workbench) -> None:
    remove_fields(bench)
    found = parked(bench)
    assert found.keys() == {"note", "b"}
    for record in found.values():
        assert record.purge_after is not None
        kept = parse_time(record.purge_after) - parse_time(record.archived_at)
        assert abs(kept - timedelta(seconds=DAY)) < timedelta(minutes=1)
    assert expired(bench) == []


def test_the_time_is_that_of_the_moment_of_parking(bench: Workbench) -> None:
    bench.settings = replace(bench.settings, archive_retention=None)
    remove_fields(bench)
    bench.settings = replace(bench.settings, archive_retention=0.0)
    assert [record.purge_after for record in parked(bench).values()] == [None, None]
    assert expired(bench) == []


def test_what_was_kept_long_enough_goes_and_nothing_else_moves(bench: Workbench) -> None:
    bench.settings = replace(bench.settings, archive_retention=0.0)
    remove_fields(bench)
    before = bench.snapshot()
    assert sorted(expired(bench)) == ["b", "note"]
    purge_expired(bench)
    assert (parked(bench), expired(bench)) == ({}, [])
    assert bench.snapshot() == before
    plan = bench.plan()
    assert not plan.pending
    assert not plan.drift


def test_a_column_parked_within_a_parked_table_goes_with_it(bench: Workbench) -> None:
    bench.settings = replace(bench.settings, archive_retention=0.0)
    remove_fields(bench)
    bench.settings = replace(bench.settings, archive_retention=DAY)
    bench.apply(manifests({"models": ONE}, "3.0.0"), allow=["destructive", "mass-removal"])
    assert expired(bench) == ["note"]
    purge_expired(bench)
    assert sorted(parked(bench)) == ["b", "demo__other"]
    assert expired(bench) == []

"""Databases of every earlier catalog: one apply upgrades them, nothing is lost, all that could be done still can."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.bootstrap import open_reconciler, run_once
from reconciler.database.connection import Connection, connect
from reconciler.database.records.audit import verify
from reconciler.database.upgrade import CATALOG_VERSION, VERSION_TABLE, catalog_version
from reconciler.errors import DatabaseError
from tests.acceptance.workbench import Workbench
from tests.integration.earlier_catalogs import (
    CASES,
    FIRST,
    SECOND,
    Rows,
    all_rows,
    bring_to,
    kept,
    live,
    restore,
    revisions,
)

MOVES = {VERSION_TABLE, "leases"}
MOVING_KEYS = {"fingerprint", "generation"}
"""Tables, and keys of `catalog_meta`, whose values an apply moves by itself."""


def test_an_apply_upgrades_from_any_revision_and_loses_nothing(database_url: str, tmp_path: Path) -> None:
    """From the newest revision down to the first, each time with what that one has a place for."""
    bench = Workbench(database_url, tmp_path)
    live(bench)
    for revision in reversed(revisions()):
        with connect(database_url) as connection:
            bring_to(connection, revision)
            before = all_rows(connection)
        upgrade(bench, revision)
        with connect(database_url) as connection:
            assert lost(before, all_rows(connection)) == [], revision
            assert holds(connection), revision
    in_use(bench)


@pytest.mark.parametrize("revision", revisions())
def test_what_an_earlier_program_wrote_is_read_by_this_one(revision: str, tmp_path: Path) -> None:
    if not kept(revision).exists() and revision == CATALOG_VERSION:
        pytest.skip(
            "the newest one: kept when the next one comes, by python -m tests.integration.earlier_catalogs"
        )
    restore(revision, tmp_path / "kept.db")
    bench = Workbench(f"sqlite:///{tmp_path / 'kept.db'}", tmp_path)
    bench.write(SECOND)
    with connect(bench.url) as connection:
        before = all_rows(connection)
    upgrade(bench, revision)
    with connect(bench.url) as connection:
        assert lost(before, all_rows(connection)) == []
        assert holds(connection)
    in_use(bench)


def upgrade(bench: Workbench, revision: str) -> None:
    """Nothing but an apply does it, and the apply has nothing else to do."""
    if revision != CATALOG_VERSION:
        with pytest.raises(DatabaseError, match=f"at version {revision}"):
            bench.plan()
    with open_reconciler(bench.settings, create=True) as reconciler:
        plan = reconciler.plan()
        assert (plan.pending, plan.problems, plan.drift) == (False, (), ()), revision
        assert not reconciler.apply(plan).failed
    with connect(bench.url) as connection:
        assert catalog_version(connection) == CATALOG_VERSION


def lost(before: Rows, after: Rows) -> list[tuple[str, dict[str, object]]]:
    """Rows that are there no more, or with other values; what newer columns hold does not count."""
    return [
        (table, row)
        for table, rows in before.items()
        if table not in MOVES
        for row in rows
        if row.get("key") not in MOVING_KEYS
        and not any(row.items() <= found.items() for found in after[table])
    ]


def holds(connection: Connection) -> bool:
    return verify(connection).fault == ""


def in_use(bench: Workbench) -> None:
    """A task runs, what was parked comes back, and the first revision can be returned to with all its rows."""
    assert run_once(bench.settings, "counter", {"name": "Dora"}, {}).output
    bench.rollback(1, allow=["destructive"])
    with connect(bench.url) as connection:
        rows = all_rows(connection)
    customers = {str(row["name"]): (row["level"], str(row["born"])) for row in rows["shop__customer"]}
    assert customers == {
        "Anna": ("old", "1990-05-01"),
        "Ben": ("new", "None"),
        "Cleo": ("new", "None"),
        "Dora": ("new", "None"),
    }
    assert [row["text"] for row in rows["gone__scrap"]] == ["parked"]
    bench.write(FIRST)
    assert not bench.plan().pending


def test_every_revision_but_the_newest_is_kept() -> None:
    kept_ones = {file.stem for file in CASES.glob("*.sql")}
    assert set(revisions()) - {CATALOG_VERSION} <= kept_ones, "python -m tests.integration.earlier_catalogs"

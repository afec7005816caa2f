"""Online phases of large PostgreSQL tables that meet other writers, other hands and other wishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from reconciler.bootstrap import open_reconciler
from reconciler.control.reports import Outcome
from reconciler.database import migrate
from reconciler.errors import Refused
from reconciler.plans.plan import Plan
from tests.acceptance.evolution import manifests
from tests.acceptance.workbench import Workbench
from tests.faults.applier import Applier, Fault

KILLED = -9

ITEM = {"code": "string", "size": "integer", "note": "string"}
BEFORE = {"models": {"item": {"fields": ITEM, "checks": [{"name": "sane", "expression": "size < 1000"}]}}}
ROWS = {"item": [{"code": f"c{i}", "size": i} for i in range(10)]}


def after(**fields: object) -> str:
    return manifests(
        {"models": {"item": {**BEFORE["models"]["item"], "fields": {**ITEM, **fields}}}}, "2.0.0"
    )


UNIQUE = after(code={"type": "string", "unique": True})
BOUNDED = after(size={"type": "integer", "min": 0, "required": True, "default": 1})


@pytest.fixture
def bench(postgres_url: str, tmp_path: Path) -> Workbench:
    bench = Workbench(postgres_url, tmp_path, large_table_rows=1, lock_timeout=0.1)
    bench.apply(manifests(BEFORE, "1.0.0"))
    bench.insert(ROWS)
    run(bench, "ANALYZE")
    return bench


def run(bench: Workbench, *statements: str) -> None:
    with psycopg.connect(bench.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def apply(bench: Workbench, text: str, meanwhile: Callable[[], None], at: str) -> Outcome:
    """Apply `text`; as it comes to the point `at`, something else happens first."""
    bench.write(text)

    def checkpoint(point: str, done: int, total: int) -> None:
        if point == at:
            meanwhile()

    with open_reconciler(bench.settings) as reconciler:
        return reconciler.apply(reconciler.plan(), progress=checkpoint)


def drifted(plan: Plan) -> list[str]:
    return [drift.address.partition("item/")[2].rsplit("_", 1)[0] for drift in plan.drift]


BREAKING = [
    (UNIQUE, "concurrent-index", "INSERT INTO demo__item (code, size) VALUES ('c1', 1)", "duplicates"),
    (BOUNDED, "recorded", "INSERT INTO demo__item (code, size) VALUES ('x', -1)", "check-violated"),
]


@pytest.mark.parametrize(("text", "point", "insert", "hazard"), BREAKING, ids=["unique", "bound"])
def test_a_row_that_comes_too_late_to_be_counted_fails_its_unit_and_is_a_hazard_of_the_next_plan(
    bench: Workbench,
    new_postgres: Callable[[], str],
    tmp_path: Path,
    text: str,
    point: str,
    insert: str,
    hazard: str,
) -> None:
    outcome = apply(bench, text, lambda: run(bench, insert), point)
    assert [unit for unit, _ in outcome.failed] == ["type/demo"]

    plan = bench.plan()
    assert [found.code for found in plan.hazards if found.rows and found.severity == "block"] == [hazard]
    with pytest.raises(Refused):
        bench.reconcile()
    run(bench, "DELETE FROM demo__item WHERE id > 10")
    bench.reconcile()
    assert bench.plan().empty
    fresh = Workbench(new_postgres(), tmp_path / "fresh")
    fresh.apply(text)
    assert bench.structure() == fresh.structure()


def test_what_other_hands_do_to_an_unfinished_table_is_still_drift(bench: Workbench) -> None:
    bench.write(UNIQUE)
    assert Applier(bench.settings, fault=Fault("concurrent-index")).ended() == KILLED
    run(bench, "ALTER TABLE demo__item DROP CONSTRAINT " + constraint(bench, "sane"))
    plan = bench.plan()
    assert drifted(plan) == ["constraint/ck_sane"]
    assert [hazard.code for hazard in plan.hazards if hazard.code == "unfinished"] == ["unfinished"]
    bench.reconcile()
    plan = bench.plan()
    assert (plan.empty, plan.pending, plan.drift) == (True, False, ())


def constraint(bench: Workbench, label: str) -> str:
    (name,) = (n for n in bench.structure()["demo__item"]["constraints"] if label in n)
    return str(name)


def test_the_manifests_may_want_something_else_by_the_time_an_unfinished_apply_goes_on(
    bench: Workbench,
) -> None:
    before = bench.snapshot()
    bench.write(UNIQUE)
    assert Applier(bench.settings, fault=Fault("concurrent-index")).ended() == KILLED
    bench.apply(manifests(BEFORE, "3.0.0"))
    assert bench.snapshot() == before
    assert bench.plan().empty


def test_who_only_waited_for_a_lock_in_vain_goes_on_with_the_next_apply(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_ATTEMPTS", 1)
    with psycopg.connect(bench.url) as other:
        outcome = apply(bench, BOUNDED, lambda: other.execute("LOCK TABLE demo__item") and None, "validate")
        assert [unit for unit, _ in outcome.failed] == ["type/demo"]
        other.rollback()
    plan = bench.plan()
    assert (plan.empty, plan.pending, plan.drift) == (True, True, ())
    bench.reconcile()
    assert not bench.plan().pending

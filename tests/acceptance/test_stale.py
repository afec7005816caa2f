"""Other hands on the tables, and other manifests than the plan was made from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import open_reconciler
from reconciler.database.connection import connect
from reconciler.errors import Refused, StalePlan
from reconciler.plans.plan import Plan
from tests.acceptance.evolution import manifests
from tests.acceptance.workbench import Workbench

ITEM: dict[str, Any] = {
    "fields": {
        "code": {"type": "string", "required": True, "unique": True, "max_length": 20},
        "size": {"type": "integer", "min": 0, "default": 3, "index": True},
        "kind": {"type": "enum", "values": ["a", "b"], "default": "a"},
        "note": "text",
    },
    "checks": [{"name": "sane", "expression": "size < 1000"}],
}
OTHER: dict[str, Any] = {"fields": {"item": {"type": "reference", "model": "item", "on_delete": "cascade"}}}
STATE = manifests({"models": {"item": ITEM, "other": OTHER}}, "1.0.0")
MORE = manifests(
    {"models": {"item": ITEM | {"fields": ITEM["fields"] | {"extra": "date"}}, "other": OTHER}}, "1.1.0"
)

ROWS = {"item": [{"code": f"c{i}", "size": i, "note": f"n{i}"} for i in range(4)], "other": [{"item": 1}]}


@pytest.fixture
def bench(database_url: str, tmp_path: Path) -> Workbench:
    bench = Workbench(database_url, tmp_path)
    bench.apply(STATE)
    bench.insert(ROWS)
    return bench


# --- by hand


def by_hand(bench: Workbench, *statements: str) -> None:
    with connect(bench.url) as connection:
        connection.foreign_keys(False)
        connection.script(statements)


def rewritten(bench: Workbench, old: str, new: str) -> None:
    """What ALTER TABLE cannot do on SQLite: the stored CREATE TABLE edited, as administrators do."""
    with connect(bench.url) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        with connection.transaction():
            ((sql,),) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'demo__item'")
            assert sql.count(old) == 1, sql
            connection.execute(
                "UPDATE sqlite_master SET sql = ? WHERE name = 'demo__item'", (sql.replace(old, new),)
            )
            ((version,),) = connection.execute("PRAGMA schema_version")
            connection.execute(f"PRAGMA schema_version = {version + 1}")


Hand = Callable[[Workbench], None]


def on_both(*statements: str) -> dict[str, Hand]:
    def run(bench: Workbench) -> None:
        by_hand(bench, *(statement.format(**names(bench)) for statement in statements))

    return {"sqlite": run, "postgresql": run}


def names(bench: Workbench) -> dict[str, str]:
    item = bench.definitions()["demo__item"]
    indexes = {f"index_{index.columns[0]}": index.name for index in item.indexes}
    return {**indexes, "check": item.checks[0].name}


def on_each(sqlite: tuple[str, str], postgresql: str) -> dict[str, Hand]:
    """`sqlite` is what stands in CREATE TABLE and what is put in its place."""
    old, new = sqlite
    return {
        "sqlite": lambda bench: rewritten(bench, old.format(**names(bench)), new),
        "postgresql": on_both(postgresql)["postgresql"],
    }


DRIFTS: dict[str, tuple[dict[str, Hand], list[str]]] = {
    "index dropped": (on_both("DROP INDEX {index_size}"), ["index/ix_size"]),
    "index added": (on_both("CREATE INDEX mine ON demo__item (note)"), ["index/mine"]),
    "index made another": (
        on_both("DROP INDEX {index_size}", "CREATE INDEX {index_size} ON demo__item (size, note)"),
        ["index/ix_size"],
    ),
    "column dropped": (on_both("ALTER TABLE demo__item DROP COLUMN note"), ["column/note"]),
    "column added": (on_both("ALTER TABLE demo__item ADD COLUMN mine integer"), ["column/mine"]),
    "table dropped": (on_both("DROP TABLE demo__other"), ["table/demo__other"]),
    "not null dropped": (
        on_each(('"code" TEXT NOT NULL', '"code" TEXT'), "ALTER TABLE demo__item ALTER code DROP NOT NULL"),
        ["column/code"],
    ),
    "check dropped": (
        on_each(
            (',\n    CONSTRAINT "{check}" CHECK (("size" < 1000))', ""),
            "ALTER TABLE demo__item DROP CONSTRAINT {check}",
        ),
        ["constraint/ck_sane"],
    ),
    "default changed": (
        on_each(("DEFAULT 3", "DEFAULT 4"), "ALTER TABLE demo__item ALTER size SET DEFAULT 4"),
        ["column/size"],
    ),
}


def drift_of(plan: Plan) -> list[str]:
    """Addresses below the table, without the digests in names."""
    found = (drift.address.removeprefix("table/demo__item/") for drift in plan.drift)
    return [re.sub("_[0-9a-f]{10}$", "", address) for address in found]


@pytest.mark.parametrize("case", DRIFTS)
def test_what_hands_changed_is_told_apart_and_put_right(bench: Workbench, dialect: str, case: str) -> None:
    hands, expected = DRIFTS[case]
    before = bench.snapshot()
    hands[dialect](bench)
    plan = bench.plan()
    assert drift_of(plan) == expected
    assert plan.changes
    assert all(change.drift for change in plan.changes)
    bench.reconcile()
    plan = bench.plan()
    assert (plan.drift, plan.changes, plan.hazards) == ((), (), ())
    assert bench.structure() == before["structure"]
    assert bench.plan().id == plan.id


def test_what_hands_added_goes_only_if_that_is_allowed_and_its_values_are_parked(bench: Workbench) -> None:
    by_hand(bench, "ALTER TABLE demo__item ADD COLUMN mine integer", "UPDATE demo__item SET mine = 7")
    assert bench.hazards(bench.plan()) == {"destructive": 4}
    with pytest.raises(Refused):
        bench.reconcile()
    bench.reconcile(allow=["destructive:demo.item.mine"])
    with open_reconciler(bench.settings) as reconciler:
        (parked,) = reconciler.archives()
    assert (parked.column, parked.rows) == ("mine", 4)
    with connect(bench.url) as connection:
        assert connection.execute(f"SELECT DISTINCT {parked.stored_as} FROM demo__item") == [(7,)]
    assert not bench.plan().pending


def test_rows_that_came_while_a_constraint_was_gone_must_be_put_right_first(bench: Workbench) -> None:
    by_hand(
        bench,
        "DROP INDEX {index_code}".format(**names(bench)),
        "INSERT INTO demo__item (code, size) VALUES ('c1', 1), ('c1', 1)",
    )
    assert bench.hazards(bench.plan()) == {"duplicates": 2}
    with pytest.raises(Refused):
        bench.reconcile(allow=["duplicates"])
    by_hand(bench, "DELETE FROM demo__item WHERE id > 4")
    bench.reconcile()
    assert not bench.plan().drift


ADOPTED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "an index that goes": (
        ["DROP INDEX {index_size}"],
        {"size": {"type": "integer", "min": 0, "default": 3}},
    ),
    "a column that goes": (["ALTER TABLE demo__item DROP COLUMN note"], {"note": None}),
    "a column that comes": (["ALTER TABLE demo__item ADD COLUMN extra date"], {"extra": "date"}),
}


@pytest.mark.parametrize("case", ADOPTED)
def test_what_hands_did_and_the_manifests_then_say_is_drift_no_more(bench: Workbench, case: str) -> None:
    statements, fields = ADOPTED[case]
    by_hand(bench, *(statement.format(**names(bench)) for statement in statements))
    wanted = {name: field for name, field in {**ITEM["fields"], **fields}.items() if field}
    bench.apply(manifests({"models": {"item": ITEM | {"fields": wanted}, "other": OTHER}}, "2.0.0"))
    plan = bench.plan()
    assert (plan.drift, plan.changes) == ((), ())


def test_a_table_that_hands_dropped_and_the_manifests_drop_is_forgotten(bench: Workbench) -> None:
    by_hand(bench, "DROP TABLE demo__other")
    bench.apply(manifests({"models": {"item": ITEM}}, "2.0.0"))
    assert not bench.plan().pending
    assert not bench.plan().drift
    bench.apply(STATE.replace("1.0.0", "3.0.0"))
    assert bench.snapshot()["rows"]["demo__other"] == []


def test_what_only_a_person_can_judge_stays_drift_whatever_is_applied(bench: Workbench) -> None:
    trigger = {
        "sqlite": ["CREATE TRIGGER mine AFTER INSERT ON demo__item BEGIN SELECT 1; END"],
        "postgresql": [
            "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER mine AFTER INSERT ON demo__item FOR EACH ROW EXECUTE FUNCTION quiet()",
        ],
    }
    by_hand(bench, *trigger[bench.url.partition(":")[0]])
    assert drift_of(bench.plan()) == ["trigger/mine"]
    assert bench.plan().empty
    another = manifests({"types": {"another": {"models": {"thing": {"fields": {"x": "text"}}}}}}, "1.0.0")
    bench.write(another.partition("---")[0], "another.yaml")
    bench.reconcile()
    assert drift_of(bench.plan()) == ["trigger/mine"]


# --- stale


def test_hands_between_plan_and_apply_make_the_plan_stale(bench: Workbench) -> None:
    bench.write(MORE)
    with open_reconciler(bench.settings) as reconciler:
        plan = reconciler.plan()
        by_hand(bench, "DROP INDEX {index_size}".format(**names(bench)))
        before = bench.snapshot()
        with pytest.raises(StalePlan):
            reconciler.apply(plan)
        assert [revision.number for revision in reconciler.history()] == [1]
    assert bench.snapshot() == before
    bench.reconcile()
    assert bench.plan().empty


def test_manifests_that_changed_between_plan_and_apply_make_the_plan_stale(bench: Workbench) -> None:
    bench.write(MORE)
    with open_reconciler(bench.settings) as reconciler:
        plan = reconciler.plan()
        bench.write(MORE.replace("1.1.0", "1.2.0"))
        before = bench.snapshot()
        with pytest.raises(StalePlan):
            reconciler.apply(plan)
    assert bench.snapshot() == before


def test_another_apply_between_plan_and_apply_makes_the_plan_stale(bench: Workbench) -> None:
    bench.write(MORE)
    with open_reconciler(bench.settings) as reconciler:
        plan = reconciler.plan()
        bench.reconcile()
        with pytest.raises(StalePlan):
            reconciler.apply(plan)
        assert len(reconciler.history()) == 2


def test_rows_that_come_between_plan_and_apply_are_not_lost_unasked(bench: Workbench) -> None:
    shorter = ITEM | {"fields": ITEM["fields"] | {"note": {"type": "text", "max_length": 3}}}
    bench.write(manifests({"models": {"item": shorter, "other": OTHER}}, "2.0.0"))
    with open_reconciler(bench.settings) as reconciler:
        plan = reconciler.plan()
        assert plan.hazards == ()
        by_hand(bench, "UPDATE demo__item SET note = 'too long by far' WHERE id = 1")
        before = bench.snapshot()
        with pytest.raises(Refused):
            reconciler.apply(plan)
    assert bench.snapshot() == before


def test_a_plan_keeps_its_id_as_long_as_it_would_do_the_same(bench: Workbench) -> None:
    bench.write(MORE)
    first = bench.plan().id
    assert bench.plan().id == first
    bench.write("# only a remark\n" + MORE.replace("type: text", 'type: "text"'))
    assert bench.plan().id == first
    (bench.source / "state.yaml").rename(bench.source / "elsewhere.yaml")
    assert bench.plan().id == first
    by_hand(bench, "INSERT INTO demo__item (code) VALUES ('another row')")
    assert bench.plan().id == first
    (bench.source / "elsewhere.yaml").write_text(MORE.replace("extra", "different"))
    assert bench.plan().id != first

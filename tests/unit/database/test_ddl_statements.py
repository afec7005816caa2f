"""Statements, parked names, renames in turn, and what an alteration makes of each column."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.database.alteration import Added, Kept, Replaced, Restored, alteration_of
from reconciler.database.operations import compile_migration, create_all_sql
from reconciler.database.parking import parked_name
from reconciler.database.renaming import in_turn
from reconciler.database.statement import PHASES, Phase, Statement, batched, in_order
from reconciler.plans.changes import Action, Change, Disposition, Kind, TableMigration
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.fields import FieldType
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Table, table_of


def table(fields: dict[str, Any], model: str = "order") -> Table:
    return table_of("shop", model, ModelSpec.model_validate({"fields": fields}))


# --- statements ---


def test_a_batch_names_its_range_and_nothing_else_changes() -> None:
    statement = batched("UPDATE t\nSET a = ' AND \"id\" > :after %s ?'\nWHERE a IS NULL", "t", "")
    sql = statement.within(10, 20)
    assert (
        sql
        == 'UPDATE t\nSET a = \' AND "id" > :after %s ?\'\nWHERE a IS NULL\n  AND "id" > 10\n  AND "id" <= 20'
    )


def test_only_a_batched_statement_has_ranges() -> None:
    with pytest.raises(ValueError):
        Statement("SELECT 1").within(0, 1)


def test_statements_run_by_phase_and_within_it_as_they_came() -> None:
    mixed = [Statement(f"{phase}{n}", phase) for n in range(2) for phase in reversed(PHASES)]
    assert [s.sql for s in in_order(mixed)] == [f"{phase}{n}" for phase in PHASES for n in range(2)]


# --- names ---


@given(st.text("abcdefghij_", min_size=1, max_size=63), st.integers(1, 10**9))
def test_a_parked_name_fits_and_is_free(name: str, revision: int) -> None:
    found = parked_name(name, revision)
    assert len(found.encode()) <= 63
    assert found.startswith(f"_archived_{revision}_")


def test_long_names_stay_apart_when_parked() -> None:
    names = {parked_name("t" * 62 + ending, revision) for ending in "ab" for revision in (1, 2)}
    assert len(names) == 4


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdefgh")).filter(
        lambda d: len(set(d.values())) == len(d)
    )
)
def test_renames_one_by_one_end_where_all_at_once_would(renames: dict[str, str]) -> None:
    stays = {name: name for name in "abcdef" if name not in renames and name not in renames.values()}
    wanted = {new: old for old, new in {**stays, **renames}.items()}
    # An object outside the renames whose name is wanted is none of theirs: it is not there.
    there = {name: name for name in (*stays, *renames)}
    for old, new in in_turn(renames):
        assert new not in there, "a name is free when its turn comes"
        there[new] = there.pop(old)
    assert there == wanted


# --- origins ---

BEFORE = table({"a": "text", "b": "integer", "c": "string", "d": {"type": "string", "required": True}})


def column(kind: str, name: str) -> Column:
    return Column(name=name, type=FieldType(kind))


def changed(before: Column | None, after: Column | None, **more: Any) -> Change:
    return Change(Action.CHANGE, Kind.COLUMN, "", before, after, **more)


def test_each_column_knows_where_its_values_come_from() -> None:
    a, b, c, _ = BEFORE.columns
    lossy, renamed, new, old = (
        column("integer", "a"),
        column("integer", "x"),
        column("date", "y"),
        column("text", "z"),
    )
    parked = Parked(1, BEFORE.name, "z", "_archived_3_z", old, 3, 0, "")
    waits = Parked(2, BEFORE.name, "w", "_archived_4_w", column("text", "w"), 4, 0, "")
    after = BEFORE.evolve(columns=(lossy, renamed, c, new, old))
    changes = (
        changed(a, lossy, lossy=True),
        changed(b, renamed),
        changed(None, old, parked=parked),
        Change(Action.REMOVE, Kind.COLUMN, "", BEFORE.columns[3], None, disposition=Disposition.PURGE),
    )
    found = alteration_of(TableMigration(BEFORE.name, BEFORE, after, changes, parked=(parked, waits)), 7)
    assert [type(origin) for origin in found.origins] == [Replaced, Kept, Kept, Added, Restored]
    assert [(gone.column.name, gone.stored_as) for gone in found.leaving] == [
        ("a", "_archived_7_a"),
        ("d", None),
    ]
    assert [column.name for column in found.carried] == ["_archived_4_w", "_archived_7_a"]


def test_an_original_that_still_does_not_fit_stays_parked_when_it_is_restored() -> None:
    parked = Parked(1, BEFORE.name, "z", "_archived_3_z", column("text", "z"), 3, 0, "")
    number = column("integer", "z")
    after = BEFORE.evolve(columns=(*BEFORE.columns, number))
    migration = TableMigration(
        BEFORE.name, BEFORE, after, (changed(None, number, parked=parked, lossy=True),), parked=(parked,)
    )
    found = alteration_of(migration, 7)
    assert isinstance(found.origins[-1], Replaced)
    assert [column.name for column in found.carried] == ["_archived_3_z"]


def test_a_new_table_has_no_alteration() -> None:
    with pytest.raises(ValueError, match="created or removed"):
        alteration_of(TableMigration(BEFORE.name, None, BEFORE, ()), 1)


# --- texts for the reviewer ---


def test_nothing_is_said_where_only_the_description_changes() -> None:
    masked = BEFORE.evolve(columns=tuple(c.model_copy(update={"sensitive": True}) for c in BEFORE.columns))
    migration = TableMigration(BEFORE.name, BEFORE, masked, (changed(BEFORE.columns[0], masked.columns[0]),))
    assert compile_migration(migration, "sqlite", revision=1) == []
    assert compile_migration(migration, "postgresql", revision=1) == []


def test_a_large_table_gets_its_requirement_in_steps() -> None:
    required = BEFORE.evolve(
        columns=(
            BEFORE.columns[0].model_copy(update={"nullable": False, "default": "x"}),
            *BEFORE.columns[1:],
        )
    )
    migration = TableMigration(
        BEFORE.name, BEFORE, required, (changed(BEFORE.columns[0], required.columns[0]),)
    )
    found = [
        (s.phase, s.sql.splitlines()[1].strip().split(" ")[0])
        for s in compile_migration(migration, "postgresql", revision=1, large=True)
    ]
    assert found == [
        (Phase.TRANSACTION, "ALTER"),
        (Phase.TRANSACTION, "ADD"),
        (Phase.BACKFILL, "SET"),
        (Phase.VALIDATE, "VALIDATE"),
        (Phase.SWITCH, "ALTER"),
        (Phase.SWITCH, "DROP"),
    ]


def test_a_fresh_build_comes_in_the_order_of_its_references() -> None:
    order, line = table({"n": "integer"}), table({"order": {"type": "reference", "model": "order"}}, "line")
    created = [
        sql.split('"')[1]
        for sql in create_all_sql([line, order], "postgresql")
        if sql.startswith("CREATE TABLE")
    ]
    assert created == [order.name, line.name]

"""Tables that come, go, are parked and come back, alone and together, in real databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.database.operations import compile_migration, purge_parked
from reconciler.database.statement import PHASES
from reconciler.plans.changes import Disposition
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.tables import Table, table_of

from .migrating import (
    WORLDS,
    SqliteWorld,
    World,
    apply,
    build,
    fresh_structure,
    insert,
    migration,
    opened,
    rows,
)


def model(name: str, fields: dict[str, Any], **more: Any) -> Table:
    return table_of("shop", name, ModelSpec.model_validate({"fields": fields, **more}))


def reference(to: str, **more: Any) -> dict[str, Any]:
    return {"type": "reference", "model": to, **more}


ORDER = model(
    "order", {"code": {"type": "string", "unique": True}, "parent": reference("order"), "n": "integer"}
)
LINE = model("line", {"order": reference("order", on_delete="cascade", required=True), "text": "text"})
PLAIN = model("plain", {"code": {"type": "string", "index": True, "max_length": 9, "required": True}})
EGG = model("egg", {"hen": reference("hen")})
HEN = model("hen", {"egg": reference("egg")})


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(request, request.param)


def names_in_schema(world: World) -> set[str]:
    """Tables, indexes and sequences that stand in the way of new ones; SQLite's parked tables do not."""
    if isinstance(world, SqliteWorld):
        found = world.query("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
    else:
        found = world.query(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        )
    return {name for (name,) in found if not name.startswith("_archived_")}


def test_tables_that_refer_to_each_other_are_created_in_one_unit(world: World) -> None:
    apply(world, *(migration(None, table) for table in (LINE, EGG, ORDER, HEN)))
    for table in (LINE, EGG, ORDER, HEN):
        assert world.structure(table.name) == fresh_structure(world, [LINE, EGG, ORDER, HEN], table.name)
    insert(world, ORDER, code="a")
    insert(world, LINE, order=1, text="x")
    world.query(f'DELETE FROM "{ORDER.name}"')
    assert rows(world, LINE.name) == []


@pytest.mark.parametrize(
    "table", [PLAIN, ORDER, EGG], ids=["without keys", "with a key to itself", "in a cycle"]
)
def test_a_parked_table_leaves_its_names_free_and_comes_back_as_it_was(world: World, table: Table) -> None:
    family = [EGG, HEN] if table is EGG else [table]
    build(world, family)
    for _ in range(2):
        insert(world, table, **({"code": f"c{len(rows(world, table.name))}"} if table.column("code") else {}))
    world.query(f'DELETE FROM "{table.name}" WHERE id = 2')
    columns = [column.name for column in table.columns]
    before = rows(world, table.name, *columns)

    parked = apply(world, *(migration(member, None) for member in family))
    assert names_in_schema(world) == set()
    build(world, family)
    again = apply(world, *(migration(member, None) for member in family))
    assert {entry.stored_as for entry in parked}.isdisjoint(entry.stored_as for entry in again)

    apply(
        world,
        *(migration(None, member, restored=entry) for member, entry in zip(family, parked, strict=True)),
    )
    assert rows(world, table.name, *columns) == before
    for member in family:
        assert world.structure(member.name) == fresh_structure(world, family, member.name)
    insert(world, table, **({"code": "new"} if table.column("code") else {}))
    assert rows(world, table.name)[-1] == (3,), "ids go on where they were"


def test_a_parked_table_comes_back_as_another_version(world: World) -> None:
    other = model(
        "plain",
        {
            "name": {"type": "string", "unique": True},
            "n": {"type": "integer", "required": True, "default": 1},
        },
    )
    build(world, [PLAIN])
    insert(world, PLAIN, code="kept")
    (entry,) = apply(world, migration(PLAIN, None))
    back = migration(None, other, restored=entry, renames={"name": "code"})
    apply(world, back)
    assert rows(world, other.name, "name", "n") == [(1, "kept", 1)]
    assert world.structure(other.name) == fresh_structure(world, [other], other.name)


def test_a_column_parked_in_a_table_is_parked_and_restored_with_it(world: World) -> None:
    less = ORDER.evolve(columns=ORDER.columns[:2])
    build(world, [ORDER])
    insert(world, ORDER, code="a", n=7)
    columns = apply(world, migration(ORDER, less))
    (table,) = apply(world, migration(less, None, parked=columns))
    apply(world, migration(None, less, restored=table, parked=columns))
    apply(world, migration(less, ORDER, parked=columns))
    assert rows(world, ORDER.name, "code", "n") == [(1, "a", 7)]
    assert world.structure(ORDER.name) == fresh_structure(world, [ORDER], ORDER.name)


@pytest.mark.parametrize("disposition", [Disposition.ARCHIVE, Disposition.PURGE])
def test_a_target_goes_in_the_unit_in_which_the_reference_to_it_goes(
    world: World, disposition: Disposition
) -> None:
    free = LINE.evolve(columns=LINE.columns[1:], indexes=())
    build(world, [ORDER, LINE])
    insert(world, ORDER, code="a")
    insert(world, LINE, order=1, text="kept")
    apply(world, migration(ORDER, None, disposition=disposition), migration(LINE, free))
    assert rows(world, LINE.name, "text") == [(1, "kept")]
    assert world.structure(LINE.name) == fresh_structure(world, [free], LINE.name)


def test_purged_tables_of_a_cycle_are_gone(world: World) -> None:
    build(world, [EGG, HEN])
    assert apply(world, *(migration(t, None, disposition=Disposition.PURGE) for t in (EGG, HEN))) == []
    assert names_in_schema(world) == set()


def test_a_retained_table_is_not_touched(world: World) -> None:
    assert (
        compile_migration(migration(ORDER, None, disposition=Disposition.RETAIN), world.dialect, revision=1)
        == []
    )


def test_parked_things_can_be_purged(world: World) -> None:
    less = PLAIN.evolve(columns=(model("plain", {"x": "text"}).columns), indexes=())
    build(world, [PLAIN, ORDER])
    (column,) = apply(world, migration(PLAIN, less))
    (table,) = apply(world, migration(ORDER, None))
    for entry in (column, table):
        for sql in purge_parked(entry.table, entry.column, entry.stored_as, world.dialect):
            world.query(sql)
    with pytest.raises(Exception, match="_archived_"):
        world.query(f'SELECT parked."{column.stored_as}" FROM "{PLAIN.name}" AS parked')
    if isinstance(world, SqliteWorld):
        assert world.query("SELECT name FROM sqlite_master WHERE name LIKE '%archived%'") == []
    else:
        assert world.query(f"SELECT 1 FROM pg_tables WHERE tablename = '{table.stored_as}'") == []


def test_a_purged_column_leaves_nothing_behind(world: World) -> None:
    less = ORDER.evolve(columns=ORDER.columns[1:], indexes=ORDER.indexes[1:])
    build(world, [ORDER])
    insert(world, ORDER, n=4)
    assert apply(world, migration(ORDER, less, disposition=Disposition.PURGE)) == []
    assert world.structure(ORDER.name) == fresh_structure(world, [less], ORDER.name)
    assert rows(world, ORDER.name, "n") == [(1, 4)]


def test_two_revisions_park_columns_of_one_name_side_by_side(world: World) -> None:
    less = ORDER.evolve(columns=ORDER.columns[:2])
    build(world, [ORDER])
    insert(world, ORDER, code="a", n=1)
    first = apply(world, migration(ORDER, less))
    apply(world, migration(less, ORDER.evolve(columns=ORDER.columns), parked=()))
    world.query(f'UPDATE "{ORDER.name}" SET n = 2')
    second = apply(world, migration(ORDER, less, parked=first))
    found = rows(world, ORDER.name, first[0].stored_as, second[0].stored_as)
    assert found == [(1, 1, 2)]


# --- what only one of the databases can get wrong ---


@pytest.fixture
def sqlite_file(tmp_path: Path) -> SqliteWorld:
    return SqliteWorld(str(tmp_path / "shop.db"))


def test_a_rebuild_keeps_views_and_the_triggers_it_is_told_of(sqlite_file: SqliteWorld) -> None:
    mark = f"UPDATE {PLAIN.name} SET agent = 'seen'"
    trigger = f"CREATE TRIGGER seen AFTER INSERT ON {PLAIN.name} BEGIN {mark}; END"
    build(sqlite_file, [PLAIN])
    sqlite_file.query(trigger)
    sqlite_file.query(f'CREATE VIEW codes AS SELECT code FROM "{PLAIN.name}"')
    wider = model("plain", {"code": {"type": "string", "index": True, "max_length": 99, "required": True}})
    change = migration(PLAIN, wider)
    sqlite_file.run(compile_migration(change, "sqlite", revision=1, triggers={PLAIN.name: [trigger]}))
    insert(sqlite_file, wider, code="a")
    assert sqlite_file.query("SELECT code FROM codes") == [("a",)]
    assert rows(sqlite_file, PLAIN.name, "agent") == [(1, "seen")]


def test_a_rebuild_with_foreign_keys_on_is_refused_before_it_costs_a_row(sqlite_file: SqliteWorld) -> None:
    build(sqlite_file, [ORDER, LINE])
    shorter = ORDER.evolve(columns=ORDER.columns[:2])
    statements = compile_migration(migration(ORDER, shorter), "sqlite", revision=1)
    question = statements[0]
    assert question.expect_empty
    assert sqlite_file.query(question.sql) == [(1,)]
    sqlite_file.query("PRAGMA foreign_keys = OFF")
    assert sqlite_file.query(question.sql) == []


def test_a_value_that_refers_to_no_row_stops_the_rebuild(sqlite_file: SqliteWorld) -> None:
    of_plain = model("line", {"order": reference("plain")})
    of_order = model("line", {"order": reference("order")})
    build(sqlite_file, [PLAIN, ORDER, of_plain])
    insert(sqlite_file, PLAIN, code="a")
    insert(sqlite_file, of_plain, order=1)
    with pytest.raises(AssertionError, match="foreign_key_check"):
        sqlite_file.run(compile_migration(migration(of_plain, of_order), "sqlite", revision=1))
    assert sqlite_file.structure(LINE.name) == fresh_structure(sqlite_file, [of_plain], LINE.name)


def test_a_column_that_is_not_there_stops_the_rebuild(sqlite_file: SqliteWorld) -> None:
    """SQLite takes an unknown name in double quotes for a text, and would copy that into every row."""
    build(sqlite_file, [PLAIN])
    insert(sqlite_file, PLAIN, code="a")
    imagined = PLAIN.evolve(columns=(*PLAIN.columns, *model("plain", {"gone_by_hand": "text"}).columns))
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        sqlite_file.run(compile_migration(migration(imagined, PLAIN), "sqlite", revision=1))


def test_a_required_column_without_a_value_is_refused_by_name(sqlite_file: SqliteWorld) -> None:
    """ALTER TABLE would refuse it too, but without saying which column it means."""
    build(sqlite_file, [PLAIN])
    insert(sqlite_file, PLAIN, code="a")
    more = PLAIN.evolve(
        columns=(*PLAIN.columns, *model("plain", {"b": {"type": "text", "required": True}}).columns)
    )
    with pytest.raises(sqlite3.IntegrityError, match=r"shop__plain\.b"):
        sqlite_file.run(compile_migration(migration(PLAIN, more), "sqlite", revision=1))


def test_a_rebuild_that_would_lose_a_column_nobody_knows_of_is_stopped(sqlite_file: SqliteWorld) -> None:
    build(sqlite_file, [PLAIN])
    sqlite_file.query(f'ALTER TABLE "{PLAIN.name}" ADD COLUMN by_hand TEXT')
    with pytest.raises(AssertionError, match="by_hand"):
        sqlite_file.run(
            compile_migration(migration(PLAIN, model("plain", {"n": "integer"})), "sqlite", revision=1)
        )


def test_what_alter_table_can_do_is_not_a_rebuild(sqlite_file: SqliteWorld) -> None:
    more = model(
        "plain",
        {
            "code": {"type": "string", "unique": True, "max_length": 9, "required": True},
            "n": {"type": "integer", "required": True, "default": 3, "max": 5},
            "order": reference("order"),
        },
    )
    statements = compile_migration(migration(PLAIN, more), "sqlite", revision=1)
    assert not any("_rebuild_" in statement.sql for statement in statements)
    build(sqlite_file, [ORDER, PLAIN])
    sqlite_file.run(statements)
    assert sqlite_file.structure(more.name) == fresh_structure(sqlite_file, [ORDER, more], more.name)


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(request, "postgresql")


@pytest.fixture
def postgres_large(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(request, "postgresql-large")


@pytest.mark.postgres
def test_parking_and_restoring_on_postgres_moves_no_row(postgres: World) -> None:
    build(postgres, [PLAIN])
    insert(postgres, PLAIN, code="a")
    file = f"SELECT pg_relation_filenode('{PLAIN.name}'::regclass)"
    before = postgres.query(file)
    (entry,) = apply(postgres, migration(PLAIN, None))
    apply(postgres, migration(None, PLAIN, restored=entry))
    assert postgres.query(file) == before


@pytest.mark.postgres
def test_the_transaction_of_a_large_table_neither_reads_nor_writes_its_rows(postgres_large: World) -> None:
    """Inside it, constraints are declared NOT VALID, no index is built and no row is written."""
    after = model(
        "plain",
        {
            "code": {"type": "integer", "unique": True, "min": 0, "required": True, "default": 0},
            "order": reference("order"),
        },
    )
    build(postgres_large, [ORDER, PLAIN])
    for code in ("1", "x", "2", "3", "4"):
        insert(postgres_large, PLAIN, code=code)
    statements = compile_migration(
        migration(PLAIN, after, lossy=["code"]), "postgresql", revision=postgres_large.revision, large=True
    )
    phases = [PHASES.index(statement.phase) for statement in statements]
    assert phases == sorted(phases)
    assert set(phases) == set(range(len(PHASES))), "every phase has something to do"
    within = [s.sql for s in statements if s.phase == "transaction"]
    assert not any(sql.startswith(("UPDATE", "CREATE")) for sql in within)
    assert all("NOT VALID" in line for sql in within for line in sql.splitlines() if "ADD CONSTRAINT" in line)
    built = [s for s in statements if s.phase == "concurrent-index"]
    assert sorted(s.part for s in built) == sorted(f"index/{index.name}" for index in after.indexes)
    assert all("INDEX CONCURRENTLY" in s.sql for s in built)
    postgres_large.run(statements)
    assert rows(postgres_large, after.name, "code") == [(1, 1), (2, 0), (3, 2), (4, 3), (5, 4)]
    assert postgres_large.structure(after.name) == fresh_structure(postgres_large, [ORDER, after], after.name)


@pytest.mark.postgres
def test_new_rows_of_a_large_table_are_held_to_a_new_requirement_at_once(postgres_large: World) -> None:
    optional = model("plain", {"code": "string"})
    build(postgres_large, [optional])
    required = model("plain", {"code": {"type": "string", "required": True, "default": "d"}})
    statements = compile_migration(migration(optional, required), "postgresql", revision=1, large=True)
    postgres_large.run([s for s in statements if s.phase == "transaction"])
    with pytest.raises(Exception, match="check constraint"):
        postgres_large.query(f'INSERT INTO "{optional.name}" (code) VALUES (NULL)')
    insert(postgres_large, required)
    assert rows(postgres_large, required.name, "code")[0][1] == "d"

"""Rows that tasks want written: stored in the form of their fields, all of a task or none, never on a lie."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from reconciler.database.connection import Connection, connect
from reconciler.database.dynamic_model import Models
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.ids import Ids, highest, reserve
from reconciler.database.rows.live_models import LiveModels
from reconciler.errors import Conflict, RowRefused
from reconciler.spec.tables import tables_of
from reconciler.spec.task import Write, WriteMode
from tests.integration.deployed import deploy, type_of
from tests.integration.mapped import engine_of
from tests.integration.test_stored_values import FIELDS

NOW = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)
TASK = "018f0000-0000-7000-8000-000000000000"


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


def apply(connection: Connection, *writes: Write, row: int | None = 0) -> dict[str, Any] | None:
    with connection.transaction():
        return Effects(connection, LiveModels(connection), NOW).apply(TASK, writes, row)


def write(
    connection: Connection,
    model: str,
    values: Mapping[str, Any],
    *,
    mode: WriteMode = "insert",
    key: Sequence[str] = (),
    row_id: int = 0,
    version: str = "1.0.0",
) -> Write:
    """A write of type `demo`; `row_id` of the row that was found, or 0 for a new one."""
    found = bool(row_id)
    if not found:
        (row_id,) = reserve(connection, f"demo__{model}", 1)
    return Write("demo", model, "agent", version, mode, values, row_id, tuple(key), found)


# --- storage forms ------------------------------------------------------------------------------------------

KEPT: list[tuple[str, Any, Any]] = [
    ("string", 'it\'s "quoted" \\ %s ? :a', 'it\'s "quoted" \\ %s ? :a'),
    ("string", "NULL", "NULL"),
    ("text", "", ""),
    ("text", "ä\U0001f680" * 500, "ä\U0001f680" * 500),
    ("integer", -(2**63), -(2**63)),
    ("integer", 2**63 - 1, 2**63 - 1),
    ("number", 3, 3.0),
    ("number", -0.0, 0.0),
    ("number", 5e-324, 5e-324),
    ("decimal", "1.5", Decimal("1.500000")),
    ("decimal", 7, Decimal("7.000000")),
    ("decimal", "-0.000001", Decimal("-0.000001")),
    ("decimal", "9" * 32, Decimal("9" * 32 + ".000000")),
    ("boolean", True, True),
    ("boolean", False, False),
    ("date", "2024-02-29", "2024-02-29"),
    ("datetime", "2026-01-31T12:00:00+14:00", "2026-01-30T22:00:00Z"),
    ("datetime", "2026-01-31T12:00:00.000001Z", "2026-01-31T12:00:00.000001Z"),
    ("datetime", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z"),
    ("datetime", "0099-01-31T12:00:00Z", "0099-01-31T12:00:00Z"),
    ("uuid", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("enum", "100%", "100%"),
    ("json", {"it's": [1, 2.5, {"ä": None}], "big": 2**70}, {"it's": [1, 2.5, {"ä": None}], "big": 2**70}),
    ("json", "7", "7"),
    ("json", 7, 7),
    ("json", [], []),
    ("json", False, False),
    ("list", ["", "it's"], ["", "it's"]),
    ("binary", "AP8=", "AP8="),
    ("binary", "", ""),
]


def test_every_field_type_is_tried() -> None:
    assert {name for name, _, _ in KEPT} | {"reference"} == {*FIELDS}


def test_values_are_stored_as_a_mapped_class_stores_them(connection: Connection, database_url: str) -> None:
    """And come back in their one JSON-like form."""
    demo = type_of("demo", {"thing": FIELDS})
    deploy(connection, [demo])
    rows = []
    for name, given, _ in KEPT:
        row = apply(connection, write(connection, "thing", {name: given}))
        assert row is not None
        rows.append(row)
    for (name, given, kept), row in zip(KEPT, rows, strict=True):
        assert row[name] == kept, (name, given)
        assert type(row[name]) is type(kept), (name, given)
    definitions = [*tables_of(demo).values()]
    with engine_of(database_url) as engine, Session(engine) as session:
        thing = Models(definitions)["demo__thing"]
        mapped = session.scalars(sa.select(thing).order_by(thing.id)).all()
        for (name, _, kept), row in zip(KEPT, mapped, strict=True):
            assert getattr(row, name) == mapped_value(name, kept), name
        # The other way round: what a mapped class wrote means the same here.
        for row in mapped:
            session.expunge(row)
            sa.orm.make_transient(row)
            row.id = None
            session.add(row)
        session.commit()
    model = LiveModels(connection).get("demo", "thing")
    names = [name for name in model.field_names if name in FIELDS]
    stored = connection.execute(f"SELECT {model.columns_sql(names)} FROM {model.quoted} ORDER BY id")
    again = [model.loaded(row, names) for row in stored]
    assert again[: len(KEPT)] == again[len(KEPT) :]


def mapped_value(name: str, kept: Any) -> Any:
    """The Python value that a mapped class has for a JSON-like one."""
    match name:
        case "date":
            return date.fromisoformat(kept)
        case "datetime":
            return datetime.fromisoformat(kept)
        case "uuid":
            return UUID(kept)
        case "binary":
            return base64.b64decode(kept)
        case _:
            return kept


def test_a_row_has_its_system_columns_and_defaults(connection: Connection) -> None:
    fields = {
        "text": "string",
        "size": {"type": "integer", "default": 3},
        "tags": {"type": "list", "items": "string", "default": ["a"]},
    }
    deploy(connection, [type_of("demo", {"thing": fields})])
    one = write(connection, "thing", {"text": "x"})
    assert apply(connection, one) == {
        "id": one.row_id,
        "task_id": TASK,
        "agent": "agent",
        "type_version": "1.0.0",
        "created_at": "2026-01-31T12:00:00.250000Z",
        "deleted_at": None,
        "size": 3,
        "tags": ["a"],
        "text": "x",
    }
    given = apply(connection, write(connection, "thing", {"text": None, "size": None}))
    assert given is not None
    assert (given["text"], given["size"], given["tags"]) == (None, None, ["a"])


# --- what a row may not be ------------------------------------------------------------------------------------

STRICT = {
    "other": {"name": "string"},
    "thing": {
        "fields": {
            "code": {"type": "string", "unique": True, "max_length": 5, "sensitive": True},
            "first": "string",
            "second": "string",
            "size": {"type": "integer", "min": 0, "max": 9},
            "other": {"type": "reference", "model": "other"},
            "needed": {"type": "string", "required": True},
            "sealed": {"type": "text", "encrypted": True},
        },
        "unique": [["first", "second"]],
        "checks": [{"name": "small_if_named", "expression": "first is null or size < 5"}],
    },
}

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"code": "taken"}, "another row of `thing` has the same `code`", "thing/code"),
    ({"first": "a", "second": "b"}, "another row of `thing` has the same `first`, `second`", "thing/first"),
    ({"other": 77}, "`other` refers to a row that is not there", "thing/other"),
    ({"first": "c", "size": 7}, "the row contradicts the check `small_if_named`", "thing"),
    ({"needed": None}, "`needed`: a value is required here", "thing/needed"),
    ({"size": 10}, "`size`: 10 is more than the largest allowed, 9", "thing/size"),
    ({"siez": 1}, "`siez`: there is no value `siez`", "thing/siez"),
    ({"task_id": "x"}, "`task_id`: there is no value `task_id`", "thing/task_id"),
    ({"code": "secret"}, "`code`: a sensitive value does not fit (value-length)", "thing/code"),
    ({"first": "a\0b"}, "a text cannot hold NUL characters or lone surrogates", "thing"),
    ({"sealed": "x"}, "an encrypted field cannot be written without its key", "thing"),
]


@pytest.mark.parametrize(("values", "message", "where"), REFUSED, ids=[r[1] for r in REFUSED])
def test_a_row_that_is_not_acceptable_is_refused_with_its_reason(
    connection: Connection, values: dict[str, Any], message: str, where: str
) -> None:
    """The rows before it are not kept either, and the reason tells no value of a sensitive field."""
    deploy(connection, [type_of("demo", STRICT)])
    apply(
        connection,
        write(connection, "thing", {"code": "taken", "first": "a", "second": "b", "needed": "x", "size": 1}),
    )
    before = write(connection, "other", {"name": "before"})
    with pytest.raises(RowRefused) as refusal:
        apply(connection, before, write(connection, "thing", {"needed": "x", **values}))
    assert refusal.value.message == message
    assert refusal.value.where == where
    assert "secret" not in f"{refusal.value.message} {refusal.value.hint}"
    assert connection.execute("SELECT count(*) FROM demo__other") == [(0,)]


def test_a_constraint_that_only_the_database_knows_is_named(connection: Connection) -> None:
    """One that its table has although the live type says nothing of it."""
    deploy(connection, [type_of("demo", {"thing": {"size": {"type": "integer", "max": 5}}})])
    deploy(connection, [type_of("demo", {"thing": {"size": "integer"}})], build=False)
    with pytest.raises(RowRefused) as refusal:
        apply(connection, write(connection, "thing", {"size": 6}))
    assert refusal.value.message == "`size` contradicts its `maximum`"


# --- what has changed meanwhile -------------------------------------------------------------------------------


def test_a_model_that_is_gone_is_a_conflict(connection: Connection) -> None:
    deploy(connection, [type_of("demo", {"thing": {"a": "string"}, "other": {"a": "string"}})])
    one, two = write(connection, "thing", {"a": "x"}), write(connection, "other", {"a": "x"})
    deploy(connection, [type_of("demo", {"thing": {"a": "string"}}, version="2.0.0")], build=False)
    connection.execute("DROP TABLE demo__thing")
    for lost in (one, two):
        with pytest.raises(Conflict):
            apply(connection, lost)


def test_a_field_that_is_gone_or_new_is_a_conflict(connection: Connection) -> None:
    """The task ran on another version of the type: it is not its fault, and it runs again on this one."""
    deploy(connection, [type_of("demo", {"thing": {"a": "string", "b": "string"}})])
    one = write(connection, "thing", {"a": "x", "b": "y"})
    with connection.transaction():
        connection.execute("ALTER TABLE demo__thing DROP COLUMN b")
    with pytest.raises(Conflict):
        apply(connection, one)
    narrow = {"thing": {"a": {"type": "string", "max_length": 1}, "c": {"type": "string", "required": True}}}
    deploy(connection, [type_of("demo", narrow, version="2.0.0")], build=False)
    with pytest.raises(Conflict):
        apply(connection, one)


def test_an_id_that_is_taken_or_was_never_given_out_is_a_conflict(connection: Connection) -> None:
    deploy(connection, [type_of("demo", {"thing": {"a": "string"}})])
    one = write(connection, "thing", {"a": "x"})
    apply(connection, one)
    for row_id in (one.row_id, one.row_id + 1, 2**62, 0, -1):
        with pytest.raises(Conflict):
            apply(connection, Write("demo", "thing", "agent", "1.0.0", "insert", {"a": "y"}, row_id))
    assert connection.execute("SELECT count(*) FROM demo__thing") == [(1,)]
    assert reserve(connection, "demo__thing", 1) == [one.row_id + 1]


KEYED = {"thing": {"key": {"type": "string", "unique": True}, "n": "integer"}}


def test_an_upsert_writes_the_row_that_was_found_or_a_new_one(connection: Connection) -> None:
    deploy(connection, [type_of("demo", KEYED)])
    new = write(connection, "thing", {"key": "a", "n": 1}, mode="upsert", key=["key"])
    apply(connection, new)
    row = apply(
        connection,
        write(connection, "thing", {"key": "a", "n": 2}, mode="upsert", key=["key"], row_id=new.row_id),
    )
    assert row is not None
    assert (row["id"], row["n"], row["created_at"]) == (new.row_id, 2, "2026-01-31T12:00:00.250000Z")


def test_a_row_another_task_wrote_first_is_a_conflict(connection: Connection) -> None:
    deploy(connection, [type_of("demo", KEYED)])
    ours = write(connection, "thing", {"key": "a", "n": 1}, mode="upsert", key=["key"])
    apply(connection, write(connection, "thing", {"key": "a", "n": 2}, mode="upsert", key=["key"]))
    with pytest.raises(Conflict, match="another task wrote the row"):
        apply(connection, ours)


@pytest.mark.parametrize("mode", ["upsert", "update"])
@pytest.mark.parametrize("change", ["DELETE FROM demo__thing", "UPDATE demo__thing SET \"key\" = 'b'"])
def test_a_row_that_is_no_longer_what_was_found_is_a_conflict(
    connection: Connection, mode: WriteMode, change: str
) -> None:
    deploy(connection, [type_of("demo", KEYED)])
    new = write(connection, "thing", {"key": "a", "n": 1})
    apply(connection, new)
    connection.execute(change)
    with pytest.raises(Conflict, match="no longer there"):
        apply(
            connection,
            write(connection, "thing", {"key": "a", "n": 2}, mode=mode, key=["key"], row_id=new.row_id),
        )


def test_what_was_deleted_softly_is_brought_back_by_an_upsert_only(connection: Connection) -> None:
    deploy(connection, [type_of("demo", KEYED)])
    new = write(connection, "thing", {"key": "a", "n": 1})
    apply(connection, new)
    connection.execute("UPDATE demo__thing SET deleted_at = created_at")
    again = {"key": ["key"], "row_id": new.row_id}
    with pytest.raises(Conflict):
        apply(connection, write(connection, "thing", {"key": "a", "n": 2}, mode="update", **again))
    row = apply(connection, write(connection, "thing", {"key": "a", "n": 3}, mode="upsert", **again))
    assert row is not None
    assert (row["n"], row["deleted_at"]) == (3, None)


def test_a_row_may_refer_to_one_written_before_it(connection: Connection) -> None:
    models = {
        "parent": {"name": "string"},
        "child": {"parent": {"type": "reference", "model": "parent", "required": True}},
    }
    deploy(connection, [type_of("demo", models)])
    parent = write(connection, "parent", {"name": "x"})
    row = apply(connection, parent, write(connection, "child", {"parent": parent.row_id}), row=1)
    assert row is not None
    assert row["parent"] == parent.row_id


# --- ids --------------------------------------------------------------------------------------------------------


def test_ids_are_never_given_twice(connection: Connection, database_url: str) -> None:
    deploy(connection, [type_of("demo", {"thing": {"a": "string"}})])
    assert highest(connection, "demo__thing") == 0
    taken: list[int] = []
    with connect(database_url) as other:
        mine, theirs = (Ids(lambda table, n, on=on: reserve(on, table, n)) for on in (connection, other))
        for _ in range(50):
            taken += [mine.take("demo__thing"), theirs.take("demo__thing")]
        apply(connection, Write("demo", "thing", "agent", "1.0.0", "insert", {"a": "x"}, taken[-1]))
        ((by_database,),) = connection.execute("INSERT INTO demo__thing (a) VALUES ('y') RETURNING id")
    assert len({*taken, by_database}) == 101
    assert highest(connection, "demo__thing") == by_database


def test_a_single_row_leaves_no_gap(connection: Connection) -> None:
    deploy(connection, [type_of("demo", {"thing": {"a": "string"}})])
    asked: list[int] = []

    def reserving(table: str, count: int) -> list[int]:
        asked.append(count)
        return reserve(connection, table, count)

    for expected in (1, 2):
        assert Ids(reserving).take("demo__thing") == expected
    ids = Ids(reserving)
    assert [ids.take("demo__thing") for _ in range(7)] == [3, 4, 5, 6, 7, 8, 9]
    assert asked == [1, 1, 1, 2, 4]


def test_there_are_no_ids_of_a_table_that_is_gone(connection: Connection) -> None:
    deploy(connection, [])
    with pytest.raises(Conflict):
        reserve(connection, "demo__thing", 1)

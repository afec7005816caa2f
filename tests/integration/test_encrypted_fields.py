"""Encrypted fields on both databases: by rows of tasks, by mapped classes, through rotations of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from reconciler.database import records
from reconciler.database.connection import Connection, connect
from reconciler.database.dynamic_model import DynamicModel, Models
from reconciler.database.encryption import Keyring, Unsealable, key_of
from reconciler.database.rotation import rotate
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.ids import reserve
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.queries import RowQuery, every_row, page
from reconciler.database.storable import UnfitValue
from reconciler.database.tasks import claim
from reconciler.database.tasks.sealed_input import opened_task
from reconciler.execution.beginning import job_of
from reconciler.execution.jobs import Done
from reconciler.execution.tasks import TaskQueue
from reconciler.spec.tables import tables_of
from reconciler.spec.task import Write
from tests.integration.deployed import agent_of, deploy, type_of
from tests.integration.mapped import engine_of
from tests.integration.test_row_effects import KEPT, mapped_value
from tests.integration.test_stored_values import FIELDS

OLD, NEW = b"o" * 32, b"n" * 32
RING = Keyring({"k1": OLD})
NOW = datetime(2026, 1, 31, tzinfo=UTC)
ENCRYPTABLE = {
    name: {**field, "encrypted": True} for name, field in FIELDS.items() if name not in ("reference", "enum")
}
VALUES = [(name, given, kept) for name, given, kept in KEPT if name in ENCRYPTABLE]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


def insert(connection: Connection, values: dict[str, Any], cipher: Cipher = RING) -> int:
    (row_id,) = reserve(connection, "demo__thing", 1)
    write = Write("demo", "thing", "agent", "1.0.0", "insert", values, row_id, (), False)
    with connection.transaction():
        Effects(connection, LiveModels(connection, cipher), NOW).apply("t1", [write])
    return row_id


def rows(connection: Connection, cipher: Cipher = RING, **query: Any) -> list[dict[str, Any]]:
    models = LiveModels(connection, cipher)
    return page(connection, models, models.get("demo", "thing"), RowQuery(order_by=["id"], **query)).rows


def stored(connection: Connection, column: str = "text") -> list[bytes]:
    found = connection.execute(f'SELECT "{column}" FROM demo__thing ORDER BY id')
    return [bytes(value) for (value,) in found if value is not None]


def deploy_recorded(connection: Connection) -> None:
    """The type with its table in the catalog, where a rotation finds it."""
    deploy(connection, [SECRET])
    ((name, table),) = tables_of(SECRET).items()
    text = table.model_dump_json()
    with connection.transaction():
        record = records.TableRecord(name, "demo", "thing", text, "d", "{}", "f", "live", 1)
        records.put_tables(connection, [record])


SECRET = type_of("demo", {"thing": {"text": {"type": "text", "encrypted": True}, "size": "integer"}})


def test_values_of_every_type_come_back_as_they_were(connection: Connection) -> None:
    deploy(connection, [type_of("demo", {"thing": ENCRYPTABLE})])
    for name, given, _ in VALUES:
        insert(connection, {name: given})
    for (name, _, kept), row in zip(VALUES, rows(connection, limit=100), strict=True):
        assert row[name] == kept, name
        assert type(row[name]) is type(kept), name


def test_mapped_classes_read_and_write_the_same(connection: Connection, database_url: str) -> None:
    demo = type_of("demo", {"thing": ENCRYPTABLE})
    deploy(connection, [demo])
    for name, given, _ in VALUES:
        insert(connection, {name: given})
    with engine_of(database_url) as engine, Session(engine) as session:
        thing = Models(tables_of(demo).values(), RING)["demo__thing"]
        mapped = session.scalars(sa.select(thing).order_by(thing.id)).all()
        for (name, _, kept), row in zip(VALUES, mapped, strict=True):
            value = mapped_value(name, kept)
            assert getattr(row, name) == value, name
            session.add(thing(**{name: value}))
        session.commit()
    found = rows(connection, limit=100)
    count = len(VALUES)
    for (name, _, _), row, again in zip(VALUES, found[:count], found[count:], strict=True):
        assert again[name] == row[name], name


def test_a_mapped_row_can_be_changed(connection: Connection, database_url: str) -> None:
    deploy(connection, [SECRET])
    with engine_of(database_url) as engine, Session(engine) as session:
        thing = Models(tables_of(SECRET).values(), RING)["demo__thing"]
        row: DynamicModel = thing(text="first", size=1)
        session.add(row)
        session.commit()
        assert row.text == "first"  # type: ignore[attr-defined]
        row.text = "canary"  # type: ignore[attr-defined]
        session.commit()
        assert session.scalars(sa.select(thing)).one().text == "canary"  # type: ignore[attr-defined]
        row.text = None  # type: ignore[attr-defined]
        session.commit()
        assert connection.execute("SELECT text FROM demo__thing") == [(None,)]
        with pytest.raises(UnfitValue, match="without its key"):
            session.execute(sa.insert(thing).values(text__sealed="in the clear"))


def test_without_a_key_nothing_is_written_and_nothing_is_read(connection: Connection) -> None:
    deploy(connection, [SECRET])
    insert(connection, {"text": "canary"})
    assert "text" not in rows(connection, NO_KEY)[0]
    with pytest.raises(UnfitValue, match="read without its key"):
        rows(connection, NO_KEY, fields=["text"])
    with pytest.raises(Unsealable, match="'k1', which is not known here"):
        rows(connection, Keyring({"k2": NEW}))


def test_fields_are_opened_though_the_id_was_not_asked_for(connection: Connection) -> None:
    deploy(connection, [SECRET])
    insert(connection, {"text": "canary"})
    assert rows(connection, fields=["text"]) == [{"text": "canary"}]
    model = LiveModels(connection, RING).get("demo", "thing")
    assert [*every_row(connection, model, RowQuery(fields=["text"]))] == [{"text": "canary"}]


def test_values_swapped_between_two_rows_are_noticed(connection: Connection) -> None:
    deploy(connection, [SECRET])
    one, two = insert(connection, {"text": "a"}), insert(connection, {"text": "b"})
    first, second = stored(connection)
    connection.execute("UPDATE demo__thing SET text = ? WHERE id = ?", (second, one))
    connection.execute("UPDATE demo__thing SET text = ? WHERE id = ?", (first, two))
    with pytest.raises(Unsealable, match="was moved there, or altered"):
        rows(connection)


def test_the_output_of_a_task_holds_nothing_that_is_encrypted(connection: Connection) -> None:
    deploy(connection, [SECRET])
    (row_id,) = reserve(connection, "demo__thing", 1)
    write = Write(
        "demo", "thing", "agent", "1.0.0", "insert", {"text": "canary", "size": 1}, row_id, (), False
    )
    with connection.transaction():
        output = Effects(connection, LiveModels(connection, RING), NOW).apply("t1", [write], 0)
    assert output is not None
    assert output["size"] == 1
    assert "text" not in output


# --- rotation -----------------------------------------------------------------------------------------------

BOTH = Keyring({"k2": NEW, "k1": OLD})


def test_a_rotation_brings_every_value_under_the_newest_key(connection: Connection) -> None:
    deploy_recorded(connection)
    for number in range(7):
        insert(connection, {"text": f"secret {number}"})
    insert(connection, {"size": 1})
    done = rotate(connection, BOTH, actor="ann", reason="yearly", batch=3)
    assert (done.rows, done.left, done.unopened) == (7, 0, 0)
    assert {key_of(value) for value in stored(connection, "text")[:7]} == {"k2"}
    found = rows(connection, Keyring({"k2": NEW}))
    assert [row["text"] for row in found] == [*(f"secret {number}" for number in range(7)), None]
    assert rotate(connection, BOTH).rows == 0
    newest, *_ = records.audit_trail(connection)
    assert (newest.entry.action, newest.entry.address) == ("rotate", "keys")


def test_a_rotation_leaves_what_it_cannot_open_and_tells_of_it(connection: Connection) -> None:
    deploy_recorded(connection)
    insert(connection, {"text": "a"})
    lost = insert(connection, {"text": "b"}, Keyring({"k0": b"x" * 32}))
    done = rotate(connection, BOTH)
    assert (done.rows, done.left, done.unopened) == (1, 1, 1)
    assert done.reasons[0].startswith(f"demo__thing id {lost}: ")
    assert "'k0'" in done.reasons[0]


def test_a_rotation_goes_on_where_another_was_stopped(connection: Connection) -> None:
    deploy_recorded(connection)
    for number in range(9):
        insert(connection, {"text": f"secret {number}"})

    class StoppedError(Exception):
        pass

    def stop(table: str, count: int) -> None:
        if count >= 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        rotate(connection, BOTH, batch=3, progress=stop)
    keys = [key_of(value) for value in stored(connection)]
    assert keys == ["k2"] * 6 + ["k1"] * 3
    assert [row["text"] for row in rows(connection, BOTH)] == [f"secret {number}" for number in range(9)]
    assert rotate(connection, BOTH, batch=3).rows == 3


# --- inputs that wait ---------------------------------------------------------------------------------------

LETTERS = type_of("letters", input={"text": {"type": "text", "sensitive": True}, "size": "integer"})


def test_a_sensitive_input_waits_sealed_and_is_opened_for_its_task_alone(connection: Connection) -> None:
    deploy(connection, [LETTERS], [agent_of("ann", "letters")])
    for text in ("canary", "other"):
        TaskQueue(connection, cipher=RING).submit("ann", {"text": text, "size": 1})
    ((first,), (second,)) = connection.execute("SELECT input FROM tasks ORDER BY id")
    assert "canary" not in first
    one, two = claim(connection, "w", 2, ttl=60)
    assert opened_task(one.task, RING).input == {"text": "canary", "size": 1}
    swapped = replace(one.task, input=two.task.input)
    with pytest.raises(Unsealable, match="was moved there"):
        opened_task(swapped, RING)
    job = job_of(one, None, NO_KEY)
    assert isinstance(job, Done)
    assert job.result.failure is not None
    assert job.result.failure.code == "unavailable"
    assert second != first


def test_inputs_that_wait_are_rotated_too(connection: Connection) -> None:
    deploy(connection, [LETTERS], [agent_of("ann", "letters")])
    TaskQueue(connection, cipher=RING).submit("ann", {"text": "canary"})
    assert rotate(connection, BOTH).rows == 1
    (one,) = claim(connection, "w", 1, ttl=60)
    assert opened_task(one.task, Keyring({"k2": NEW})).input["text"] == "canary"


def test_without_a_key_inputs_wait_as_they_are(connection: Connection) -> None:
    deploy(connection, [LETTERS], [agent_of("ann", "letters")])
    TaskQueue(connection).submit("ann", {"text": "plain"})
    (one,) = claim(connection, "w", 1, ttl=60)
    assert opened_task(one.task, NO_KEY).input["text"] == "plain"

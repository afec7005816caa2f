"""Values of every field type: what is stored comes back; what one database could not keep neither gets."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from reconciler.database.dynamic_model import Models
from reconciler.database.storable import UnfitValue
from reconciler.spec.fields import FieldType

from .mapped import agent_type, session_on, tables

TEXTS = [
    "",
    " \t\r\n\x01\x7f ",
    'it\'s "quoted" \\ %s %(a)s :name ? {} ; --',
    "NULL",
    "\ufeff\u2028 e\u0301 \u202eright to left",
    "\U0001f9d1\u200d\U0001f680" * 500,
]
WORDS = [":smile", "100%", "%s", "%(a)s", "it's", "a\\b", "\\:x", '"q"', "ä :b"]
FIELDS: dict[str, dict[str, Any]] = {
    "string": {"type": "string", "max_length": 10_000},
    "text": {"type": "text"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "decimal", "precision": 38, "scale": 6},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
    "datetime": {"type": "datetime"},
    "uuid": {"type": "uuid"},
    "enum": {"type": "enum", "values": WORDS},
    "json": {"type": "json"},
    "list": {"type": "list", "items": "string"},
    "binary": {"type": "binary"},
    "reference": {"type": "reference", "model": "thing"},
}
NASTY: dict[str, list[Any]] = {
    "string": TEXTS,
    "text": [*TEXTS, "x" * 100_000],
    "integer": [0, -1, 2**63 - 1, -(2**63)],
    "number": [0.1, -1.5, 1.7976931348623157e308, 5e-324, 2.0**53 + 2, 1e16],
    "decimal": [Decimal(f"{'9' * 32}.999999"), Decimal("-0.000001"), Decimal(0), Decimal("1.5")],
    "boolean": [True, False],
    "date": [date.min, date.max, date(2024, 2, 29)],
    "datetime": [
        datetime(1, 1, 2, tzinfo=UTC),
        datetime(9999, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=14))),
        # The second of the two half past two of that night.
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC),
    ],
    "uuid": [UUID(int=0), UUID(int=2**128 - 1)],
    "enum": WORDS,
    "json": [{}, [], "", 0, False, {"": None, "it's": [1, 2.5, {"ä": '"\\'}]}, [None], [2**70], "\U0001f680"],
    "list": [[], ["", "it's", "ä\n"]],
    "binary": [b"", b"\0", bytes(range(256))],
    "reference": [1],
}
THING = tables(agent_type("demo", thing=FIELDS))


def test_every_field_type_is_tried() -> None:
    assert {*FIELDS} == {*NASTY} == {field_type.value for field_type in FieldType}


def test_values_of_every_type_come_back_as_they_were(database_url: str) -> None:
    with session_on(database_url, THING) as session:
        thing = Models(THING)["demo__thing"]
        rows = [(name, value) for name, values in NASTY.items() for value in [*values, None]]
        for name, value in rows:
            session.add(thing(**{name: value}))
            session.flush()
        session.commit()
        session.expunge_all()
        kept = session.scalars(sa.select(thing).order_by(thing.id)).all()
    for (name, value), row in zip(rows, kept, strict=True):
        back = getattr(row, name)
        assert back == value, name
        assert type(back) is type(value), name


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("decimal", Decimal("-0"), "0.000000"),
        ("decimal", Decimal("-0.0000001"), "0.000000"),
        ("decimal", Decimal("2.0000005"), "2.000000"),
        ("decimal", 2.675, "2.675000"),
        ("decimal", 7, "7.000000"),
        ("number", -0.0, "0.0"),
        ("number", 3, "3.0"),
        ("datetime", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-5))), "2026-01-01 05:00:00+00:00"),
    ],
)
def test_a_value_has_one_form(database_url: str, name: str, given: Any, kept: str) -> None:
    """Both zeros are one, decimals have their column's scale, and datetimes are in UTC."""
    with session_on(database_url, THING) as session:
        row = Models(THING)["demo__thing"](**{name: given})
        session.add(row)
        session.commit()
        assert str(getattr(row, name)) == kept


REFUSED: list[tuple[str, Any, str]] = [
    ("string", "a\0b", "NUL"),
    ("string", 7, "not a text"),
    ("text", "\ud800", "surrogates"),
    ("enum", "\0", "NUL"),
    ("integer", 2**63, "64 bits"),
    ("integer", -(2**63) - 1, "64 bits"),
    ("integer", 1.5, "64 bits"),
    ("integer", "7", "64 bits"),
    ("number", float("nan"), "finite"),
    ("number", float("-inf"), "finite"),
    ("number", 10**400, "finite"),
    ("decimal", Decimal("NaN"), "38 digits"),
    ("decimal", Decimal("sNaN"), "38 digits"),
    ("decimal", Decimal("Infinity"), "38 digits"),
    ("decimal", Decimal(10) ** 32, "38 digits"),
    ("decimal", "seven", "38 digits"),
    ("datetime", datetime(2026, 1, 1), "time zone"),
    ("datetime", "2026-01-01", "time zone"),
    ("datetime", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "years 1 to 9999"),
    ("json", {"a": [float("nan")]}, "finite"),
    ("json", {"a\0": 1}, "NUL"),
    ("json", ["\udfff"], "surrogates"),
    ("json", {1: 2}, "keys"),
    ("json", {"a": date.min}, "date"),
    ("json", 2**70, "64 bits"),
    ("list", [b""], "bytes"),
]


@pytest.mark.parametrize(("name", "value", "said"), REFUSED, ids=[f"{n}-{s}" for n, _, s in REFUSED])
def test_a_value_that_cannot_be_kept_is_refused_with_its_reason(name: str, value: Any, said: str) -> None:
    """Before any database is asked, so that it is the same on both; the value itself is not told."""
    thing = Models(THING)["demo__thing"]
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(UnfitValue) as refusal:
        connection.execute(sa.insert(thing).values({name: value}))
    assert said in str(refusal.value)
    assert refusal.value.http_status == 422
    engine.dispose()


def test_decimals_compare_and_sort_as_numbers(database_url: str) -> None:
    with session_on(database_url, THING) as session:
        thing = Models(THING)["demo__thing"]
        session.add_all(thing(decimal=Decimal(text)) for text in ("9", "10", "-1.5", "0.25"))
        session.flush()

        def chosen(condition: Any) -> list[Decimal]:
            return [
                *session.scalars(sa.select(thing.decimal).where(condition).order_by(thing.decimal.desc()))
            ]

        assert chosen(thing.decimal > 5) == [10, 9]
        assert chosen(thing.decimal <= Decimal("0.25")) == [Decimal("0.25"), Decimal("-1.5")]
        assert chosen(thing.decimal.between(0, "9")) == [9, Decimal("0.25")]
        assert chosen(thing.decimal == Decimal("9.000")) == [9]
        assert chosen(thing.decimal.in_([10, -1.5])) == [10, Decimal("-1.5")]
        assert chosen(thing.decimal > thing.id) == [10, 9]
        assert session.scalar(sa.select(sa.func.sum(thing.decimal))) == Decimal("17.75")


def test_an_integer_compares_with_any_number(database_url: str) -> None:
    with session_on(database_url, THING) as session:
        thing = Models(THING)["demo__thing"]
        session.add_all(thing(integer=number) for number in (1, 2, 3))
        session.flush()
        assert [*session.scalars(sa.select(thing.integer).where(thing.integer > 1.5))] == [2, 3]


def test_json_is_asked_by_key(database_url: str) -> None:
    with session_on(database_url, THING) as session:
        thing = Models(THING)["demo__thing"]
        session.add_all([thing(json={"a": {"b": "x"}}), thing(json={"a": 1})])
        session.flush()
        inner = thing.json[("a", "b")].as_string()
        assert [*session.scalars(sa.select(thing.id).where(inner == "x"))] == [1]


def test_an_encrypted_field_is_neither_written_nor_read_without_a_key(database_url: str) -> None:
    definitions = tables(agent_type("demo", thing={"secret": {"type": "text", "encrypted": True}}))
    with session_on(database_url, definitions) as session:
        thing = Models(definitions)["demo__thing"]
        session.add(thing(secret=None))
        session.commit()
        session.add(thing(secret="in the clear"))
        with pytest.raises(UnfitValue, match="without its key"):
            session.flush()
        session.rollback()
        session.execute(sa.text("UPDATE demo__thing SET secret = :bytes"), {"bytes": b"\1"})
        session.expire_all()
        with pytest.raises(UnfitValue, match="read without its key"):
            session.scalars(sa.select(thing)).one().secret  # noqa: B018 - reading it is what fails


DEFAULTS: dict[str, Any] = {
    "string": "it's :a %s",
    "text": "",
    "integer": -(2**63),
    "number": 1e-300,
    "decimal": -0.0,
    "boolean": False,
    "date": "2024-02-29",
    "datetime": "2024-02-29T12:00:00.5+02:00",
    "uuid": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
    "enum": ":smile",
    "json": {"it's": [1, None, ":a", "%s"]},
    "list": ["ä", ""],
}


def test_the_default_of_the_class_is_the_default_of_the_database(database_url: str) -> None:
    fields = {name: {**FIELDS[name], "default": default} for name, default in DEFAULTS.items()}
    definitions = tables(agent_type("demo", thing=fields))
    with session_on(database_url, definitions) as session:
        thing = Models(definitions)["demo__thing"]
        session.add(thing())
        session.flush()
        session.execute(sa.text("INSERT INTO demo__thing (task_id) VALUES (NULL)"))
        session.expunge_all()
        by_class, by_database = session.scalars(sa.select(thing).order_by(thing.id)).all()
        for name in fields:
            ours, theirs = getattr(by_class, name), getattr(by_database, name)
            assert ours is not None
            assert repr(ours) == repr(theirs), name
        age = datetime.now(UTC) - by_database.created_at
        assert timedelta(seconds=-5) < age < timedelta(minutes=5)


def test_a_default_that_can_be_changed_is_not_shared_between_rows(sqlite_url: str) -> None:
    definitions = tables(agent_type("demo", thing={"data": {"type": "json", "default": {"seen": []}}}))
    with session_on(sqlite_url, definitions) as session:
        thing = Models(definitions)["demo__thing"]
        first, second = thing(), thing()
        session.add(first)
        session.flush()
        first.data["seen"].append(1)
        session.add(second)
        session.flush()
        assert json.dumps(second.data) == '{"seen": []}'

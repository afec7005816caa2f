"""A condition's own answer is the database's answer: random conditions on random rows, asked of both."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.expressions.check_sql import CheckExpression, parse_check
from reconciler.expressions.check_values import canonical_datetime
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

KINDS = {
    "i": FieldType.INTEGER,
    "j": FieldType.INTEGER,
    "r": FieldType.NUMBER,
    "d": FieldType.DECIMAL,
    "t": FieldType.TEXT,
    "u": FieldType.ENUM,
    "b": FieldType.BOOLEAN,
    "c": FieldType.BOOLEAN,
    "day": FieldType.DATE,
    "moment": FieldType.DATETIME,
    "key": FieldType.UUID,
}
COLUMNS = {name: Column(name=name, type=kind) for name, kind in KINDS.items()}
SQLITE = [
    "INTEGER",
    "INTEGER",
    "FLOAT",
    "TEXT",
    "TEXT",
    "TEXT",
    "BOOLEAN",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "CHAR(32)",
]
POSTGRES = ["bigint", "bigint", "double precision", "numeric(18,4)", "text", "varchar(40)"]
POSTGRES += ["boolean", "boolean", "date", "timestamptz", "uuid"]

_INTEGERS = [0, 1, -1, 2, -3, 7, 1000, 2**31, -(2**40)]
_TEXTS = ["", "a", "A", "b", "ab", "Ä", "ä", "zz", "10", "9", "it's", "a\\b", "日本", "𝄞", "a b", "_"]
_DAYS = [date(1999, 12, 31), date(2026, 1, 31), date(2026, 2, 1), date(1, 1, 1)]
_MOMENTS = [
    datetime(2026, 1, 31, 23, 30, tzinfo=UTC) + timedelta(minutes=30 * n, microseconds=n) for n in range(4)
]
_KEYS = [UUID(int=n * 2**100 + n) for n in (0, 1, 200, 2**20)]


def _rows(count: int) -> list[dict[str, Any]]:
    """The same rows at every run; every column is NULL in a good part of them."""
    chance = random.Random(7)
    pools: dict[str, list[Any]] = {
        "i": _INTEGERS,
        "j": _INTEGERS,
        "r": [0.0, 0.5, -2.25, 7.0, 1e10, -1.5],
        "d": [Decimal(text) for text in ("0.0000", "0.5000", "-2.2500", "7.0000", "12.3456")],
        "t": _TEXTS,
        "u": _TEXTS,
        "b": [True, False],
        "c": [True, False],
        "day": _DAYS,
        "moment": _MOMENTS,
        "key": _KEYS,
    }
    return [{n: chance.choice([None, *pool, *pool[:3]]) for n, pool in pools.items()} for _ in range(count)]


ROWS = _rows(40)


def _pick(values: list[Any], written: Any = repr) -> Any:
    return st.sampled_from(values).map(written)


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _between(*parts: Any) -> Any:
    return st.tuples(*parts).map(lambda found: "(" + " ".join(found) + ")")


INTEGERS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["i", "j", "length(t)", "length(u)"]),
        _pick([0, 1, 2, 3, 7, 1000]),
        _between(INTEGERS, st.sampled_from("+-/%"), INTEGERS),
        _between(INTEGERS, st.just("*"), st.sampled_from(["2", "-3"])),
        INTEGERS.map("(- {})".format),
        INTEGERS.map("abs({})".format),
        st.tuples(INTEGERS, INTEGERS).map("coalesce({0[0]}, {0[1]})".format),
    )
)
# Without division: PostgreSQL divides decimals to more digits than a float has.
NUMBERS = st.deferred(
    lambda: st.one_of(
        INTEGERS,
        st.sampled_from(
            ["r", "d", "0.5", "2.25", "1e3", "coalesce(i, 0.5)", "coalesce(d, r)", "coalesce(r, j)"]
        ),
        _between(NUMBERS, st.sampled_from("+-"), NUMBERS),
        NUMBERS.map("abs({})".format),
    )
)
TEXTS = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["t", "u"]),
        _pick(_TEXTS, _text),
        TEXTS.map("lower({})".format),
        TEXTS.map("UPPER({})".format),
        st.tuples(TEXTS, TEXTS).map("coalesce({0[0]}, {0[1]})".format),
    )
)
DATES = st.one_of(st.just("day"), _pick(_DAYS, _text))
MOMENTS = st.one_of(st.just("moment"), _pick([*_MOMENTS, *_DAYS], _text))
KEYS = st.one_of(st.just("key"), _pick(_KEYS, _text))
SIGNS = st.sampled_from(["=", "==", "!=", "<>", "<", "<=", ">", ">="])
FAMILIES = [(NUMBERS, NUMBERS), (TEXTS, TEXTS), (st.just("day"), DATES), (st.just("moment"), MOMENTS)]
FAMILIES += [(st.just("key"), KEYS)]


def _comparisons(left: Any, right: Any) -> Any:
    negation = st.sampled_from(["", "not "])
    return st.one_of(
        _between(left, SIGNS, right),
        st.tuples(left, negation, right, right).map("({0[0]} {0[1]}between {0[2]} and {0[3]})".format),
        st.tuples(left, negation, right, right).map("({0[0]} {0[1]}in ({0[2]}, {0[3]}))".format),
        st.tuples(left, st.sampled_from(["is null", "IS NOT NULL"])).map(" ".join).map("({})".format),
    )


CONDITIONS = st.deferred(
    lambda: st.one_of(
        *(_comparisons(left, right) for left, right in FAMILIES),
        st.sampled_from(
            ["b", "c", "true", "false", "(b = c)", "(b <> true)", "coalesce(b, c)", "(b in (c, false))"]
        ),
        _between(CONDITIONS, st.sampled_from(["and", "or", "AND"]), CONDITIONS),
        CONDITIONS.map("(not {})".format),
        CONDITIONS.map("({} is null)".format),
    )
)
DIVISIONS = _comparisons(_between(NUMBERS, st.just("/"), NUMBERS), NUMBERS)


def _as_stored(name: str, value: Any) -> Any:
    """A value the way the tables of SQLite hold it."""
    match value:
        case Decimal() | date() if not isinstance(value, datetime):
            return str(value)
        case datetime():
            return canonical_datetime(value)
        case UUID():
            return value.hex
    return value


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    declared = ", ".join(f'"{name}" {kind}' for name, kind in zip(KINDS, SQLITE, strict=True))
    connection.execute(f"CREATE TABLE x (n INTEGER, {declared})")
    values = [[n, *(_as_stored(name, value) for name, value in row.items())] for n, row in enumerate(ROWS)]
    connection.executemany(f"INSERT INTO x VALUES (?{', ?' * len(KINDS)})", values)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[psycopg.Connection]:
    try:
        connection = psycopg.connect(
            "postgresql://postgres@127.0.0.1:5432/test", autocommit=True, connect_timeout=2
        )
    except psycopg.OperationalError:
        pytest.skip("no PostgreSQL server")
    declared = ", ".join(f'"{name}" {kind}' for name, kind in zip(KINDS, POSTGRES, strict=True))
    connection.execute(f"CREATE TEMPORARY TABLE x (n int, {declared})")
    with connection.cursor() as cursor:
        rows = [[n, *row.values()] for n, row in enumerate(ROWS)]
        cursor.executemany(f"INSERT INTO x VALUES (%s{', %s' * len(KINDS)})", rows)
    yield connection
    connection.close()


quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _parsed(text: str) -> CheckExpression:
    assume(text.count("(") < 20)
    return parse_check(text, COLUMNS)


def _agrees(condition: CheckExpression, given: list[Any]) -> None:
    answers = [None if answer is None else bool(answer) for answer in given]
    assert [condition.evaluate(row) for row in ROWS] == answers
    stored = [{name: _as_stored(name, value) for name, value in row.items()} for row in ROWS]
    assert [condition.evaluate(row) for row in stored] == answers


@quick
@given(text=st.one_of(CONDITIONS, DIVISIONS))
def test_sqlite_gives_the_same_answer(sqlite: sqlite3.Connection, text: str) -> None:
    condition = _parsed(text)
    answers = sqlite.execute(f"SELECT {condition.sql('sqlite')} FROM x ORDER BY n")
    _agrees(condition, [answer for (answer,) in answers])


@pytest.mark.postgres
@quick
@given(text=CONDITIONS)
def test_postgresql_gives_the_same_answer(postgres: psycopg.Connection, text: str) -> None:
    condition = _parsed(text)
    answers = postgres.execute(f"SELECT {condition.sql('postgresql')} FROM x ORDER BY n").fetchall()
    _agrees(condition, [answer for (answer,) in answers])


CONSTRAINTS = [
    "i < 4 or t is not null",
    "day > '2026-01-31' and moment <= '2026-01-31T12:00Z' and key <> '00000000-0000-0000-0000-000000000001'",
    "lower(t) in ('a', 'b') and length(u) * 2 % 3 = 1 and d / 3 < 1.5 and not b",
]


@pytest.mark.parametrize("text", CONSTRAINTS)
def test_sqlite_takes_a_condition_as_a_check_constraint(sqlite: sqlite3.Connection, text: str) -> None:
    declared = ", ".join(f'"{name}" {kind}' for name, kind in zip(KINDS, SQLITE, strict=True))
    sqlite.execute("DROP TABLE IF EXISTS y")
    sqlite.execute(
        f"CREATE TABLE y ({declared}, CONSTRAINT k CHECK ({parse_check(text, COLUMNS).sql('sqlite')}))"
    )


@pytest.mark.postgres
@pytest.mark.parametrize("text", CONSTRAINTS)
def test_postgresql_takes_a_condition_as_a_check_constraint(postgres: psycopg.Connection, text: str) -> None:
    sql = parse_check(text, COLUMNS).sql("postgresql")
    postgres.execute(f"ALTER TABLE x ADD CONSTRAINT k CHECK ({sql}) NOT VALID")
    postgres.execute("ALTER TABLE x DROP CONSTRAINT k")

"""Row conditions: what parses, what is refused, what SQL comes out."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from reconciler.errors import ExpressionError
from reconciler.expressions.check_sql import Dialect, parse_check
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

COLUMNS = {
    name: Column(name=name, type=kind, encrypted=name == "secret")
    for name, kind in {
        "urgency": FieldType.INTEGER,
        "ratio": FieldType.NUMBER,
        "price": FieldType.DECIMAL,
        "summary": FieldType.TEXT,
        "category": FieldType.ENUM,
        "active": FieldType.BOOLEAN,
        "due": FieldType.DATE,
        "seen": FieldType.DATETIME,
        "key": FieldType.UUID,
        "parent": FieldType.REFERENCE,
        "length": FieldType.INTEGER,
        "null": FieldType.INTEGER,
        "secret": FieldType.TEXT,
        "data": FieldType.JSON,
        "tags": FieldType.LIST,
        "blob": FieldType.BINARY,
    }.items()
}
UUID_TEXT = "550e8400-E29B-41d4-a716-446655440000"

SQL: list[tuple[str, str, str]] = [
    (
        "urgency < 4 or summary is not null",
        '(("urgency" < 4) OR ("summary" IS NOT NULL))',
        '(("urgency" < 4) OR ("summary" IS NOT NULL))',
    ),
    (
        "not urgency = 1 and urgency != 2 or urgency <> 3",
        '(((NOT ("urgency" = 1)) AND ("urgency" <> 2)) OR ("urgency" <> 3))',
        '(((NOT ("urgency" = 1)) AND ("urgency" <> 2)) OR ("urgency" <> 3))',
    ),
    ("active", '"active"', '"active"'),
    (
        "active == TRUE AND NOT active",
        '(("active" = 1) AND (NOT "active"))',
        '(("active" = TRUE) AND (NOT "active"))',
    ),
    ("price >= 0.10", '(CAST("price" AS REAL) >= 0.10)', '("price" >= 0.10)'),
    ("summary < 'it''s'", "(\"summary\" < 'it''s')", "(\"summary\" COLLATE \"C\" < 'it''s')"),
    (r"summary = 'a\'", "(\"summary\" = 'a\\')", "(\"summary\" = E'a\\\\')"),
    ("category in ('a', 'b')", "(\"category\" IN ('a', 'b'))", "(\"category\" IN ('a', 'b'))"),
    (
        "urgency not between -1 and 5",
        '("urgency" NOT BETWEEN (-1) AND 5)',
        '("urgency" NOT BETWEEN (-1) AND 5)',
    ),
    ("due > '2026-01-31'", "(\"due\" > '2026-01-31')", "(\"due\" > DATE '2026-01-31')"),
    (
        "seen < '2026-01-31T12:00+02:00'",
        "(\"seen\" < '2026-01-31 10:00:00.000000')",
        "(\"seen\" < TIMESTAMPTZ '2026-01-31 10:00:00.000000+00')",
    ),
    (
        f"key <> '{UUID_TEXT}'",
        "(\"key\" <> '550e8400e29b41d4a716446655440000')",
        "(\"key\" <> UUID '550e8400e29b41d4a716446655440000')",
    ),
    (
        "length(summary) % 3 = urgency / 2",
        '((length("summary") % 3) = ("urgency" / 2))',
        '((CAST(length("summary") AS bigint) % NULLIF(3, 0)) = ("urgency" / NULLIF(2, 0)))',
    ),
    ("1 / price > 2", '((CAST(1 AS REAL) / CAST("price" AS REAL)) > 2)', '((1 / NULLIF("price", 0)) > 2)'),
    (
        "lower(summary) = coalesce(category, 'x')",
        '(lower("summary") = coalesce("category", \'x\'))',
        '(lower("summary" COLLATE "C") = coalesce("category", \'x\'))',
    ),
    (
        'length > 1 and "null" is null',
        '(("length" > 1) AND ("null" IS NULL))',
        '(("length" > 1) AND ("null" IS NULL))',
    ),
    ("- -urgency < +3", '((-(-"urgency")) < 3)', '((-(-"urgency")) < 3)'),
]


@pytest.mark.parametrize(("text", "sqlite", "postgresql"), SQL)
def test_a_condition_becomes_quoted_and_parenthesised_sql(text: str, sqlite: str, postgresql: str) -> None:
    condition = parse_check(text, COLUMNS)
    assert condition.sql("sqlite") == sqlite
    assert condition.sql("postgresql") == postgresql


REFUSED: list[tuple[str, int, str]] = [
    ("", 0, "expected a value"),
    ("urgency", 0, "a check is a condition, not an integer"),
    ("urgncy < 4", 0, "no field `urgncy`"),
    ("id > 4", 0, "no field `id`"),
    ("secret is null", 0, "encrypted"),
    ("data is null", 0, "json"),
    ("tags is null", 0, "list"),
    ("blob is null", 0, "binary"),
    ("urgency < 'a'", 10, "cannot compare an integer with a text"),
    ("summary = 4", 10, "cannot compare a text with an integer"),
    ("active = 1", 9, "cannot compare true or false with an integer"),
    ("active < true", 7, "true and false"),
    ("due = seen", 4, "cannot compare a date with a time"),
    ("due = 'tomorrow'", 6, "not a date"),
    ("due = '2026-02-30'", 6, "not a date"),
    ("seen = 'now'", 7, "not a time"),
    ("key = 'x'", 6, "not a uuid"),
    ("urgency = null", 10, "`null` can only follow"),
    ("urgency in (1, null)", 15, "`null` can only follow"),
    ("urgency in ()", 12, "expected a value"),
    ("active is true", 10, "expected `null`"),
    ("1 < urgency < 3", 12, "unexpected `<`"),
    ("urgency < 4 and", 15, "expected a value"),
    ("urgency < 4 and 5", 16, "what `and` joins"),
    ("not urgency", 4, "what follows `not`"),
    ("summary like 'a%'", 8, "unexpected `like`"),
    ("summary || 'a' = 'b'", 8, "unexpected character"),
    ("urgency < 4; drop table x", 11, "unexpected character"),
    ("urgency < 4 -- all", 12, "unexpected `--`"),
    ("urgency + summary > 1", 8, "is for numbers"),
    ("ratio % 2 = 1", 6, "for integers"),
    ("pg_sleep(9) = 1", 0, "no function `pg_sleep`"),
    ("length(urgency) = 1", 0, "takes a text"),
    ("coalesce(urgency) = 1", 0, "two values"),
    ("coalesce(urgency, 'a') = 1", 18, "cannot compare"),
    ("length(summary, summary) = 1", 0, "takes one value"),
    ("urgency < 9223372036854775808", 10, "64 bits"),
    ("urgency < 012", 10, "zero"),
    ("ratio < 1e999", 8, "too large"),
    ("summary = 'open", 10, "never closed"),
    ("(" * 60 + "active" + ")" * 60, 40, "nest"),
    ("active" + " and active" * 150, 1107, "operators"),
    ("x" * 5000, 4000, "at most"),
    ("summary = '\0'", 11, "NUL"),
]


@pytest.mark.parametrize(("text", "offset", "part"), REFUSED)
def test_what_is_no_condition_is_refused_where_it_stands(text: str, offset: int, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_check(text, COLUMNS)
    assert part in caught.value.message
    assert caught.value.offset == offset


def test_an_unknown_field_hints_at_the_nearest() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_check("urgncy < 4", COLUMNS)
    assert caught.value.hint == "did you mean `urgency`?"


def test_a_condition_knows_its_columns_and_can_be_told_their_new_names() -> None:
    condition = parse_check("urgency < 4 or coalesce(summary, 'x') between 'a' and category", COLUMNS)
    assert condition.columns == {"urgency", "summary", "category"}
    renamed = condition.sql("sqlite", {"urgency": 'pri"ority', "other": "x"})
    assert '"pri""ority"' in renamed
    assert '"summary"' in renamed


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_text_cannot_leave_its_quotes(dialect: Dialect) -> None:
    sql = parse_check("summary = ''' OR 1=1 --'", COLUMNS).sql(dialect)
    assert sql == "(\"summary\" = ''' OR 1=1 --')"
    assert sqlite3.connect(":memory:").execute(f"SELECT {sql} FROM (SELECT 'x' AS summary)").fetchone() == (
        0,
    )


EVALUATED: list[tuple[str, dict[str, Any], bool | None]] = [
    ("urgency < 4 or summary is not null", {"urgency": 5, "summary": None}, False),
    ("urgency < 4 or summary is not null", {"urgency": 5, "summary": "x"}, True),
    ("urgency < 4", {}, None),
    ("urgency < 4 and false", {}, False),
    ("urgency < 4 or true", {}, True),
    ("price = 1.5", {"price": Decimal("1.50")}, True),
    ("price = 1.5", {"price": "1.50"}, True),
    ("due = '2026-01-31'", {"due": date(2026, 1, 31)}, True),
    ("seen = '2026-01-31'", {"seen": datetime(2026, 1, 31, 2, tzinfo=timezone(timedelta(hours=2)))}, True),
    ("seen > '2026-01-31'", {"seen": datetime(2026, 1, 31, tzinfo=UTC)}, False),
    (f"key = '{UUID_TEXT}'", {"key": UUID(UUID_TEXT)}, True),
    (f"key = '{UUID_TEXT}'", {"key": UUID_TEXT.upper()}, True),
    ("active", {"active": 1}, True),
    ("urgency / 0 = 1", {"urgency": 1}, None),
    ("-7 / urgency = -3", {"urgency": 2}, True),
    ("-7 % urgency = -1", {"urgency": 2}, True),
    ("upper(summary) = 'SSß'", {"summary": "ssß"}, True),
]


@pytest.mark.parametrize(("text", "row", "answer"), EVALUATED)
def test_a_row_gets_its_answer_in_three_valued_logic(
    text: str, row: dict[str, Any], answer: bool | None
) -> None:
    assert parse_check(text, COLUMNS).evaluate(row) is answer

"""Columns of every type, and values that conversions stumble over, in the form in which each database
stores them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from reconciler.database.sql_text import Dialect
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column


def column(kind: FieldType, **limits: Any) -> Column:
    return Column(name="c", type=kind, **limits)


COLUMNS = (
    column(FieldType.STRING),
    column(FieldType.STRING, max_length=5),
    column(FieldType.STRING, max_length=20, default="none"),
    column(FieldType.TEXT),
    column(FieldType.TEXT, max_length=3),
    column(FieldType.INTEGER),
    column(FieldType.INTEGER, default=7),
    column(FieldType.NUMBER),
    column(FieldType.DECIMAL, precision=18, scale=6),
    column(FieldType.DECIMAL, precision=5, scale=2, default=1.5),
    column(FieldType.DECIMAL, precision=3, scale=3),
    column(FieldType.DECIMAL, precision=38, scale=0),
    column(FieldType.BOOLEAN),
    column(FieldType.DATE),
    column(FieldType.DATETIME),
    column(FieldType.UUID),
    column(FieldType.ENUM, values=("a", "b", "true")),
    column(FieldType.ENUM, values=("b", "7"), default="7"),
    column(FieldType.JSON),
    column(FieldType.LIST),
    column(FieldType.BINARY),
    column(FieldType.BINARY, max_length=2),
    column(FieldType.REFERENCE),
    column(FieldType.TEXT, encrypted=True),
)

NASTY_TEXTS = (
    "",
    "a",
    "b",
    "7",
    "007",
    "-0",
    "0",
    " 1",
    "1 ",
    "1\n",
    "+5",
    "-7",
    "1,5",
    "0x10",
    "1_000",
    "٣",
    "１",
    "--1",
    "1-2",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "1" * 400,
    "1.5",
    "1.50",
    "1.500000",
    "-0.00",
    "0.00",
    "0.50",
    ".5",
    "5.",
    "1.2.3",
    "11.2.",
    "19.90",
    "0.123",
    "-1.25",
    "1e5",
    "1e+15",
    "1e999",
    "1e-999",
    "5e-324",
    "4.9e-324",
    "1e+308",
    "1.7976931348623157e+308",
    "NaN",
    "Infinity",
    "inf",
    "0.30000000000000004",
    "0.3333333333333333",
    "true",
    "false",
    "True",
    "t",
    "2024-02-29",
    "2023-02-29",
    "1900-02-29",
    "2000-02-29",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "-0001-01-01",
    "2024-13-01",
    "2024-04-31",
    "2024-1-1",
    "0044-03-15 BC",
    "infinity",
    "now",
    "today",
    "epoch",
    "2024-01-01T10:00:00Z",
    "2024-01-01T10:00:00z",
    "2024-01-01T10:00:00+00:00",
    "2024-01-01T12:00:00+02:00",
    "2024-01-01 10:00:00",
    "2024-01-01T24:00:00Z",
    "2024-01-01T10:00:60Z",
    "2024-01-01T10:00:00.000000Z",
    "2024-01-01T10:00:00.123456Z",
    "2024-01-01T10:00:00.1Z",
    "2024-02-30T10:00:00Z",
    "0000-01-01T00:00:00Z",
    "12345678-1234-1234-1234-123456789abc",
    "12345678-1234-1234-1234-123456789ABC",
    "12345678123412341234123456789abc",
    "{12345678-1234-1234-1234-123456789abc}",
    "zzzzzzzz-1234-1234-1234-123456789abc",
    "ééééé",
    "𝔘" * 6,
    "a'b",
    "%s",
    "?",
)

_INTEGERS = (
    0,
    1,
    -1,
    2,
    999,
    1000,
    10**15,
    2**53,
    2**53 + 1,
    -(2**53) - 1,
    2**63 - 1,
    -(2**63),
    -(2**63) + 1,
)
_FLOATS = (
    0.0,
    -0.0,
    1.0,
    0.1,
    0.1 + 0.2,
    1 / 3,
    0.29,
    1e15,
    1e16,
    1e22,
    2.0**53,
    2.0**63,
    -(2.0**63),
    9.2e18,
    1e300,
    1e308,
    -1.7976931348623157e308,
    5e-324,
    1.5,
    123456.789012,
    999.99,
    999.995,
    1000.0,
    0.001,
    -0.001,
    float("inf"),
    float("-inf"),
)
_DECIMALS = (
    "0",
    "1",
    "-1",
    "0.5",
    "0.001",
    "-0.25",
    "999.99",
    "123456789012.123456",
    "9" * 38,
    "9223372036854775808",
)
_BEYOND_PYTHON = {
    FieldType.NUMBER: ("NaN",),
    FieldType.DECIMAL: ("NaN",),
    FieldType.DATE: ("infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "4714-11-24 BC"),
    FieldType.DATETIME: ("infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "294276-12-31 00:00:00+00"),
}
_OF_ANOTHER_CLASS = (
    "junk",
    "",
    b"\1",
    123456.7,
    "now",
    "-0001-01-01",
    "1\0x",
    "1.500000\0",
    "-0.00",
    "1.2.3",
    5,
    "5",
)


def stored(kind: FieldType, scale: int, dialect: Dialect) -> st.SearchStrategy[Any]:
    """Values for a column of that type, most of which it can hold, as parameters of an INSERT."""
    beyond = _BEYOND_PYTHON.get(kind, ()) if dialect == "postgresql" else _OF_ANOTHER_CLASS
    usual = _usual(kind, scale, dialect)
    return st.one_of(usual, st.none(), st.sampled_from(beyond)) if beyond else st.one_of(usual, st.none())


def _usual(kind: FieldType, scale: int, dialect: Dialect) -> st.SearchStrategy[Any]:
    sqlite = dialect == "sqlite"
    match kind:
        case FieldType.STRING | FieldType.TEXT:
            return st.one_of(st.sampled_from(NASTY_TEXTS), _texts())
        case FieldType.ENUM:
            return st.sampled_from(("a", "b", "7", "true"))
        case FieldType.INTEGER | FieldType.REFERENCE:
            return st.one_of(st.sampled_from(_INTEGERS), st.integers(-(2**63), 2**63 - 1))
        case FieldType.NUMBER:
            return st.one_of(st.sampled_from(_FLOATS), st.floats(allow_nan=False))
        case FieldType.DECIMAL:
            drawn = st.one_of(st.sampled_from(_DECIMALS).map(Decimal), st.decimals(-1000, 1000, places=scale))
            return drawn.map(lambda value: f"{value:.{scale}f}")
        case FieldType.BOOLEAN:
            return st.booleans()
        case FieldType.DATE:
            return st.one_of(st.sampled_from((date.min, date.max, date(2024, 2, 29))), st.dates()).map(str)
        case FieldType.DATETIME:
            moments = st.one_of(
                st.datetimes(), st.dates().map(lambda day: datetime(day.year, day.month, day.day))
            )
            ending = "" if sqlite else "+00"
            return moments.map(
                lambda m: f"{m.replace(tzinfo=UTC):%m-%d %H:%M:%S.%f}{ending}".join((f"{m.year:04}-", ""))
            )
        case FieldType.UUID:
            return st.uuids().map(lambda value: value.hex if sqlite else str(UUID(value.hex)))
        case FieldType.JSON | FieldType.LIST:
            return st.sampled_from(('{"a": 1}', "[]", '"x"'))
        case FieldType.BINARY:
            return st.binary(max_size=4)


def _texts() -> st.SearchStrategy[str]:
    """Canonical texts of other types, and near misses of them."""
    drawn = st.one_of(
        st.integers().map(str),
        st.floats().map(repr),
        st.decimals(-1000, 1000, places=2).map(str),
        st.dates().map(str),
        st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
        st.uuids().map(str),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    )
    return st.one_of(drawn, st.tuples(drawn, st.sampled_from((" ", "0", "\n", "Z"))).map("".join))

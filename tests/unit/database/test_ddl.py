"""The text of tables: types, literals, names, constraints."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.database.bounds import bounds
from reconciler.database.ddl import (
    column_definition,
    column_type,
    create_index,
    create_table,
    foreign_key_name,
    literal,
    primary_key_name,
    sequence_name,
    stored_type,
)
from reconciler.database.sql_text import Dialect, quote, text_literal
from reconciler.spec.agent_type import SYSTEM_FIELDS, ModelSpec
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Index, Table, table_of


def table(fields: dict[str, Any], **more: Any) -> Table:
    return table_of("shop", "order", ModelSpec.model_validate({"fields": fields, **more}))


def column(kind: str, **more: Any) -> Column:
    return Column(name="c", type=FieldType(kind), **more)


@pytest.mark.parametrize(
    ("defined", "sqlite", "postgresql"),
    [
        (column("string"), "TEXT", "text"),
        (column("string", max_length=9), "TEXT", "varchar(9)"),
        (column("text", max_length=9), "TEXT", "text"),
        (column("decimal", precision=8, scale=2), "TEXT", "numeric(8,2)"),
        (column("boolean"), "BOOLEAN", "boolean"),
        (column("datetime"), "DATETIME", "timestamptz"),
        (column("uuid"), "CHAR(32)", "uuid"),
        (column("list"), "JSON", "jsonb"),
        (column("reference"), "INTEGER", "bigint"),
        (column("integer", encrypted=True), "BLOB", "bytea"),
    ],
)
def test_every_type_has_its_storage(defined: Column, sqlite: str, postgresql: str) -> None:
    assert (column_type(defined, "sqlite"), column_type(defined, "postgresql")) == (sqlite, postgresql)


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_no_type_is_left_out(kind: FieldType, dialect: Dialect) -> None:
    assert column_type(column(kind.value), dialect)


@pytest.mark.parametrize(
    ("described", "kept"),
    [
        ("VARCHAR(10) not null default 'x'", "VARCHAR(10)"),
        ("double precision default 1", "double precision"),
        ("numeric(10, 2)", "numeric(10, 2)"),
        ("INTEGER as generated always", "INTEGER"),
        ("", "BLOB"),
        ("'); DROP TABLE x; --", "BLOB"),
    ],
)
def test_of_a_type_made_by_hand_only_the_type_is_taken_over(described: str, kept: str) -> None:
    assert stored_type(column("text", foreign=described), "sqlite") == kept


@pytest.mark.parametrize(
    ("defined", "value", "sqlite", "postgresql"),
    [
        (column("string"), "it's", "'it''s'", "'it''s'"),
        (column("boolean"), True, "1", "true"),
        (column("integer"), 3.0, "3", "3"),
        (column("number"), 1, "1.0", "1.0"),
        (column("decimal", precision=8, scale=2), 1.005, "'1.00'", "1.00"),
        (column("decimal", precision=38, scale=0), "9" * 38, f"'{'9' * 38}'", "9" * 38),
        (
            column("datetime"),
            "2024-05-06T09:08:07+02:00",
            "'2024-05-06 07:08:07.000000'",
            "'2024-05-06 07:08:07.000000+00'",
        ),
        (
            column("datetime"),
            "2024-05-06T09:08:07",
            "'2024-05-06 09:08:07.000000'",
            "'2024-05-06 09:08:07.000000+00'",
        ),
        (
            column("uuid"),
            "6BA7B810-9DAD-11D1-80B4-00C04FD430C8",
            "'6ba7b8109dad11d180b400c04fd430c8'",
            "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
        ),
        (column("json"), {"a": ["é", None]}, '\'{"a": ["é", null]}\'', '\'{"a": ["é", null]}\''),
        (column("json"), None, "NULL", "NULL"),
    ],
)
def test_a_literal_has_the_form_in_which_its_column_is_stored(
    defined: Column, value: Any, sqlite: str, postgresql: str
) -> None:
    assert literal(value, defined, "sqlite") == sqlite
    assert literal(value, defined, "postgresql") == postgresql


@pytest.mark.parametrize(("kind", "value"), [("datetime", "soon"), ("uuid", "x"), ("integer", "many")])
def test_what_is_no_value_of_the_type_is_no_literal(kind: str, value: str) -> None:
    with pytest.raises(ValueError):
        literal(value, column(kind), "postgresql")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_survives_as_a_literal_and_as_a_name(text: str) -> None:
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute(f"SELECT {text_literal(text)} AS {quote('n' + text)}")
    assert cursor.fetchone() == (text,)
    assert cursor.description[0][0] == "n" + text


def test_each_bound_is_a_constraint_with_a_name_of_its_own() -> None:
    defined = table(
        {"n": {"type": "integer", "min": 1, "max": 5}}, checks=[{"name": "n", "expression": "n != 3"}]
    )
    names = [bound.name for bound in bounds(defined.name, defined.columns[0], "sqlite")]
    assert len({*names, defined.checks[0].name}) == 3
    assert all(len(name.encode()) <= 63 for name in names)


@pytest.mark.parametrize(
    ("defined", "sqlite", "postgresql"),
    [
        (column("boolean"), ['"c" IN (0, 1)'], []),
        (column("enum", values=("a", "it's")), ["\"c\" IN ('a', 'it''s')"], ["\"c\" IN ('a', 'it''s')"]),
        (column("decimal", minimum=0), ['CAST("c" AS REAL) >= 0'], ['"c" >= 0']),
        (column("string", max_length=5), ['length("c") <= 5'], []),
        (
            column("text", min_length=1, max_length=5),
            ['length("c") >= 1', 'length("c") <= 5'],
            ['char_length("c") >= 1', 'char_length("c") <= 5'],
        ),
        (column("binary", max_length=5), ['length("c") <= 5'], ['octet_length("c") <= 5']),
        (column("text", max_length=5, encrypted=True), [], []),
    ],
)
def test_bounds_are_held_by_checks_where_the_type_does_not(
    defined: Column, sqlite: list[str], postgresql: list[str]
) -> None:
    assert [bound.condition for bound in bounds("t", defined, "sqlite")] == sqlite
    assert [bound.condition for bound in bounds("t", defined, "postgresql")] == postgresql


def test_an_encrypted_column_has_no_default_in_the_database() -> None:
    defined = column("string", default="secret", encrypted=True, nullable=False)
    assert column_definition("t", defined, "postgresql") == '"c" bytea NOT NULL'


def test_names_of_key_and_sequence_fit_the_longest_table_name_and_differ() -> None:
    long = ["t" * 62 + ending for ending in "ab"]
    names = [f(name) for f in (primary_key_name, sequence_name) for name in long]
    assert len(set(names)) == 4
    assert all(len(name) <= 63 for name in names)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_table_has_the_system_columns(dialect: Dialect) -> None:
    sql = create_table(table({"a": "string"}), dialect)
    positions = [sql.index(f'\n    "{name}" ') for name in (*SYSTEM_FIELDS, "a")]
    assert positions == sorted(positions)


def test_a_table_reads_one_clause_a_line() -> None:
    defined = table(
        {
            "n": {"type": "integer", "min": 1, "required": True, "default": 2},
            "of": {"type": "reference", "model": "order"},
        }
    )
    (minimum,) = bounds(defined.name, defined.columns[0], "postgresql")
    key = foreign_key_name(defined.name, "of")
    assert create_table(defined, "postgresql").splitlines()[-5:] == [
        '    "n" bigint DEFAULT 2 NOT NULL',
        f'        CONSTRAINT "{minimum.name}" CHECK ("n" >= 1),',
        '    "of" bigint',
        f'        CONSTRAINT "{key}" REFERENCES "shop__order" ("id") ON DELETE RESTRICT',
        ")",
    ]


def test_an_index_can_be_built_beside_the_traffic() -> None:
    index = Index(name="uq_a", columns=("a", "b"), unique=True)
    assert create_index("t", index) == 'CREATE UNIQUE INDEX "uq_a"\n    ON "t" ("a", "b")'
    assert create_index("t", index, concurrently=True).startswith('CREATE UNIQUE INDEX CONCURRENTLY "uq_a"')

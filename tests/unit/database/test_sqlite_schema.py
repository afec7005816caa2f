"""A CREATE TABLE statement is understood however it is written, and its words are kept."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.database.live import LiveColumn, LiveTable
from reconciler.database.sqlite_schema import normalised, parse_table, unquoted

COLUMNS = [
    # as written, name, type, not null, default, collation, special, constraints
    ("a", "a", LiveColumn(""), {}),
    ('"a b" VARCHAR(20)', "a b", LiveColumn("VARCHAR(20)"), {}),
    ("[a] DOUBLE\n  PRECISION NOT NULL", "a", LiveColumn("DOUBLE PRECISION", True), {}),
    ("`a` INT DEFAULT NULL", "a", LiveColumn("INT", default="NULL"), {}),
    ("a TEXT DEFAULT 'it''s,  (so' NOT NULL", "a", LiveColumn("TEXT", True, "'it''s,  (so'"), {}),
    (
        "a TEXT DEFAULT -1.5 NULL COLLATE NOCASE",
        "a",
        LiveColumn("TEXT", default="-1.5", collation="NOCASE"),
        {},
    ),
    (
        "a DEFAULT (strftime('%f', 'now') || '000')",
        "a",
        LiveColumn("", default="(strftime('%f', 'now') || '000')"),
        {},
    ),
    (
        "a INT GENERATED ALWAYS AS (b + 1) STORED",
        "a",
        LiveColumn("INT", special="GENERATED ALWAYS AS (b + 1) STORED"),
        {},
    ),
    ("a INT AS (b)", "a", LiveColumn("INT", special="AS (b)"), {}),
    (
        "a INTEGER PRIMARY KEY AUTOINCREMENT",
        "a",
        LiveColumn("INTEGER"),
        {"a: PRIMARY KEY AUTOINCREMENT": "a: PRIMARY KEY AUTOINCREMENT"},
    ),
    (
        'a INT CONSTRAINT "c1" CHECK (a IN (1, 2)) UNIQUE',
        "a",
        LiveColumn("INT"),
        {"c1": "a: CHECK (a IN (1, 2))", "a: UNIQUE": "a: UNIQUE"},
    ),
    (
        "a INT CONSTRAINT 'check' CHECK(((a)>(((1)))))",
        "a",
        LiveColumn("INT"),
        {"check": "a: CHECK(((a)>(((1)))))"},
    ),
    (
        "a INT CONSTRAINT k REFERENCES b (id) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE",
        "a",
        LiveColumn("INT"),
        {"k": "a: REFERENCES b (id) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE"},
    ),
    ("a /* one, two */ INT -- three, (four\n NOT NULL", "a", LiveColumn("INT", True), {}),
]


@pytest.mark.parametrize(("written", "name", "column", "constraints"), COLUMNS, ids=[c[0] for c in COLUMNS])
def test_a_column_is_taken_apart(
    written: str, name: str, column: LiveColumn, constraints: dict[str, str]
) -> None:
    sql = f'CREATE TABLE "t(,x" (\n    {written},\n    b INT DEFAULT 0\n)'
    assert sqlite3.connect(":memory:").execute(sql)
    found = parse_table(sql)
    assert list(found.columns) == [name, "b"]
    assert found.columns[name] == str(column)
    assert LiveColumn.parse(found.columns[name]) == column
    assert found.constraints == constraints


def test_constraints_of_the_table_are_known_by_name_or_else_by_what_they_say() -> None:
    sql = (
        'CREATE TABLE t (a INT, b INT, CONSTRAINT "c" CHECK (a < b OR a IN (1, 2)), '
        "CHECK  (a > 0),\nUNIQUE (a), PRIMARY KEY(a,b), FOREIGN KEY (a) REFERENCES t (b)) WITHOUT ROWID"
    )
    assert parse_table(sql).constraints == {
        "c": "CHECK (a < b OR a IN (1, 2))",
        "CHECK (a > 0)": "CHECK (a > 0)",
        "UNIQUE (a)": "UNIQUE (a)",
        "PRIMARY KEY(a,b)": "PRIMARY KEY(a,b)",
        "FOREIGN KEY (a) REFERENCES t (b)": "FOREIGN KEY (a) REFERENCES t (b)",
        "table options": "WITHOUT ROWID",
    }


def test_parentheses_may_nest_as_deep_as_a_check_makes_them() -> None:
    deep = "(" * 40 + "a > 0" + ")" * 40
    found = parse_table(f"CREATE TABLE t (a INT CHECK {deep}, b INT, CHECK ({deep}))")
    assert list(found.columns) == ["a", "b"]
    assert found.constraints == {f"a: CHECK {deep}": f"a: CHECK {deep}", f"CHECK ({deep})": f"CHECK ({deep})"}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)


@given(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower), NAMES)
def test_whatever_names_and_defaults_hold_the_columns_are_sqlite_s_own(
    names: list[str], default: str
) -> None:
    literal = "'" + default.replace("'", "''") + "'"
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    sql = f"CREATE TABLE t ({', '.join(f'{name} TEXT DEFAULT {literal} NOT NULL' for name in quoted)})"
    database = sqlite3.connect(":memory:")
    try:
        database.execute(sql)
    except sqlite3.Error:  # names that fold to the same one
        return
    told = {row[1]: row[4] for row in database.execute("PRAGMA table_info(t)")}
    found = parse_table(sql)
    assert {name: LiveColumn.parse(text).default for name, text in found.columns.items()} == told
    assert list(found.columns) == names


def test_spaces_and_comments_make_no_difference_but_quoted_ones_do() -> None:
    assert normalised(" a\n\t b -- c\n /* d */ 'e  f' ") == "a b 'e  f'"
    assert parse_table("CREATE TABLE t(a INT,\nb  INT)") == parse_table("CREATE TABLE u (a INT, b INT )")


TEXTS = st.text("ab,()'\"` -/*\n", max_size=8)
CONDITIONS = st.one_of(
    TEXTS.map(lambda text: '"a" <> \'' + text.replace("'", "''") + "'"),
    st.sampled_from(['length("a") <= 5', '(("a" > 1) or (("b" < (2 + (1)))))']),
)
OUR_CLAUSES = st.one_of(
    CONDITIONS.map(lambda condition: f"CHECK ({condition})"),
    st.sampled_from(['REFERENCES "other" ("id") ON DELETE SET NULL', "UNIQUE", "NOT NULL"]),
)
OUR_HEADS = st.sampled_from(["TEXT", "INTEGER NOT NULL", "TEXT DEFAULT 'x  y' NOT NULL", "CHAR(32)", ""])


@given(st.lists(st.tuples(OUR_HEADS, st.lists(OUR_CLAUSES, max_size=3)), min_size=1, max_size=3))
def test_what_we_write_ourselves_reads_as_the_same_in_other_words(
    columns: list[tuple[str, list[str]]],
) -> None:
    def written(constraint: str) -> str:
        lines = []
        for number, (head, clauses) in enumerate(columns):
            named = (f'\n        {constraint} "k{number}{n}" {clause}' for n, clause in enumerate(clauses))
            lines.append(f'\n    "c{number}" {head}{"".join(named)}')
        return ",".join(lines)

    ours = parse_table(f'CREATE TABLE "t" ({written("CONSTRAINT")}\n)')
    # Neither the comment nor the small letters occur in what we write: they are read the careful way.
    assert ours == parse_table(f'CREATE TABLE "t" (/* by hand */{written("constraint")}\n)')


def test_a_name_loses_its_quotes_once() -> None:
    assert [unquoted(name) for name in ('"a""b"', "[a]", "`a`", "a", '""""')] == ['a"b', "a", "a", "a", '"']


@given(
    st.builds(
        LiveColumn,
        st.sampled_from(["text", "numeric(10,2)", ""]),
        st.booleans(),
        st.sampled_from(["", "5", "'x'::text", "now()"]),
        st.sampled_from(["", '"C"']),
        st.sampled_from(["", "identity"]),
    )
)
def test_the_words_of_a_column_can_be_read_back(column: LiveColumn) -> None:
    assert LiveColumn.parse(str(column)) == column


def test_a_table_survives_being_recorded() -> None:
    table = LiveTable({"a": "text", "ä": "bigint not null"}, {"i": "unique (a)"}, {"c": "CHECK (a > '')"}, {})
    again = LiveTable.from_json(table.as_json())
    assert again == table
    assert again.digest == table.digest
    assert (
        LiveTable(dict(reversed(list(table.columns.items()))), table.indexes, table.constraints).digest
        == table.digest
    )
    assert LiveTable({"a": "text"}).digest != table.digest

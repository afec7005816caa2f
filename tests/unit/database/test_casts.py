"""Every value either survives its conversion there and back, or is counted, refused, and brought as near
as it can be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.database import casts
from reconciler.database.connection import Connection, connect
from reconciler.database.ddl import column_definition, column_type
from reconciler.database.sql_text import Dialect
from reconciler.errors import DatabaseError
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column
from tests.unit.database.cast_cases import BOUNDS, CASES, LOSSES
from tests.unit.database.cast_samples import COLUMNS, NASTY_TEXTS, column, stored

PAIRS = list(product(COLUMNS, COLUMNS))
Pair = tuple[Column, Column]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """One database for all: only temporary tables are made in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('casts')}/casts.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_databases").take()
    with connect(url) as connection:
        yield connection


class Conversion:
    """Rows in a column, and what becomes of them in another."""

    def __init__(self, conn: Connection, before: Column, after: Column, values: list[Any]) -> None:
        self.conn, self.before, self.after = conn, before, after
        conn.script(("DROP TABLE IF EXISTS s", "DROP TABLE IF EXISTS w", "DROP TABLE IF EXISTS e"))
        conn.execute(f"CREATE TEMP TABLE s (i integer, {self._definition(before)})")
        for number, value in enumerate(values):
            self._insert(number, value)

    def _definition(self, of: Column) -> str:
        return column_definition("t", of, self.conn.dialect, with_reference=False)

    def _insert(self, number: int, value: Any) -> None:
        try:
            self.conn.execute("INSERT INTO s VALUES (?, ?)", (number, value))
        except DatabaseError:
            # The column itself cannot hold the value: nothing to convert.
            assert value is not None

    def _sql(self, *, lossy: bool) -> str:
        return casts.convert(self.before, self.after, self.conn.dialect, "c", lossy=lossy)

    def unfit(self) -> list[int]:
        condition = casts.unfit(self.before, self.after, self.conn.dialect, "c")
        rows = self.conn.execute(f"SELECT i, {condition} FROM s ORDER BY i")
        assert all(answer is not None for _, answer in rows)
        return [number for number, answer in rows if answer]

    def lossy(self) -> dict[int, Any]:
        """What a lossy conversion stores, under all constraints of the new column."""
        self.conn.execute(f"CREATE TEMP TABLE w (i integer, {self._definition(self.after)})")
        self.conn.execute(f"INSERT INTO w SELECT i, {self._sql(lossy=True)} FROM s")
        return dict(self._texts("w"))

    def exact(self, numbers: list[int]) -> dict[int, Any]:
        """What an exact conversion of these rows stores."""
        chosen = f"WHERE i IN ({', '.join(map(str, numbers))})" if numbers else "WHERE FALSE"
        self.conn.execute(f"CREATE TEMP TABLE e (i integer, {self._definition(self.after)})")
        self.conn.execute(f"INSERT INTO e SELECT i, {self._sql(lossy=False)} FROM s {chosen}")
        return dict(self._texts("e"))

    def refused(self, number: int) -> bool:
        try:
            self.conn.execute(f"SELECT {self._sql(lossy=False)} FROM s WHERE i = {number}")
        except DatabaseError:
            return True
        return False

    def changed_on_the_way_back(self) -> list[tuple[Any, ...]]:
        """The rows of `exact` that would not come back, or not as they were."""
        dialect = self.conn.dialect
        unfit = casts.unfit(self.after, self.before, dialect, "e.c")
        back = casts.convert(self.after, self.before, dialect, "e.c", lossy=True)
        distinct = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
        return self.conn.execute(
            f"SELECT s.i, s.c, e.c FROM e JOIN s ON s.i = e.i WHERE {unfit} OR {back} {distinct} s.c"
        )

    def _texts(self, table: str) -> list[tuple[Any, ...]]:
        # As text: PostgreSQL's dates reach further than Python's.
        value = "c" if self.conn.dialect == "sqlite" else "CAST(c AS text)"
        return self.conn.execute(f"SELECT i, {value} FROM {table}")


def check(conversion: Conversion, values: list[Any]) -> None:
    unfit = conversion.unfit()
    kept = [number for (number,) in conversion.conn.execute("SELECT i FROM s") if number not in unfit]
    lossy, exact = conversion.lossy(), conversion.exact(kept)
    assert conversion.changed_on_the_way_back() == []
    assert {number: lossy[number] for number in kept} == exact
    for number in unfit:
        assert conversion.refused(number), values[number]


def test_what_fits_comes_back_and_what_does_not_is_refused(conn: Connection) -> None:
    """The database never raises while it looks, whatever the rows hold; exact and lossy agree on what
    fits."""

    @settings(max_examples=120, deadline=None, derandomize=True)
    @given(st.sampled_from(PAIRS), st.data())
    def holds(pair: Pair, data: st.DataObject) -> None:
        before, after = pair
        kind = FieldType.BINARY if before.encrypted else before.type
        values = data.draw(st.lists(stored(kind, before.scale or 0, conn.dialect), max_size=12))
        check(Conversion(conn, before, after, values), values)

    holds()


@pytest.mark.parametrize("before", [column(FieldType.STRING), column(FieldType.TEXT, max_length=36)])
def test_no_text_whatsoever_makes_a_conversion_fail(conn: Connection, before: Column) -> None:
    for after in COLUMNS:
        check(Conversion(conn, before, after, list(NASTY_TEXTS)), list(NASTY_TEXTS))


@pytest.mark.parametrize(
    ("before", "after", "fit", "unfit"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_a_value_fits_exactly_if_it_can_come_back(
    conn: Connection, before: Column, after: Column, fit: list[Any], unfit: list[Any]
) -> None:
    conversion = Conversion(conn, before, after, fit + unfit)
    assert conversion.unfit() == list(range(len(fit), len(fit + unfit)))
    check(conversion, fit + unfit)


@pytest.mark.parametrize(
    ("before", "after", "values", "become"), [c[1:] for c in LOSSES], ids=[c[0] for c in LOSSES]
)
def test_what_does_not_fit_comes_as_near_as_it_can(
    conn: Connection, before: Column, after: Column, values: list[Any], become: list[Any]
) -> None:
    conversion = Conversion(conn, before, after, values)
    assert len(conversion.unfit()) == len(values)
    assert [None if v is None else str(v) for v in conversion.lossy().values()] == become


def test_a_refused_value_is_not_shown(conn: Connection) -> None:
    Conversion(conn, COLUMNS[3], COLUMNS[5], ["hunter2"])
    with pytest.raises(DatabaseError) as refusal:
        conn.execute(f"SELECT {casts.convert(COLUMNS[3], COLUMNS[5], conn.dialect, 'c', lossy=False)} FROM s")
    assert "hunter2" not in refusal.value.message


@pytest.mark.parametrize(
    ("before", "after", "values", "count"), [c[1:] for c in BOUNDS], ids=[c[0] for c in BOUNDS]
)
def test_bounds_are_asked_of_the_value_as_it_will_be(
    conn: Connection, before: Column, after: Column, values: list[Any], count: int
) -> None:
    Conversion(conn, before, after, values)
    condition = casts.out_of_bounds(before, after, conn.dialect, "c")
    assert conn.execute(f"SELECT count(*) FROM s WHERE {condition}") == [(count,)]


FOREIGN: list[tuple[str, str, str, Column, list[Any], list[int]]] = [
    ("sqlite", "VARCHAR(9)", "VARCHAR(9) not null", column(FieldType.INTEGER), ["7", "x"], [1]),
    ("sqlite", "INTEGER", "INTEGER", column(FieldType.STRING), [5, -7], []),
    (
        "postgresql",
        "character varying(9)",
        "character varying(9)",
        column(FieldType.INTEGER),
        ["7", "x"],
        [1],
    ),
    ("postgresql", "smallint", "smallint default 1", column(FieldType.NUMBER), [5, -7], []),
    ("postgresql", "bigint", "bigint not null as identity", column(FieldType.BOOLEAN), [0, 1, 2], [2]),
    ("postgresql", "numeric(8,2)", "numeric(8,2)", column(FieldType.INTEGER), ["1.00", "1.50"], [1]),
    ("postgresql", "inet", "inet", column(FieldType.UUID), ["127.0.0.1"], [0]),
    (
        "postgresql",
        "timestamp without time zone",
        "timestamp without time zone",
        column(FieldType.DATE),
        ["2024-01-01 00:00:00", "2024-01-01 00:00:01"],
        [1],
    ),
]


@pytest.mark.parametrize(
    ("kind", "words", "after", "values", "unfit"), [c[1:] for c in FOREIGN if c[0] == "sqlite"]
)
def test_a_column_changed_by_hand_is_read_as_what_it_is_on_sqlite(
    sqlite_url: str, kind: str, words: str, after: Column, values: list[Any], unfit: list[int]
) -> None:
    with connect(sqlite_url) as conn:
        assert _unfit_of_foreign(conn, kind, words, after, values) == unfit


@pytest.mark.parametrize(
    ("kind", "words", "after", "values", "unfit"), [c[1:] for c in FOREIGN if c[0] != "sqlite"]
)
def test_a_column_changed_by_hand_is_read_as_what_it_is_on_postgresql(
    postgres_url: str, kind: str, words: str, after: Column, values: list[Any], unfit: list[int]
) -> None:
    with connect(postgres_url) as conn:
        assert _unfit_of_foreign(conn, kind, words, after, values) == unfit


def _unfit_of_foreign(conn: Connection, kind: str, words: str, after: Column, values: list[Any]) -> list[int]:
    conn.execute(f"CREATE TEMP TABLE s (i integer, c {kind})")
    conn.execute_many("INSERT INTO s VALUES (?, ?)", list(enumerate(values)))
    before = column(FieldType.TEXT).model_copy(update={"foreign": words})
    condition = casts.unfit(before, after, conn.dialect, "c")
    exact = casts.convert(before, after, conn.dialect, "c", lossy=False)
    conn.execute(f"SELECT {exact} FROM s WHERE NOT {condition}")
    return [number for (number,) in conn.execute(f"SELECT i FROM s WHERE {condition} ORDER BY i")]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_sql_of_a_conversion_holds_no_placeholder(dialect: str) -> None:
    for before, after in PAIRS:
        spoken = cast("Dialect", dialect)
        texts = [casts.convert(before, after, spoken, "c", lossy=lossy) for lossy in (True, False)]
        assert not any(
            "?" in text or "%s" in text for text in (*texts, casts.unfit(before, after, spoken, "c"))
        )


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_column_that_only_widens_asks_for_no_scan(dialect: str) -> None:
    widening = [
        (COLUMNS[1], COLUMNS[2]),
        (COLUMNS[1], COLUMNS[3]),
        (COLUMNS[4], COLUMNS[2]),
        (COLUMNS[21], COLUMNS[20]),
    ]
    for before, after in widening:
        assert casts.unfit(before, after, cast("Dialect", dialect), "c") == casts.NEVER
        assert casts.convert(before, after, cast("Dialect", dialect), "c", lossy=False) == "c"


def test_a_reference_keeps_its_value_when_it_is_retargeted() -> None:
    assert casts.unfit(COLUMNS[22], COLUMNS[22], "sqlite", "c") == casts.NEVER


def test_encryption_is_neither_added_nor_lifted_by_the_database() -> None:
    clear, encrypted = COLUMNS[3], COLUMNS[23]
    assert not casts.convertible(clear, encrypted)
    assert not casts.convertible(encrypted, clear)
    assert casts.convertible(encrypted, column(FieldType.STRING, encrypted=True))
    assert column_type(encrypted, "sqlite") == "BLOB"


def test_a_session_that_prints_fewer_digits_loses_none_unseen(postgres_url: str) -> None:
    """With extra_float_digits = 0 the largest double is printed as a number too large to be read."""
    number, text = COLUMNS[7], COLUMNS[3]
    with connect(postgres_url) as conn:
        conn.script(["SET extra_float_digits = 0", "CREATE TEMP TABLE s (c double precision)"])
        conn.execute_many("INSERT INTO s VALUES (?)", [(0.5,), (0.1 + 0.2,), (1.7976931348623157e308,)])
        condition = casts.unfit(number, text, conn.dialect, "c")
        assert conn.execute(f"SELECT {condition} FROM s ORDER BY c DESC") == [(True,), (False,), (True,)]

"""Probes count the rows that a change concerns, all questions about one table at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.database.connection import Connection, connect
from reconciler.database.operations import compile_migration, create_all_sql
from reconciler.database.parking import parked_name
from reconciler.database.preflight import count, count_all, row_estimates
from reconciler.errors import ExpressionError
from reconciler.plans.changes import (
    Disposition,
    Duplicates,
    NotNulls,
    Nulls,
    Orphans,
    OutOfBounds,
    Probe,
    Rows,
    TableMigration,
    Unfit,
    Violations,
)
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Table, table_of

FIELDS = {
    "code": "text",
    "urgency": "integer",
    "price": {"type": "decimal", "precision": 10, "scale": 2},
    "state": {"type": "enum", "values": ["open", "done", "lost"]},
    "customer": {"type": "reference", "model": "customer"},
}
ORDER = table_of("shop", "order", ModelSpec.model_validate({"fields": FIELDS}))
CUSTOMER = table_of("shop", "customer", ModelSpec.model_validate({"fields": {"name": "string"}}))
T = ORDER.name
ROWS: list[tuple[Any, ...]] = [
    ("7", 1, "1.00", "open", 1),
    ("7", 5, "2.50", "open", None),
    ("007", 9, "100.00", "done", 1),
    ("x", None, None, "lost", None),
    ("x", 3, "0.01", None, 1),
    (None, 3, "5.00", "open", 1),
    (None, 3, "5.00", "open", None),
]


def old(name: str) -> Column:
    found = ORDER.column(name)
    assert found is not None
    return found


def new(name: str, kind: FieldType, **limits: Any) -> Column:
    return Column(name=name, type=kind, **limits)


NUMBER_OF_CODE = new("code", FieldType.INTEGER, minimum=5)
PROBES: list[tuple[Probe, int]] = [
    (Rows(T), 7),
    (Nulls(T, "code"), 2),
    (NotNulls(T, "code"), 5),
    (NotNulls(T, "deleted_at"), 0),
    (Duplicates(T, ("code",)), 2),
    (Duplicates(T, ("urgency",)), 2),
    (Duplicates(T, ("urgency", "price")), 1),
    (Duplicates(T, ("id",)), 0),
    (Violations(T, "urgency < 4"), 2),
    (Violations(T, "urgency < 4 or price > 50"), 1),
    (Violations(T, "weight < 4", (("weight", "urgency"),)), 2),
    (Violations(T, "urgency / 0 > 1"), 0),
    (Unfit(T, old("code"), new("code", FieldType.INTEGER)), 3),
    (Unfit(T, old("code"), new("renamed", FieldType.TEXT, max_length=1)), 1),
    (Unfit(T, old("price"), new("price", FieldType.DECIMAL, precision=3, scale=1)), 2),
    (Unfit(T, old("state"), new("state", FieldType.ENUM, values=("open", "done"))), 1),
    (Unfit(T, old("state"), new("state", FieldType.TEXT)), 0),
    (Unfit(T, old("price"), new("price", FieldType.JSON)), 6),
    (OutOfBounds(T, old("urgency"), new("urgency", FieldType.INTEGER, minimum=3, maximum=8)), 2),
    (OutOfBounds(T, old("price"), new("price", FieldType.DECIMAL, precision=10, scale=2, maximum=5)), 1),
    (OutOfBounds(T, old("code"), new("code", FieldType.TEXT, min_length=2)), 4),
    (Orphans(T, "customer", CUSTOMER.name), 0),
    (Orphans(T, "urgency", CUSTOMER.name), 5),
    (Orphans(T, "urgency", "shop__not_there_yet"), 6),
]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        connection.script(create_all_sql([CUSTOMER, ORDER], connection.dialect))
        connection.execute(f"INSERT INTO \"{CUSTOMER.name}\" (name) VALUES ('one')")
        connection.execute_many(
            f'INSERT INTO "{T}" (code, urgency, price, state, customer) VALUES (?, ?, ?, ?, ?)', ROWS
        )
        yield connection


def test_each_probe_counts_what_it_says(conn: Connection) -> None:
    assert [(probe, count(conn, probe, ORDER)) for probe, _ in PROBES] == PROBES


def test_questions_about_one_table_take_one_scan(conn: Connection) -> None:
    plain = [
        (probe, expected)
        for probe, expected in PROBES
        if isinstance(probe, Rows | Nulls | NotNulls | Violations)
    ]
    counting = Counting(conn)
    asked = [(probe, ORDER) for probe, _ in plain]
    answers = count_all(counting, asked)  # type: ignore[arg-type]  # it needs `execute` and `dialect` alone
    assert answers == [expected for _, expected in plain]
    assert counting.queries == 2  # which tables there are, and the scan


class Counting:
    def __init__(self, conn: Connection) -> None:
        self._conn, self.dialect, self.queries = conn, conn.dialect, 0

    def execute(self, sql: str, params: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        self.queries += 1
        return self._conn.execute(sql, params)


def test_answers_come_in_the_order_asked_repeated_questions_included(conn: Connection) -> None:
    asked: list[tuple[Probe, Table]] = [
        (Rows(T), ORDER),
        (Rows(CUSTOMER.name), CUSTOMER),
        (Nulls(T, "code"), ORDER),
        (Rows(T), ORDER),
    ]
    assert count_all(conn, asked) == [7, 1, 2, 7]


def test_very_many_questions_are_answered(conn: Connection) -> None:
    asked: list[tuple[Probe, Table]] = [(Violations(T, f"urgency < {n}"), ORDER) for n in range(450)]
    assert count_all(conn, asked)[:6] == [6, 6, 5, 5, 2, 2]


def test_a_check_is_counted_on_values_as_they_will_be(conn: Connection) -> None:
    """`code` is a text still, but the check is about the number it becomes."""
    conversion = Unfit(T, old("code"), NUMBER_OF_CODE)
    check = Violations(T, "code < 7 and urgency < 5")
    assert count_all(conn, [(conversion, ORDER), (check, ORDER)]) == [3, 3]


def test_a_check_on_a_renamed_and_converted_column_is_counted(conn: Connection) -> None:
    converted = NUMBER_OF_CODE.model_copy(update={"name": "number"})
    check = Violations(T, "number < 7", (("number", "code"),))
    assert count_all(conn, [(Unfit(T, old("code"), converted), ORDER), (check, ORDER)]) == [3, 3]


def test_duplicates_are_counted_among_values_as_they_will_be(conn: Connection) -> None:
    """'7' and '007' are the same number, and 'x' none at all."""
    conversion = Unfit(T, old("code"), NUMBER_OF_CODE)
    assert count_all(conn, [(conversion, ORDER), (Duplicates(T, ("code",)), ORDER)]) == [3, 2]


def test_a_check_that_does_not_fit_the_table_is_an_error(conn: Connection) -> None:
    with pytest.raises(ExpressionError):
        count(conn, Violations(T, "code < 7"), ORDER)


def test_a_table_that_does_not_exist_has_no_rows(conn: Connection) -> None:
    gone = ORDER.evolve(name="shop__gone")
    asked: list[tuple[Probe, Table]] = [
        (Rows(gone.name), gone),
        (Duplicates(gone.name, ("code",)), gone),
        (Rows(T), ORDER),
    ]
    assert count_all(conn, asked) == [0, 0, 7]
    assert count_all(conn, []) == []


def test_rows_of_a_parked_table_are_counted_where_they_are(conn: Connection) -> None:
    migration = TableMigration(T, ORDER, None, (), disposition=Disposition.ARCHIVE)
    conn.foreign_keys(False)
    with conn.transaction():
        conn.script(s.sql for s in compile_migration(migration, conn.dialect, revision=3))
    parked = ORDER.evolve(name=parked_name(T, 3))
    assert count_all(conn, [(Rows(parked.name), parked), (Rows(T), ORDER)]) == [7, 0]


def test_names_and_values_are_never_taken_for_sql(conn: Connection) -> None:
    column = Column(name='we"ird %s ? col', type=FieldType.TEXT)
    table = Table(name='t"; --', owner="o", model="m", columns=(column,))
    conn.execute('CREATE TABLE "t""; --" (id integer PRIMARY KEY, "we""ird %s ? col" text)')
    conn.execute("INSERT INTO \"t\"\"; --\" VALUES (1, '%'), (2, '?'), (3, '?')")
    values = new(column.name, FieldType.ENUM, values=("%", "it's"))
    assert count(conn, Duplicates(table.name, (column.name,)), table) == 1
    assert count_all(conn, [(Rows(table.name), table), (Unfit(table.name, column, values), table)]) == [3, 2]


def test_row_estimates_cost_no_scan_and_name_only_what_exists(conn: Connection) -> None:
    conn.script(f'INSERT INTO "{CUSTOMER.name}" (name) SELECT name FROM "{CUSTOMER.name}"' for _ in range(10))
    if conn.dialect == "postgresql":
        before = row_estimates(conn, [CUSTOMER.name])[CUSTOMER.name]
        assert before >= 1024
        conn.execute("ANALYZE")
    assert row_estimates(conn, [CUSTOMER.name, "shop__gone"]) == {CUSTOMER.name: 1024}
    assert row_estimates(conn, []) == {}

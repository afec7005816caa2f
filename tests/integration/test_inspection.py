"""Inspection tells everything that matters about tables, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from reconciler.database.connection import Connection, connect
from reconciler.database.inspection import fingerprint, inspect
from reconciler.database.live import LiveTable
from reconciler.database.operations import create_all_sql
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.tables import Table, table_of

FIELDS = {
    "code": {"type": "string", "max_length": 20, "required": True, "unique": True},
    "state": {"type": "enum", "values": ["open", "done"], "default": "open"},
    "price": {"type": "decimal", "precision": 10, "scale": 2},
    "customer": {"type": "reference", "model": "customer", "on_delete": "cascade"},
}
CHECK = {"name": "sane", "expression": "price > 0"}
ORDER = table_of("shop", "order", ModelSpec.model_validate({"fields": FIELDS, "checks": [CHECK]}))
CUSTOMER = table_of("shop", "customer", ModelSpec.model_validate({"fields": {"name": "string"}}))

SQLITE = LiveTable(
    columns={
        "id": "INTEGER",
        "task_id": "VARCHAR(36)",
        "agent": "VARCHAR(40)",
        "type_version": "VARCHAR(20)",
        "created_at": "DATETIME not null default (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
        "deleted_at": "DATETIME",
        "code": "TEXT not null",
        "state": "TEXT default 'open'",
        "price": "TEXT",
        "customer": "INTEGER",
    },
    indexes={"uq_code": 'unique ("code")', "ix_customer": '("customer")'},
    constraints={
        "id: PRIMARY KEY AUTOINCREMENT": "id: PRIMARY KEY AUTOINCREMENT",
        "ck_code": 'code: CHECK (length("code") <= 20)',
        "ck_state": "state: CHECK (\"state\" IN ('open', 'done'))",
        "fk_customer": 'customer: REFERENCES "shop__customer" ("id") ON DELETE CASCADE',
        "ck_sane": 'CHECK ((CAST("price" AS REAL) > 0))',
    },
)
POSTGRESQL = LiveTable(
    columns={
        "id": "bigint not null as identity",
        "task_id": "character varying(36)",
        "agent": "character varying(40)",
        "type_version": "character varying(20)",
        "created_at": "timestamp with time zone not null default CURRENT_TIMESTAMP",
        "deleted_at": "timestamp with time zone",
        "code": "character varying(20) not null",
        "state": "text default 'open'::text",
        "price": "numeric(10,2)",
        "customer": "bigint",
    },
    indexes={"uq_code": "unique btree (code)", "ix_customer": "btree (customer)"},
    constraints={
        "pk_shop__order": "PRIMARY KEY (id)",
        "ck_state": "CHECK ((state = ANY (ARRAY['open'::text, 'done'::text])))",
        "fk_customer": "FOREIGN KEY (customer) REFERENCES shop__customer(id) ON DELETE CASCADE",
        "ck_sane": "CHECK ((price > (0)::numeric))",
    },
)


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        connection.script(create_all_sql([CUSTOMER, ORDER], connection.dialect))
        yield connection


def without_digests(table: LiveTable) -> LiveTable:
    """Names of indexes and constraints end in `_` and ten hexadecimal digits."""

    def plain(named: dict[str, str]) -> dict[str, str]:
        return {name if name.startswith("id:") else name[:-11]: text for name, text in named.items()}

    return LiveTable(
        table.columns, plain(dict(table.indexes)), plain(dict(table.constraints)), table.triggers
    )


def test_a_table_is_told_in_the_database_s_own_words(conn: Connection) -> None:
    found = inspect(conn)
    assert found.keys() == {CUSTOMER.name, ORDER.name}
    assert without_digests(found[ORDER.name]) == (SQLITE if conn.dialect == "sqlite" else POSTGRESQL)


def test_only_the_tables_asked_for_are_told(conn: Connection) -> None:
    assert inspect(conn, [ORDER.name, "shop__nothing"]).keys() == {ORDER.name}
    assert inspect(conn, []) == {}
    assert inspect(conn, [ORDER.name])[ORDER.name] == inspect(conn)[ORDER.name]


def test_two_builds_of_one_definition_are_equal(conn: Connection, new_database: Callable[[], str]) -> None:
    with connect(new_database()) as other:
        other.script(create_all_sql([ORDER, CUSTOMER], other.dialect))
        assert inspect(other) == inspect(conn)


def test_the_number_of_queries_does_not_grow_with_the_tables(conn: Connection) -> None:
    def queries() -> int:
        counting = Counting(conn)
        inspect(counting, None)  # type: ignore[arg-type]  # of a connection it needs `execute` and `dialect` alone
        return counting.queries

    one = queries()
    conn.script(create_all_sql([_table(number) for number in range(20)], conn.dialect))
    assert queries() == one


class Counting:
    def __init__(self, conn: Connection) -> None:
        self._conn, self.dialect, self.queries = conn, conn.dialect, 0

    def execute(self, sql: str, params: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        self.queries += 1
        return self._conn.execute(sql, params)


def _table(number: int) -> Table:
    return table_of(
        f"t{number}", "row", ModelSpec.model_validate({"fields": FIELDS | {"customer": "string"}})
    )


STRUCTURAL = [
    'ALTER TABLE "shop__order" ADD COLUMN extra integer',
    'ALTER TABLE "shop__order" DROP COLUMN extra',
    'ALTER TABLE "shop__order" RENAME COLUMN price TO cost',
    'CREATE INDEX mine ON "shop__order" (state)',
    "DROP INDEX mine",
    "CREATE TABLE another (id integer)",
    "ALTER TABLE another RENAME TO other",
    "DROP TABLE other",
]
STRUCTURAL_POSTGRESQL = [
    'ALTER TABLE "shop__order" ALTER code DROP NOT NULL',
    "ALTER TABLE \"shop__order\" ALTER state SET DEFAULT 'done'",
    'ALTER TABLE "shop__order" ALTER state DROP DEFAULT',
    'ALTER TABLE "shop__order" ADD CONSTRAINT mine CHECK (cost < 100) NOT VALID',
    'ALTER TABLE "shop__order" VALIDATE CONSTRAINT mine',
    'ALTER TABLE "shop__order" RENAME CONSTRAINT mine TO yours',
    'ALTER TABLE "shop__order" DROP CONSTRAINT yours',
    'ALTER TABLE "shop__order" ALTER code TYPE text',
    'ALTER TABLE "shop__order" ALTER id SET GENERATED ALWAYS',
    "CREATE TRIGGER t BEFORE UPDATE ON shop__order FOR ROW EXECUTE FUNCTION tsvector_update_trigger(a, b, c)",
    'ALTER TABLE "shop__order" DISABLE TRIGGER t',
    'DROP TRIGGER t ON "shop__order"',
]


def test_the_fingerprint_moves_with_every_change_of_structure(conn: Connection) -> None:
    steps = STRUCTURAL + (STRUCTURAL_POSTGRESQL if conn.dialect == "postgresql" else [])
    seen = [fingerprint(conn)]
    for sql in steps:
        conn.execute(sql)
        seen.append(fingerprint(conn))
    assert [sql for sql, (old, new) in zip(steps, pairwise(seen), strict=True) if old == new] == []


def test_rows_do_not_move_the_fingerprint(conn: Connection) -> None:
    before = fingerprint(conn)
    conn.execute("INSERT INTO shop__order (code) VALUES ('a')")
    conn.execute("UPDATE shop__order SET code = 'b'")
    conn.execute("ANALYZE shop__order" if conn.dialect == "postgresql" else "DELETE FROM shop__order")
    assert fingerprint(conn) == before


def test_a_rollback_leaves_the_fingerprint_where_it_was(conn: Connection) -> None:
    before = fingerprint(conn)
    conn.execute("BEGIN")
    conn.execute('ALTER TABLE "shop__order" ADD COLUMN extra integer')
    assert fingerprint(conn) != before
    conn.execute("ROLLBACK")
    assert fingerprint(conn) == before


def test_a_second_connection_sees_the_same_fingerprint(conn: Connection) -> None:
    with connect(conn.address) as other:
        assert fingerprint(other) == fingerprint(conn)


def test_other_schemas_are_not_looked_at(postgres_url: str) -> None:
    with connect(postgres_url) as conn:
        conn.script(["CREATE SCHEMA other", "CREATE TABLE other.stranger (id integer)"])
        before = fingerprint(conn)
        conn.execute("CREATE TABLE other.second (id integer)")
        assert inspect(conn) == {}
        assert fingerprint(conn) == before

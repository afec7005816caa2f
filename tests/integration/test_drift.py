"""What hands change by themselves is found, named, and put right by the migration that follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.database.connection import Connection, connect
from reconciler.database.drift import corrected, drift_of
from reconciler.database.inspection import inspect
from reconciler.database.live import LiveTable
from reconciler.database.operations import compile_migration, create_all_sql
from reconciler.plans.changes import TableMigration
from reconciler.plans.diff_tables import TableDiff
from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.tables import Table, constraint_name, table_of

FIELDS = {
    "code": {"type": "string", "max_length": 20, "required": True, "unique": True},
    "state": {"type": "enum", "values": ["open", "done"], "default": "open"},
    "urgency": {"type": "integer", "min": 1, "max": 5, "index": True},
    "price": {"type": "decimal", "precision": 10, "scale": 2},
    "paid": {"type": "boolean", "default": False},
    "note": {"type": "text", "max_length": 600},
    "parent": {"type": "reference", "model": "customer", "on_delete": "cascade"},
}
CHECK = {"name": "noted", "expression": "urgency < 4 or note is not null"}
TABLE = table_of("shop", "order", ModelSpec.model_validate({"fields": FIELDS, "checks": [CHECK]}))
CUSTOMER = table_of("shop", "customer", ModelSpec.model_validate({"fields": {"name": "string"}}))
NAME = TABLE.name
UNIQUE = constraint_name("uq", NAME, ("code",))
INDEX = constraint_name("ix", NAME, ("urgency",))
NOTED = TABLE.checks[0].name
REFERENCE = constraint_name("fk", NAME, ("parent",))


def bound(column: str, rule: str) -> str:
    return constraint_name("ck", NAME, (column, rule), column)


BY_HAND: list[tuple[str, str, list[str]]] = [
    # dialects, statements, addresses that differ (below table/shop__order/)
    ("both", f'ALTER TABLE "{NAME}" ADD COLUMN extra integer NOT NULL DEFAULT 3', ["column/extra"]),
    ("both", f'DROP INDEX "{INDEX}"', [f"index/{INDEX}"]),
    ("both", f'DROP INDEX "{UNIQUE}"', [f"index/{UNIQUE}"]),
    ("both", f'CREATE INDEX mine ON "{NAME}" (price)', ["index/mine"]),
    ("both", f'CREATE INDEX mine ON "{NAME}" (price DESC) WHERE price IS NOT NULL', ["index/mine"]),
    ("both", f'DROP INDEX "{UNIQUE}"; CREATE INDEX "{UNIQUE}" ON "{NAME}" (code)', [f"index/{UNIQUE}"]),
    ("both", f'DROP INDEX "{INDEX}"; CREATE INDEX "{INDEX}" ON "{NAME}" (urgency DESC)', [f"index/{INDEX}"]),
    (
        "both",
        f'DROP INDEX "{INDEX}"; CREATE INDEX mine ON "{NAME}" (urgency)',
        [f"index/{INDEX}", "index/mine"],
    ),
    ("both", f'ALTER TABLE "{NAME}" RENAME COLUMN price TO cost', ["column/cost", "column/price"]),
    ("both", f'ALTER TABLE "{NAME}" DROP COLUMN price', ["column/price"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER code TYPE text', ["column/code"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER price TYPE numeric(12,4)', ["column/price"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER code DROP NOT NULL', ["column/code"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER note SET NOT NULL', ["column/note"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER state DROP DEFAULT', ["column/state"]),
    ("postgresql", f"ALTER TABLE \"{NAME}\" ALTER state SET DEFAULT 'done'", ["column/state"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER paid SET DEFAULT true', ["column/paid"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER urgency SET DEFAULT 1 + 1', ["column/urgency"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER note SET DEFAULT now()::text', ["column/note"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ALTER note TYPE text COLLATE "C"', ["column/note"]),
    ("postgresql", f'ALTER TABLE "{NAME}" DROP CONSTRAINT "{NOTED}"', [f"constraint/{NOTED}"]),
    ("postgresql", f'ALTER TABLE "{NAME}" DROP CONSTRAINT "{REFERENCE}"', [f"constraint/{REFERENCE}"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ADD CONSTRAINT mine CHECK (price > 0)', ["constraint/mine"]),
    ("postgresql", f'ALTER TABLE "{NAME}" ADD CONSTRAINT mine UNIQUE (note)', ["constraint/mine"]),
    *(
        (
            "postgresql",
            f'ALTER TABLE "{NAME}" DROP CONSTRAINT "{bound(column, rule)}"',
            [f"constraint/{bound(column, rule)}"],
        )
        for column, rule in (
            ("state", "values"),
            ("urgency", "minimum"),
            ("urgency", "maximum"),
            ("note", "max_length"),
        )
    ),
    *(
        (
            "postgresql",
            f"ALTER TABLE {NAME} DROP CONSTRAINT {name}; ALTER TABLE {NAME} ADD CONSTRAINT {name} {clause}",
            [f"constraint/{name}"],
        )
        for name, clause in (
            (bound("state", "values"), "CHECK (state IN ('open', 'done', 'lost'))"),
            (bound("urgency", "minimum"), "CHECK (urgency >= 0)"),
            (bound("urgency", "maximum"), "CHECK (urgency <= 5) NOT VALID"),
            (bound("note", "max_length"), "CHECK (char_length(note) <= 700)"),
            (NOTED, "CHECK (urgency < 9)"),
            (REFERENCE, f'FOREIGN KEY (parent) REFERENCES "{CUSTOMER.name}" (id)'),
            (
                REFERENCE,
                f'FOREIGN KEY (parent) REFERENCES "{CUSTOMER.name}" (id) ON DELETE CASCADE NOT VALID',
            ),
        )
    ),
    (
        "postgresql",
        f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"{INDEX}\"'::regclass",
        [f"index/{INDEX}"],
    ),
]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as connection:
        connection.script(create_all_sql([CUSTOMER, TABLE], connection.dialect))
        connection.execute(f"INSERT INTO \"{NAME}\" (code, urgency) VALUES ('a', 2)")
        yield connection


def live_table(conn: Connection) -> LiveTable:
    return inspect(conn, [NAME])[NAME]


def put_right(conn: Connection, found: Table) -> None:
    changes = TableDiff(found, TABLE, hints={}).changes()
    migration = TableMigration(NAME, found, TABLE, changes)
    conn.foreign_keys(False)
    with conn.transaction():
        for statement in compile_migration(migration, conn.dialect, revision=7):
            assert not (conn.execute(statement.sql) and statement.expect_empty), statement.sql
    conn.foreign_keys(True)


def without_parked(live: LiveTable) -> LiveTable:
    columns = {name: text for name, text in live.columns.items() if not name.startswith("_archived_")}
    return LiveTable(columns, live.indexes, live.constraints, live.triggers)


def _of(dialect: str) -> list[tuple[str, list[str]]]:
    return [(sql, addresses) for where, sql, addresses in BY_HAND if where in ("both", dialect)]


def _found_named_and_put_right(conn: Connection, sql: str, addresses: list[str]) -> None:
    recorded = live_table(conn)
    conn.script(part for part in sql.split("; ") if part)
    live = live_table(conn)
    assert [d.address for d in drift_of(NAME, recorded, live)] == [f"table/{NAME}/{at}" for at in addresses]
    assert all(d.recorded != d.live for d in drift_of(NAME, recorded, live))
    found = corrected(TABLE, recorded, live)
    assert found != TABLE
    put_right(conn, found)
    assert without_parked(live_table(conn)) == recorded
    assert conn.execute(f'SELECT count(*) FROM "{NAME}"') == [(1,)]


@pytest.mark.parametrize(("sql", "addresses"), _of("sqlite"))
def test_on_sqlite_a_change_by_hand_is_found_named_and_put_right(
    sqlite_url: str, sql: str, addresses: list[str]
) -> None:
    with connect(sqlite_url) as conn:
        conn.script(create_all_sql([CUSTOMER, TABLE], conn.dialect))
        conn.execute(f"INSERT INTO \"{NAME}\" (code, urgency) VALUES ('a', 2)")
        _found_named_and_put_right(conn, sql, addresses)


def test_on_postgresql_a_change_by_hand_is_found_named_and_put_right(postgres_url: str) -> None:
    """One after the other: each leaves the table as it was."""
    with connect(postgres_url) as conn:
        conn.script(create_all_sql([CUSTOMER, TABLE], conn.dialect))
        conn.execute(f"INSERT INTO \"{NAME}\" (code, urgency, note) VALUES ('a', 2, 'x')")
        for sql, addresses in _of("postgresql"):
            _found_named_and_put_right(conn, sql, addresses)
            for (parked,) in conn.execute(
                "SELECT attname FROM pg_attribute"
                " WHERE attrelid = 'shop__order'::regclass AND attname LIKE '%archived%'"
            ):
                conn.execute(f'ALTER TABLE "{NAME}" DROP COLUMN "{parked}"')


@pytest.mark.parametrize(
    ("old", "new", "addresses"),
    [
        ('"urgency" <= 5', '"urgency" <= 6', [f"constraint/{bound('urgency', 'maximum')}"]),
        ("IN ('open', 'done')", "IN ('open')", [f"constraint/{bound('state', 'values')}"]),
        ('"note" TEXT', '"note" TEXT COLLATE NOCASE', ["column/note"]),
        ('"code" TEXT NOT NULL', '"code" TEXT', ["column/code"]),
        ('"price" TEXT', '"price" TEXT NOT NULL', ["column/price"]),
        ("DEFAULT 'open'", "DEFAULT 'done'", ["column/state"]),
        ("BOOLEAN DEFAULT 0", "BOOLEAN DEFAULT (1 - 1)", ["column/paid"]),
        ("ON DELETE CASCADE", "ON DELETE RESTRICT", [f"constraint/{REFERENCE}"]),
        ("ON DELETE CASCADE", "ON DELETE CASCADE DEFERRABLE", [f"constraint/{REFERENCE}"]),
        ("IN (0, 1)", "IN (0, 1, 2)", [f"constraint/{bound('paid', 'boolean')}"]),
        ('OR ("note" IS NOT NULL)', 'OR ("note" IS NULL)', [f"constraint/{NOTED}"]),
    ],
)
def test_on_sqlite_a_clause_of_the_statement_changed_by_hand_is_put_right(
    sqlite_url: str, old: str, new: str, addresses: list[str]
) -> None:
    with connect(sqlite_url) as conn:
        (create,) = [sql for sql in create_all_sql([CUSTOMER, TABLE], "sqlite") if f'TABLE "{NAME}"' in sql]
        assert create.count(old) == 1
        conn.script(sql for sql in create_all_sql([CUSTOMER, TABLE], "sqlite"))
        recorded = live_table(conn)
        indexes = conn.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (NAME,))
        conn.script([f'DROP TABLE "{NAME}"', create.replace(old, new), *(sql for (sql,) in indexes)])
        conn.execute(f"INSERT INTO \"{NAME}\" (code, urgency, price) VALUES ('a', 2, '1.00')")
        live = live_table(conn)
        assert [d.address for d in drift_of(NAME, recorded, live)] == [
            f"table/{NAME}/{at}" for at in addresses
        ]
        put_right(conn, corrected(TABLE, recorded, live))
        assert without_parked(live_table(conn)) == recorded


def test_a_missing_table_is_one_difference(conn: Connection) -> None:
    recorded = live_table(conn)
    (drift,) = drift_of(NAME, recorded, None)
    assert (drift.address, drift.live) == (f"table/{NAME}", None)


def test_what_nobody_touched_has_not_drifted(conn: Connection) -> None:
    recorded = live_table(conn)
    assert drift_of(NAME, recorded, live_table(conn)) == ()
    assert corrected(TABLE, recorded, live_table(conn)) is TABLE


def test_a_trigger_is_drift_though_no_definition_can_hold_it(conn: Connection) -> None:
    recorded = live_table(conn)
    if conn.dialect == "sqlite":
        conn.execute(f'CREATE TRIGGER spy AFTER DELETE ON "{NAME}" BEGIN SELECT 1; END')
    else:
        conn.execute("CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        conn.execute(f'CREATE TRIGGER spy AFTER DELETE ON "{NAME}" FOR EACH ROW EXECUTE FUNCTION spy()')
    live = live_table(conn)
    assert [d.address for d in drift_of(NAME, recorded, live)] == [f"table/{NAME}/trigger/spy"]
    assert corrected(TABLE, recorded, live) == TABLE

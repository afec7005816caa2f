"""What the database really holds, read in sets: as many queries for a thousand tables as for one.

Only the current schema is looked at; parked tables of PostgreSQL's archive schema are not part of it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.database.fingerprint import fingerprint
from reconciler.database.live import LiveColumn, LiveTable
from reconciler.database.sqlite_schema import normalised, parse_table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

__all__ = ["LiveTable", "fingerprint", "inspect"]

ByTable = dict[str, dict[str, str]]

_OUR_INDEX = re.compile(r'CREATE (UNIQUE )?INDEX "\w+"\s+ON "\w+" (\("\w+"(?:, "\w+")*\))')


def inspect(conn: Connection, names: Collection[str] | None = None) -> dict[str, LiveTable]:
    """The tables of these names that exist, or all. Call it inside a transaction to see them all at one
    moment."""
    if names is not None and not names:
        return {}
    return _inspect_sqlite(conn, names) if conn.dialect == "sqlite" else _inspect_postgres(conn, names)


# --- SQLite
# -----------------------------------------------------------------------------------------------------


def _inspect_sqlite(conn: Connection, names: Collection[str] | None) -> dict[str, LiveTable]:
    objects = (
        "SELECT type, name, tbl_name, sql FROM sqlite_master "
        "WHERE sql IS NOT NULL AND tbl_name NOT GLOB 'sqlite_*'"
    )
    if names is None:
        rows = conn.execute(objects)
    else:
        chosen = json.dumps(list(names))
        rows = conn.execute(f"{objects} AND tbl_name IN (SELECT value FROM json_each(?))", (chosen,))
    indexes: ByTable = defaultdict(dict)
    triggers: ByTable = defaultdict(dict)
    for kind, name, table, sql in rows:
        if kind == "index":
            indexes[table][name] = _index_words(sql)
        elif kind == "trigger":
            triggers[table][name] = normalised(sql)
    return {
        name: _with(parse_table(sql), indexes[name], triggers[name])
        for kind, name, _, sql in rows
        if kind == "table"
    }


def _index_words(sql: str) -> str:
    """`unique ("a", "b")` of a CREATE INDEX statement: what follows the names of index and table."""
    ours = _OUR_INDEX.fullmatch(sql)
    if ours is not None:  # as `ddl` writes them: already as `normalised` would leave them
        return f"unique {ours[2]}" if ours[1] else str(ours[2])
    text = normalised(sql)
    unique = "unique " if text[7:13].upper() == "UNIQUE" else ""
    return unique + text[text.index("(") :]


def _with(table: LiveTable, indexes: dict[str, str], triggers: dict[str, str]) -> LiveTable:
    return LiveTable(table.columns, indexes, table.constraints, triggers)


# --- PostgreSQL
# -------------------------------------------------------------------------------------------------

_TABLES = "c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
_CHOSEN = " AND c.relname = ANY (?)"

_COLUMNS = f"""
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
       CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE {_TABLES}"""

_INDEXES = f"""
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid AND x.indisready
FROM pg_class c
JOIN pg_index x ON x.indrelid = c.oid
JOIN pg_class i ON i.oid = x.indexrelid
WHERE {_TABLES} AND NOT EXISTS (
  SELECT FROM pg_constraint k
  WHERE k.conindid = x.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'))"""

# What is required of a column stands with the column; from version 18 on it is a constraint as well.
_CONSTRAINTS = f"""
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_class c
JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')
WHERE {_TABLES}"""

_TRIGGERS = f"""
SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
FROM pg_class c
JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
WHERE {_TABLES}"""

_ENABLED = {"O": "", "D": " disabled", "R": " on replicas only", "A": " always"}


def _inspect_postgres(conn: Connection, names: Collection[str] | None) -> dict[str, LiveTable]:
    def rows(query: str) -> list[tuple[Any, ...]]:
        return conn.execute(query) if names is None else conn.execute(query + _CHOSEN, (list(names),))

    columns: ByTable = defaultdict(dict)
    for table, name, kind, not_null, expression, identity, generated, collation in rows(_COLUMNS):
        columns[table][name] = _column(kind, not_null, expression, identity, generated, collation)
    indexes = _by_table((t, n, _definition(text, valid)) for t, n, text, valid in rows(_INDEXES))
    constraints = _by_table(rows(_CONSTRAINTS))
    triggers = _by_table((t, n, text + _ENABLED[enabled]) for t, n, text, enabled in rows(_TRIGGERS))
    return {
        name: LiveTable(columns[name], indexes[name], constraints[name], triggers[name]) for name in columns
    }


def _by_table(rows: Iterable[tuple[Any, ...]]) -> ByTable:
    found: ByTable = defaultdict(dict)
    for table, name, text in rows:
        found[table][name] = text
    return found


@lru_cache(maxsize=4096)  # a thousand tables share a handful of descriptions
def _column(
    kind: str, not_null: bool, expression: str | None, identity: str, generated: str, collation: str | None
) -> str:
    special = {"a": "identity always", "d": "identity"}.get(identity, "")
    if generated:
        special, expression = f"generated ({expression})", None
    return str(LiveColumn(kind, not_null, expression or "", collation or "", special))


def _definition(text: str, valid: bool) -> str:
    """`unique btree (a, b)` of a CREATE INDEX statement; names of index and table are known already."""
    unique = "unique " if text.startswith("CREATE UNIQUE") else ""
    return unique + text.partition(" USING ")[2] + ("" if valid else " (invalid)")

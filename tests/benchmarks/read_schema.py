"""Reads the schema of a database and prints the seconds it took: `python -m tests.benchmarks.read_schema WAY
URL`.

WAY is `inspect` for `database.inspection`, or `bare` for the rows of the catalog and nothing made of them.
Connecting, and on SQLite the parsing of the file's schema by the library, come before the clock starts: both
ways have them alike.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

_SQLITE = (
    "SELECT type, name, tbl_name, sql FROM sqlite_master",
    "SELECT m.name, c.* FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c WHERE m.type = 'table'",
    """SELECT m.name, l.*, i.* FROM sqlite_master m
       JOIN pragma_index_list(m.name) l JOIN pragma_index_info(l.name) i WHERE m.type = 'table'""",
    "SELECT m.name, f.* FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
)
_POSTGRESQL = (
    """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid)
       FROM pg_class c
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
       WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace""",
    """SELECT c.relname, i.relname, pg_get_indexdef(i.oid), x.indisvalid
       FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
       WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace""",
    """SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
       FROM pg_class c JOIN pg_constraint k ON k.conrelid = c.oid
       WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace""",
)


def main() -> None:
    way, url = sys.argv[1:]
    read = _inspecting(url) if way == "inspect" else _bare(url)
    before = time.perf_counter()
    found = read()
    seconds = time.perf_counter() - before
    print(f"{len(found)} read in {seconds:.6f}".replace(" in ", "\n"))


def _inspecting(url: str) -> Callable[[], Any]:
    from reconciler.database.connection import connect
    from reconciler.database.inspection import inspect

    connection = connect(url, create=False)
    connection.execute("SELECT count(*) FROM revisions")
    return lambda: inspect(connection)


def _bare(url: str) -> Callable[[], Any]:
    if url.startswith("sqlite"):
        return _all_rows(sqlite3.connect(url.removeprefix("sqlite:///")), _SQLITE)
    import psycopg

    return _all_rows(psycopg.connect(url, autocommit=True), _POSTGRESQL)


def _all_rows(connection: Any, queries: Sequence[str]) -> Callable[[], Any]:
    connection.execute("SELECT count(*) FROM revisions").fetchall()
    return lambda: [row for query in queries for row in connection.execute(query).fetchall()]


if __name__ == "__main__":
    main()

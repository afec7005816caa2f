"""Contests inside a database: reading its schema and making it, against the bare drivers."""

from __future__ import annotations

import json
import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

from reconciler.database.connection import connect
from reconciler.database.upgrade import ensure_catalog
from tests.benchmarks.contest import AtMost, Contest
from tests.benchmarks.stage import Dialect, Stage, python, script

_WRITTEN = (
    "spec_store",
    "agent_types",
    "dynamic_tables",
    "revisions",
    "revision_units",
    "revision_objects",
    "audit",
    "catalog_meta",
)
"""The tables of the catalog that an apply of new types writes to."""
_NUMBERED = {"agent_types", "audit"}
"""Those whose `id` the database gives."""


def read_schema(stage: Stage, dialect: Dialect) -> Contest:
    url = stage.applied(stage.tables_source(), dialect)
    return Contest(
        f"live schema of {stage.sizes.tables:,} tables, {dialect}",
        replace(python("read_schema", "inspect", url), name="inspection.inspect", own_clock=True),
        replace(python("read_schema", "bare", url), name="bare catalog queries", own_clock=True),
        AtMost(1.5),
    )


def apply_types(stage: Stage, dialect: Dialect) -> Contest:
    """Each run into another database with an empty catalog; ours knows the manifests, as after a plan."""
    source = stage.types_only()
    sent = stage.new_folder("sent") / "sent.pickle"
    sent.write_bytes(pickle.dumps(_sent(stage.applied(source, dialect))))
    target = stage.new_database(dialect)

    def renew() -> None:
        stage.renew(target)
        with closing(connect(target)) as connection:
            ensure_catalog(connection)

    return Contest(
        f"apply of {stage.sizes.types:,} new types, {dialect}",
        replace(stage.ours(source, target, "--apply", "--yes"), before=renew, says="Applied"),
        replace(script("send_bare.py", str(sent), target), name="same statements, bare", before=renew),
        AtMost(2),
    )


def _sent(url: str) -> tuple[list[str], list[tuple[str, list[tuple[Any, ...]]]]]:
    """The DDL an apply has on record, and inserts that give the rows it left in the catalog."""
    with closing(_driver(url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT sql_up FROM revision_units ORDER BY revision, position")
        statements = [statement for (sql,) in cursor.fetchall() for statement in json.loads(sql)]
        inserts = []
        for table in _WRITTEN:
            cursor.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            skipped = columns.index("id") if table in _NUMBERED else len(columns)
            rows = [row[:skipped] + row[skipped + 1 :] for row in cursor.fetchall()]
            inserts.append((_insert(url, table, columns[:skipped] + columns[skipped + 1 :]), rows))
    return statements, inserts


def _insert(url: str, table: str, columns: list[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join("?" if url.startswith("sqlite") else f"${n + 1}" for n in range(len(columns)))
    return f"INSERT INTO {table} ({names}) VALUES ({places})"


def _driver(url: str) -> Any:
    if url.startswith("sqlite"):
        return sqlite3.connect(url.removeprefix("sqlite:///"))
    import psycopg

    return psycopg.connect(url)

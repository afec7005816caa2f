"""Databases as earlier programs left them: a small world of types, rows, history, archive and tasks, at any revision.

`python -m tests.integration.earlier_catalogs` writes those that are not yet kept below tests/cases/catalogs. A file
once written stays as it is: it says what a program of that time wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory

from reconciler.bootstrap import run_once
from reconciler.database.catalog import METADATA
from reconciler.database.connection import Connection, connect
from reconciler.database.upgrade import VERSION_TABLE, alembic_config, engine_beside
from tests.acceptance.workbench import Workbench

CASES = Path(__file__).parents[1] / "cases/catalogs"
FIRST, SECOND = ((CASES / f"{name}.yaml").read_text() for name in ("first", "second"))
ROWS = {
    "shop.customer": [
        {"name": "Anna", "level": "old", "born": "1990-05-01", "worth": "12.50"},
        {"name": "Ben"},
    ],
    "shop.visit": [{"customer": 1, "length": 3}, {"customer": 2, "length": 5}],
    "gone.scrap": [{"text": "parked"}],
}

Rows = dict[str, list[dict[str, Any]]]


def revisions() -> list[str]:
    """All that there are, the first one first."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return sorted(script.revision for script in scripts.walk_revisions())


def live(bench: Workbench) -> None:
    """Two applies, rows of both, a renamed and a parked column, a parked table, and a task."""
    bench.apply(FIRST)
    bench.insert(ROWS)
    bench.apply(SECOND, allow=["destructive"])
    assert run_once(bench.settings, "counter", {"name": "Cleo"}, {}, actor="tester").output


def bring_to(connection: Connection, revision: str) -> None:
    """Down from where it is; what that revision had no place for is gone."""
    with engine_beside(connection).begin() as alchemy:
        command.downgrade(alembic_config(alchemy), revision)


def all_rows(connection: Connection) -> Rows:
    """Of the catalog and of all agents."""
    if connection.dialect == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    found: Rows = {}
    for (name,) in sorted(connection.execute(names)):
        columns = _columns(connection, str(name))
        listed = ", ".join(f'"{column}"' for column in columns)
        rows = connection.execute(f'SELECT {listed} FROM "{name}"')
        found[str(name)] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


def _columns(connection: Connection, table: str) -> list[str]:
    if connection.dialect == "sqlite":
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    else:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ? ORDER BY ordinal_position",
            (table,),
        )
    return [str(name) for (name,) in rows]


# --- kept as text


def kept(revision: str) -> Path:
    return CASES / f"{revision}.sql"


def restore(revision: str, database: Path) -> None:
    """The catalog as the migrations of that revision make it, and in it what was kept."""
    with (
        connect(f"sqlite:///{database}", create=True) as connection,
        engine_beside(connection).begin() as alchemy,
    ):
        command.upgrade(alembic_config(alchemy), revision)
    with sqlite3.connect(database) as raw:
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.executescript(kept(revision).read_text())


def _dump(database: Path) -> Iterator[str]:
    """Statements for what the migrations do not make."""
    ours = {*METADATA.tables, VERSION_TABLE}
    with sqlite3.connect(database) as raw:
        yield f"PRAGMA user_version = {raw.execute('PRAGMA user_version').fetchone()[0]};"
        for name, table, sql in raw.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
        ):
            if table not in ours and not name.startswith("sqlite_"):
                yield f"{sql};"
        tables = raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_s%'"
        )
        for (name,) in sorted(tables.fetchall()):
            columns = [row[1] for row in raw.execute(f'PRAGMA table_info("{name}")')]
            quoted = " || ', ' || ".join(f'quote("{column}")' for column in columns)
            head = f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES'
            if name not in (VERSION_TABLE, "leases"):
                yield from (
                    f"{head} ({values});" for (values,) in raw.execute(f'SELECT {quoted} FROM "{name}"')
                )


def keep_all() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = folder / "world.db"
        live(Workbench(f"sqlite:///{database}", folder))
        for revision in reversed(revisions()):
            with connect(f"sqlite:///{database}") as connection:
                bring_to(connection, revision)
            if not kept(revision).exists():
                text = "\n".join(_dump(database)) + "\n"
                kept(revision).write_text(text.replace(str(folder / "agents.d"), "agents.d"))
                print(f"kept {kept(revision)}")


if __name__ == "__main__":
    keep_all()

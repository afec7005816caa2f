"""Contests with other tools: a plan of tables that have not changed, of the same tables written as each tool
wants them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from reconciler.spec.tables import Table, tables_of
from tests.benchmarks import written_for
from tests.benchmarks.contest import Contender, Contest, TimesFaster
from tests.benchmarks.installing import node_packages, python_environment
from tests.benchmarks.racing import run
from tests.benchmarks.stage import Dialect, Stage

# From 1.12 on, installing dbt-core fetches a program from outside the package index.
_DBT = ("dbt-core>=1.11,<1.12", "dbt-duckdb>=1.9,<2")
_DRIZZLE = ("drizzle-kit@^0.31", "drizzle-orm@^0.45")


def alembic_check(stage: Stage, dialect: Dialect) -> Contest:
    """Its tables are in a database of their own, made from the metadata it is then asked to check."""
    folder, tables = stage.new_folder("alembic"), _tables(stage)
    url = stage.new_database(dialect)
    written_for.alembic(folder, tables, url.replace("postgresql://", "postgresql+psycopg://"))
    run(Contender("create_all", (sys.executable, "models.py"), folder=folder))
    alembic = Path(sys.executable).with_name("alembic")
    theirs = Contender(
        "alembic check", (str(alembic), "check"), folder=folder, says="No new upgrade operations"
    )
    return _contest(stage, dialect, theirs, TimesFaster(20))


def dbt_parse(stage: Stage) -> Contest:
    """Partial parsing: the first run keeps what it has parsed, and the later ones find that nothing has
    changed."""
    programs = python_environment(stage.peers, "dbt", *_DBT)
    folder = stage.new_folder("dbt")
    written_for.dbt(folder, _tables(stage))
    command = (str(programs / "dbt"), "parse", "--profiles-dir", ".", "--partial-parse")
    theirs = Contender(
        "dbt parse", command, folder=folder, environment={"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    )
    return _contest(stage, "sqlite", theirs, TimesFaster(20))


def drizzle_generate(stage: Stage) -> Contest:
    """It compares its schema with the snapshot of its last migration; it does not look at a database."""
    modules = node_packages(stage.peers, "drizzle", *_DRIZZLE) / "node_modules"
    folder = stage.new_folder("drizzle")
    (folder / "node_modules").symlink_to(modules)
    written_for.drizzle(folder, _tables(stage))
    command = ("generate", "--dialect", "sqlite", "--schema", "schema.ts", "--out", "migrations")
    theirs = Contender(
        "drizzle-kit generate", (str(modules / ".bin" / "drizzle-kit"), *command), folder=folder
    )
    run(theirs)
    return _contest(stage, "sqlite", replace(theirs, says="No schema changes"), TimesFaster(5))


def _contest(stage: Stage, dialect: Dialect, theirs: Contender, goal: TimesFaster) -> Contest:
    title = f"plan of {len(_tables(stage)):,} unchanged tables, {dialect}"
    return Contest(title, stage.warm_plan(stage.tables_source(), dialect), theirs, goal)


def _tables(stage: Stage) -> tuple[Table, ...]:
    loaded = load(DirectorySource(stage.tables_source()))
    types = (loaded.state.agent_type(a.removeprefix("type/")) for a in loaded.state.entries)
    return tuple(table for found in types if found for table in tables_of(found).values())

"""A newcomer's day: from an empty folder to rows, changes, undo, archive, and files for the DBAs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from reconciler.bootstrap import open_reconciler
from reconciler.database.connection import connect
from tests.acceptance.command_line import CommandLine
from tests.acceptance.evolution import manifests
from tests.acceptance.workbench import Workbench

NOTES = "agents.d/notes.yaml"

CHANGED = (
    ("version: 1.0.0", "version: 2.0.0"),
    (
        "fields:\n        text:",
        "fields:\n        urgency: {type: integer, min: 1, max: 5, default: 1}\n        text:",
    ),
    (
        "{type: enum, values: [idea, task, other], required: true, index: true}",
        "{type: string, max_length: 20}",
    ),
)


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def rows(run: CommandLine, sql: str) -> list[tuple[Any, ...]]:
    with connect(f"sqlite:///{run.folder}/reconciler.db") as connection:
        return connection.execute(sql)


def evolve(run: CommandLine, *replacements: tuple[str, str]) -> None:
    file = run.folder / NOTES
    text = file.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


def test_the_day_of_a_newcomer(run: CommandLine) -> None:
    assert "Next: reconcile init" in run().out
    assert "reconcile --plan" in run("init").out
    assert run("validate").out == "1 file, 2 sound objects, 0 errors, 0 warnings\n"
    assert run("schema", "--out", ".reconciler/schema.json").code == 0
    assert json.loads((run.folder / ".reconciler/schema.json").read_text())["$schema"].endswith(
        "2020-12/schema"
    )
    plan = run("--plan")
    assert plan.last == "Plan: 3 to add, 0 to change, 0 to destroy."
    assert not (run.folder / "reconciler.db").exists(), "a plan makes nothing"
    assert run("--apply", "--yes").last == "Applied 1 unit as revision 1."
    again = run("--apply", "--yes")
    assert (again.code, again.last) == (0, "Nothing to do.")
    assert "Next: reconcile history" in run().out

    rows(run, "INSERT INTO notes__note (text, topic) VALUES ('a', 'idea'), ('b', 'task')")
    evolve(run, *CHANGED)
    told = run("--plan")
    assert "+ column urgency" in told.out
    assert "~ column topic" in told.out
    assert "CREATE TABLE" not in told.out
    assert 'CREATE TABLE "_rebuild_notes__note"' in run("--plan", "--sql").out
    assert run("--plan", "--detailed-exitcode").code == 2
    assert run("--apply", "--yes", "--reason", "topics are free").code == 0
    assert rows(run, "SELECT text, topic, urgency FROM notes__note") == [("a", "idea", 1), ("b", "task", 1)]

    revisions = run("history", "--json").document["revisions"]
    assert [(r["number"], r["reason"], r["actor"]) for r in revisions] == [
        (2, "topics are free", "tester"),
        (1, "", "tester"),
    ]
    assert "topics are free" in run("history").out
    assert "~ table/notes__note/column/topic" in run("show", "2").out
    assert "_rebuild_notes__note" in run("show", "2", "--sql").out

    rows(run, "INSERT INTO notes__note (text, topic, urgency) VALUES ('c', 'task', 4)")
    back = run("rollback", "--yes")
    assert back.code == 6, "urgency holds a value"
    assert run("rollback", "--yes", "--allow", "destructive:notes.note.urgency").code == 0
    assert rows(run, "SELECT text, topic FROM notes__note") == [("a", "idea"), ("b", "task"), ("c", "task")]
    assert run("--plan").last != "Plan: 0 to add, 0 to change, 0 to destroy.", (
        "the manifests still want 2.0.0"
    )
    assert run("rollback", "2", "--yes").code == 0
    assert rows(run, "SELECT text, urgency FROM notes__note") == [("a", 1), ("b", 1), ("c", 4)]
    assert run("--plan", "--detailed-exitcode").code == 0


def test_what_was_parked_is_listed_restored_and_purged(run: CommandLine) -> None:
    run("init")
    run.write("agents.d/more.yaml", _type("more", "{code: string, note: text}"))
    assert run("--apply", "--yes").code == 0
    rows(run, "INSERT INTO more__item (code, note) VALUES ('a', 'kept')")

    run.write("agents.d/more.yaml", _type("more", "{code: string}", "2.0.0"))
    assert run("--apply", "--yes", "--allow", "destructive").code == 0
    (run.folder / "agents.d/more.yaml").unlink()
    assert run("--apply", "--yes", "--allow", "destructive").code == 0
    parked = run("archive", "list", "--json").document["archives"]
    assert [(p["kind"], p["table"], p["column"], p["rows"]) for p in parked] == [
        ("table", "more__item", None, 1),
        ("column", "more__item", "note", 1),
    ]
    table, column = (str(p["id"]) for p in parked)
    assert "more__item.note" in run("archive", "list").out
    assert run("archive", "restore", column, "--yes").code == 6
    assert run("archive", "restore", table, "--yes").code == 0
    assert rows(run, "SELECT code FROM more__item") == [("a",)]
    assert run("archive", "restore", table, "--yes").code == 1, "it is parked no more"
    assert run("--plan", "--detailed-exitcode").code == 0

    run.write("agents.d/more.yaml", _type("more", "{code: string, note: text}", "3.0.0"))
    assert run("--apply", "--yes").code == 0
    assert rows(run, "SELECT code, note FROM more__item") == [("a", "kept")]
    assert run("archive", "list", "--json").document["archives"] == []
    run.write("agents.d/more.yaml", _type("more", "{code: string}", "4.0.0"))
    assert run("--apply", "--yes", "--allow", "destructive").code == 0
    (again,) = run("archive", "list", "--json").document["archives"]
    assert run("archive", "purge", str(again["id"]), "--yes").code == 0
    assert run("archive", "list").out == "Nothing is parked.\n"
    assert run("archive", "list", "--all", "--json").document["archives"][0]["state"] == "purged"
    assert run("--plan", "--detailed-exitcode").code == 0


def _type(name: str, fields: str, version: str = "1.0.0") -> str:
    return (
        f"apiVersion: reconciler/v1\nkind: AgentType\nmetadata: {{name: {name}}}\n"
        f"spec: {{version: {version}, models: {{item: {{fields: {fields}}}}}}}\n"
    )


# --- what others read


def test_a_pull_request_and_a_pipeline_get_what_they_can_show(run: CommandLine) -> None:
    run("init")
    run.write("agents.d/broken.yaml", _type("broken", "{code: strong}"))
    markdown = run("--plan", "--format", "markdown").out
    assert "## Plan: 3 to add, 0 to change, 0 to destroy." in markdown
    assert "agents.d/broken.yaml" in markdown
    github = run("--plan", "--format", "github").out
    assert re.search(r"^::error file=agents.d/broken.yaml,line=4,", github, re.MULTILINE)
    sarif = run("--plan", "--format", "sarif").document
    assert sarif["version"] == "2.1.0"
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "agents.d/broken.yaml"
    assert place["region"]["startLine"] == 4


# --- files for the DBAs

BEFORE: dict[str, Any] = {
    "item": {
        "fields": {
            "code": {"type": "string", "max_length": 20},
            "size": {"type": "string"},
            "kind": {"type": "enum", "values": ["x:y", "50%"], "default": "x:y"},
            "note": "text",
        }
    },
    "scrap": {"fields": {"text": "text"}},
}
AFTER: dict[str, Any] = {
    "item": {
        "fields": {
            "code": {"type": "string", "max_length": 20, "required": True, "default": "a:b", "unique": True},
            "size": {"type": "integer"},
            "kind": {"type": "enum", "values": ["x:y", "50%", "z"], "default": "50%"},
            "title": {"type": "string", "renamed_from": "note", "index": True},
        },
        "checks": [{"name": "sane", "expression": "size < 1000 or kind = '50%'"}],
    },
    "other": {"fields": {"item": {"type": "reference", "model": "item", "on_delete": "cascade"}}},
}
ROWS = {
    "item": [
        {"code": "c1", "size": "7", "note": "one"},
        {"code": "c2", "size": "not a number", "kind": "50%"},
    ],
    "scrap": [{"text": "parked"}],
}
ALLOW = ["destructive", "uncastable"]


@pytest.mark.parametrize("large", [False, True], ids=["", "large"])
def test_what_dbas_ran_from_a_file_is_only_recorded(
    dialect: str, new_database: Callable[[], str], tmp_path: Path, large: bool
) -> None:
    if large and dialect == "sqlite":
        pytest.skip("SQLite has no online phases")
    applied = Workbench(new_database(), tmp_path / "applied", large_table_rows=1 if large else 1000)
    by_file = Workbench(new_database(), tmp_path / "by_file", large_table_rows=1 if large else 1000)
    for bench in (applied, by_file):
        bench.apply(manifests({"models": BEFORE}, "1.0.0"))
        bench.insert(ROWS)
        if large:
            with connect(bench.url) as connection:
                connection.execute("ANALYZE")
        bench.write(manifests({"models": AFTER}, "2.0.0"))
    applied.reconcile(allow=ALLOW)

    run = CommandLine(
        tmp_path,
        RECONCILER_SOURCE=str(by_file.source),
        RECONCILER_DATABASE_URL=by_file.url,
        RECONCILER_LARGE_TABLE_ROWS="1" if large else "1000",
    )
    folder = tmp_path / "alembic" / "versions"
    assert run("--plan", "--write-revision", str(folder)).code == 0
    (file,) = folder.iterdir()
    assert ("autocommit_block" in file.read_text()) == large
    upgrade(by_file.url, folder)

    plan = by_file.plan()
    assert plan.drift == ()
    assert {hazard.code for hazard in plan.hazards} == {"already-run"}
    assert {migration.done for unit in plan.units for migration in unit.migrations} == {True}
    with open_reconciler(by_file.settings) as reconciler:
        assert [statement for _, statements in reconciler.statements(plan) for statement in statements] == []
    by_file.reconcile()
    assert not by_file.plan().pending
    assert by_file.snapshot() == applied.snapshot()
    assert archives(by_file) == archives(applied)

    by_file.rollback(1, allow=ALLOW)
    applied.rollback(1, allow=ALLOW)
    assert by_file.snapshot() == applied.snapshot()


def upgrade(url: str, folder: Path, env: str = "") -> None:
    """As the DBAs do it: with an environment of their own, of which the folder is one place of revisions."""
    environment = folder.parent
    (environment / "env.py").write_text(env or ENVIRONMENT)
    config = Config()
    config.set_main_option("script_location", str(environment))
    config.set_main_option("version_locations", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url.replace("postgresql://", "postgresql+psycopg://"))
    command.upgrade(config, "reconciler@head")


ENVIRONMENT = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


def archives(bench: Workbench) -> list[tuple[object, ...]]:
    with open_reconciler(bench.settings) as reconciler:
        found = reconciler.archives()
    return [(a.kind, a.table, a.column, a.stored_as, a.revision, a.rows, a.state) for a in found]


def test_the_files_of_a_folder_form_a_chain(run: CommandLine) -> None:
    url = f"sqlite:///{run.folder}/reconciler.db"
    run.write("agents.d/a.yaml", _type("a", "{code: string}"))
    assert run("--plan", "--write-revision", "alembic/versions").code == 0
    upgrade(url, run.folder / "alembic/versions")
    told = run("--plan")
    assert told.last == "Plan: 2 to add, 0 to change, 0 to destroy."
    assert "table a__item is as it is to be" in told.out
    assert run("--apply", "--yes").code == 0

    run.write("agents.d/a.yaml", _type("a", "{code: string, more: date}", "1.1.0"))
    assert run("--plan", "--write-revision", "alembic/versions").code == 0
    upgrade(url, run.folder / "alembic/versions")
    rows(run, "INSERT INTO a__item (code, more) VALUES ('x', '2026-01-01')")
    assert run("--apply", "--yes").code == 0
    assert run("--plan", "--detailed-exitcode").code == 0


def test_a_file_that_would_lose_rows_refuses_to_run(run: CommandLine) -> None:
    run.write("agents.d/a.yaml", _type("a", "{code: string}"))
    run.write("agents.d/b.yaml", _type("b", "{a: {type: reference, model: a.item, on_delete: cascade}}"))
    assert run("--apply", "--yes").code == 0
    rows(run, "INSERT INTO a__item (code) VALUES ('x')")
    rows(run, "INSERT INTO b__item (a) VALUES (1)")
    run.write("agents.d/a.yaml", _type("a", "{code: {type: string, required: true}}", "2.0.0"))
    assert run("--plan", "--write-revision", "alembic/versions").code == 0
    careless = ENVIRONMENT.replace(
        "    context.configure",
        '    connection.exec_driver_sql("PRAGMA foreign_keys = ON")\n    context.configure',
    )
    with pytest.raises(RuntimeError, match="rows that refer to it"):
        upgrade(f"sqlite:///{run.folder}/reconciler.db", run.folder / "alembic/versions", careless)
    assert rows(run, "SELECT count(*) FROM b__item") == [(1,)]

"""The catalog: migrations lead to its MetaData, one process upgrades, an older program leaves it alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from reconciler.bootstrap import open_reconciler
from reconciler.database.catalog import METADATA
from reconciler.database.connection import Connection, connect
from reconciler.database.failures import CatalogTooNew
from reconciler.database.upgrade import (
    CATALOG_VERSION,
    VERSION_TABLE,
    alembic_config,
    catalog_version,
    engine_beside,
    ensure_catalog,
    has_catalog,
)
from reconciler.errors import DatabaseError
from reconciler.settings import Settings

UPGRADE = (
    "import sys\n"
    "from reconciler.database.connection import connect\n"
    "from reconciler.database.upgrade import ensure_catalog\n"
    "sys.stdin.readline()\n"
    "print(ensure_catalog(connect(sys.argv[1])))\n"
)


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        yield opened


def differences(connection: Connection) -> list[object]:
    def is_catalog(name: str | None, kind: str, parents: object) -> bool:
        return kind != "table" or name in METADATA.tables

    with engine_beside(connection).connect() as alchemy:
        options = {"compare_type": True, "include_name": is_catalog, "version_table": VERSION_TABLE}
        return list(compare_metadata(MigrationContext.configure(alchemy, opts=options), METADATA))


def test_the_migrations_lead_exactly_to_the_metadata(connection: Connection) -> None:
    ensure_catalog(connection)
    assert differences(connection) == []


def test_the_comparison_notices_what_is_missing(connection: Connection) -> None:
    ensure_catalog(connection)
    connection.script(["DROP INDEX ix_agents_type", "ALTER TABLE audit DROP COLUMN reason"])
    assert len(differences(connection)) == 2


def test_a_catalog_in_use_is_upgraded_with_all_its_rows(connection: Connection) -> None:
    """One of the first release, as an apply left it."""
    with engine_beside(connection).begin() as alchemy:
        command.upgrade(alembic_config(alchemy), "0001")
    connection.execute(
        "INSERT INTO agent_types (name, version, digest, spec, status, current, registered_at, revision)"
        " VALUES ('mail', '1.0.0', 'a', '{}', 'active', true, '', 1)"
    )
    connection.execute(
        "INSERT INTO agents (name, type, digest, spec, enabled, deployed_at, revision)"
        " VALUES ('inbox', 'mail', 'b', '{}', true, '', 1)"
    )
    before = {name: connection.execute(f"SELECT * FROM {name}") for name in ("agent_types", "agents")}
    with pytest.raises(DatabaseError, match="at version 0001") as refusal:
        has_catalog(connection)
    assert refusal.value.hint == "an apply upgrades it"
    assert ensure_catalog(connection)
    assert catalog_version(connection) == CATALOG_VERSION
    assert differences(connection) == []
    assert {name: connection.execute(f"SELECT * FROM {name}") for name in before} == before
    assert connection.execute("SELECT * FROM tasks") == []


def test_a_key_is_given_to_one_task_of_an_agent_and_the_database_holds_that(connection: Connection) -> None:
    ensure_catalog(connection)
    columns = "id, agent, kind, type, type_version, state, input, settings, idempotency_key, submitted_at"
    columns += ", not_before, token, attempts, max_attempts, revision, manifest_digest, prompt_digest"
    insert = (
        f"INSERT INTO tasks ({columns}, model, tokens, origin, actor)"
        " VALUES (?, ?, 'dynamic', 'mail', '', 'pending', '{}', '{}', ?, '', '', 0, 0, 3, 0, '', '', '', 0, '', '')"
    )
    connection.execute_many(
        insert, [("1", "a", "key"), ("2", "b", "key"), ("3", "a", None), ("4", "a", None)]
    )
    with pytest.raises(DatabaseError):
        connection.execute(insert, ("5", "a", "key"))


def test_only_one_row_of_a_type_is_current_and_the_database_holds_that(connection: Connection) -> None:
    ensure_catalog(connection)
    insert = (
        "INSERT INTO agent_types (name, version, digest, spec, status, current, registered_at, revision)"
        " VALUES ('mail', '1.0.0', ?, '{}', 'active', ?, '', 1)"
    )
    connection.execute(insert, ("a", True))
    connection.execute(insert, ("b", False))
    connection.execute(insert, ("c", False))
    with pytest.raises(DatabaseError):
        connection.execute(insert, ("d", True))


def test_the_version_the_program_knows_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [CATALOG_VERSION]


def test_migrations_can_be_taken_back_without_a_trace(connection: Connection) -> None:
    ensure_catalog(connection)
    with engine_beside(connection).begin() as alchemy:
        command.downgrade(alembic_config(alchemy), "base")
    assert catalog_version(connection) is None
    assert ensure_catalog(connection)
    assert differences(connection) == []


def test_a_second_call_has_nothing_to_do_and_imports_no_alembic(database_url: str) -> None:
    with connect(database_url) as connection:
        assert not has_catalog(connection)
        assert ensure_catalog(connection)
        assert has_catalog(connection)
        assert not ensure_catalog(connection)
    program = UPGRADE + "print(sorted({'sqlalchemy', 'alembic'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program, database_url], input="\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n[]\n"


def test_of_processes_that_upgrade_at_once_one_does_it_and_all_succeed(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UPGRADE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert sorted(said) == ["False", "False", "True"]
    with connect(database_url) as connection:
        assert differences(connection) == []


def test_a_catalog_newer_than_the_program_is_refused(connection: Connection) -> None:
    ensure_catalog(connection)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    calls: list[Callable[[Connection], bool]] = [ensure_catalog, has_catalog]
    for call in calls:
        with pytest.raises(CatalogTooNew) as failure:
            call(connection)
        assert failure.value.code == "catalog-too-new"
        assert "0999" in failure.value.message
    assert catalog_version(connection) == "0999"


def test_a_catalog_older_than_the_program_is_not_read(connection: Connection) -> None:
    ensure_catalog(connection)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    with pytest.raises(DatabaseError) as failure:
        has_catalog(connection)
    assert failure.value.hint


def test_an_upgrade_that_fails_leaves_nothing_behind(connection: Connection) -> None:
    connection.execute("CREATE TABLE spec_store (somebody_elses integer)")
    with pytest.raises(DatabaseError) as failure:
        ensure_catalog(connection)
    assert "spec_store" in failure.value.message
    assert catalog_version(connection) is None
    with pytest.raises(DatabaseError):
        connection.execute("SELECT * FROM agent_types")


def test_tables_of_others_are_left_alone(connection: Connection) -> None:
    connection.execute("CREATE TABLE mail__analysis (id integer)")
    ensure_catalog(connection)
    assert connection.execute("SELECT * FROM mail__analysis") == []
    assert differences(connection) == []


def test_a_package_of_the_same_name_in_the_users_folder_is_not_taken_for_ours(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    done = subprocess.run(
        [sys.executable, "-c", UPGRADE, database_url],
        cwd=tmp_path,
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_an_apply_brings_an_older_catalog_up_to_date(connection: Connection, tmp_path: Path) -> None:
    """Though it first looks at what is there to plan, which nobody else may while the catalog is old."""
    source = tmp_path / "agents.d"
    source.mkdir()
    settings = Settings(str(source), connection.address, tmp_path / "cache")
    with engine_beside(connection).connect() as alchemy:
        command.upgrade(alembic_config(alchemy), "0004")
        alchemy.commit()
    with open_reconciler(settings) as reader, pytest.raises(DatabaseError, match="version 0004"):
        reader.history()
    with open_reconciler(settings, create=True) as writer:
        writer.plan()
    assert catalog_version(connection) == CATALOG_VERSION

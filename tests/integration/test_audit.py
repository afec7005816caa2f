"""The audit on both databases: whatever is done to it is found, and what it cannot record does not happen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.bootstrap import open_cipher, open_reconciler
from reconciler.control.exports.exporting import ExportOptions, export
from reconciler.database import records
from reconciler.database.connection import Connection, connect
from reconciler.database.records import AuditEntry, AuditFilter
from reconciler.database.records.audit import _link
from reconciler.database.tasks import NewTask, cancel, redrive, submit
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import DatabaseError, ReconcilerError
from tests.integration.estate import AGENTS, ANN, TYPE, Estate

ROWS = 6
_COLUMNS = ("at", "actor", "action", "address", "before", "after", "reason", "previous_hash", "hash")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        ensure_catalog(opened)
        for number in range(ROWS):
            write(opened, AuditEntry("ann", "deploy", f"agent/a{number}", "", f"d{number}", "because"))
        yield opened


@pytest.fixture
def estate(database_url: str, tmp_path: Path) -> Estate:
    return Estate.settled(database_url, tmp_path / "here")


def write(connection: Connection, entry: AuditEntry) -> None:
    with connection.transaction():
        records.append_audit(connection, [entry])


# --- tampering ------------------------------------------------------------------------------------------------


def alter(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    connection.execute(f"UPDATE audit SET {column} = 'x' || substr({column}, 2) WHERE id = ?", (ids[row],))


def alter_with_its_hash(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    """As somebody would who knows how hashes are made, and forgets what follows."""
    ((at, *words, previous, _),) = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM audit WHERE id = ?", (ids[row],)
    )
    words[0] = "eve"
    digest = _link(previous, at, AuditEntry(*words))
    connection.execute("UPDATE audit SET actor = 'eve', hash = ? WHERE id = ?", (digest, ids[row]))


def delete(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    connection.execute("DELETE FROM audit WHERE id = ?", (ids[row],))


def cut_off(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    connection.execute("DELETE FROM audit WHERE id >= ?", (ids[row],))


def insert(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    names = ", ".join(_COLUMNS)
    connection.execute(
        f"INSERT INTO audit (id, {names}) SELECT ?, {names} FROM audit WHERE id = ?", (ids[-1] + 1, ids[row])
    )


def add_at_the_end(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    ((head,),) = connection.execute("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
    entry = AuditEntry("eve", "purge", "type/x")
    at = "2026-01-01T00:00:00.000000Z"
    connection.execute(
        "INSERT INTO audit (at, actor, action, address, before, after, reason, previous_hash, hash)"
        " VALUES (?, 'eve', 'purge', 'type/x', '', '', '', ?, ?)",
        (at, head, _link(head, at, entry)),
    )


def swap(connection: Connection, ids: list[int], row: int, other: int, column: str) -> None:
    if row == other:
        other = (row + 1) % ROWS
    for old, new in ((ids[row], -1), (ids[other], ids[row]), (-1, ids[other])):
        connection.execute("UPDATE audit SET id = ? WHERE id = ?", (new, old))


TAMPERINGS = (alter, alter_with_its_hash, delete, cut_off, insert, add_at_the_end, swap)


@given(
    tampering=st.sampled_from(TAMPERINGS),
    row=st.integers(0, ROWS - 1),
    other=st.integers(0, ROWS - 1),
    column=st.sampled_from(_COLUMNS),
)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_to_a_record_is_found(
    connection: Connection,
    tampering: Callable[[Connection, list[int], int, int, str], None],
    row: int,
    other: int,
    column: str,
) -> None:
    kept = connection.execute(f"SELECT id, {', '.join(_COLUMNS)} FROM audit ORDER BY id")
    assert not records.verify(connection).fault
    tampering(connection, [one[0] for one in kept], row, other, column)
    assert records.verify(connection).fault
    connection.execute("DELETE FROM audit")
    connection.execute_many(
        f"INSERT INTO audit (id, {', '.join(_COLUMNS)}) VALUES ({', '.join('?' * 10)})", kept
    )


def test_a_chain_that_was_made_anew_lacks_the_hash_that_was_noted(connection: Connection) -> None:
    noted = records.verify(connection).head
    write(connection, AuditEntry("ann", "delete", "agent/a1"))
    assert not records.verify(connection, noted).fault
    connection.execute("DELETE FROM audit")
    connection.execute("DELETE FROM catalog_meta WHERE key = 'audit'")
    for _ in range(ROWS + 1):
        write(connection, AuditEntry("ann", "deploy", "agent/a1"))
    assert not records.verify(connection).fault
    assert noted in records.verify(connection, noted).fault


def test_records_that_were_cut_off_are_missed_whatever_comes_after(connection: Connection) -> None:
    connection.execute("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    write(connection, AuditEntry("ann", "deploy", "agent/new"))
    assert records.verify(connection).fault


def test_an_audit_from_before_its_end_was_kept_is_whole(connection: Connection) -> None:
    from alembic import command

    from reconciler.database.upgrade import alembic_config, engine_beside

    count = records.verify(connection).count
    with engine_beside(connection).begin() as transaction:
        config = alembic_config(transaction)
        command.downgrade(config, "0006")
        command.upgrade(config, "head")
    verdict = records.verify(connection)
    assert (verdict.count, verdict.fault) == (count, "")


def test_the_trail_is_narrowed_by_what_is_asked(connection: Connection) -> None:
    write(connection, AuditEntry("ben", "rotate", "keys"))

    def found(only: AuditFilter) -> list[str]:
        return [record.entry.address for record in records.audit_trail(connection, only=only)]

    assert found(AuditFilter(actor="ben")) == found(AuditFilter(action="rotate")) == ["keys"]
    assert found(AuditFilter(address="agent/a2")) == ["agent/a2"]
    assert found(AuditFilter(since="2999")) == []
    newest = records.audit_trail(connection, 1)[0].id
    assert len(found(AuditFilter(before=newest))) == ROWS


# --- what is recorded -----------------------------------------------------------------------------------------


def actions(estate: Estate) -> list[tuple[str, str]]:
    return [
        (action, address) for action, address in estate.raw("SELECT action, address FROM audit ORDER BY id")
    ]


def test_the_life_of_an_agent_is_on_record(estate: Estate) -> None:
    keeper, spec = AGENTS["keeper"], TYPE["spec"]
    off = {**keeper, "spec": {**keeper["spec"], "enabled": False}}
    old = {**spec, "version": "1.0.1", "deprecated": {"message": "use other"}}
    estate.write({"keeper.yaml": off, "type.yaml": {**TYPE, "spec": old}})
    estate.apply()
    estate.write({"keeper.yaml": keeper})
    estate.apply()
    estate.delete("agent/keeper", "soft")
    estate.restore("agent/keeper")
    found = [action for action, address in actions(estate) if address == "agent/keeper"]
    assert found == ["deploy", "disable", "enable", "delete-ordered", "delete", "restore", "deploy"]
    assert ("deprecate", "type/estate") in actions(estate)
    (deleted,) = estate.raw("SELECT actor, before <> '', after, reason FROM audit WHERE action = 'delete'")
    assert deleted == ("ann", 1, "soft", "moved out")
    with estate.connect() as connection:
        assert not records.verify(connection).fault


def test_a_rollback_is_on_record(estate: Estate) -> None:
    with open_reconciler(estate.settings) as reconciler:
        plan = reconciler.rollback_plan(0)
        reconciler.apply(plan, allow=["destructive", "mass-removal"], actor="ben", reason="wrong")
    assert estate.raw("SELECT actor, address, reason FROM audit WHERE action = 'rollback'") == [
        ("ben", "revision/0", "wrong")
    ]


def test_who_cancels_or_redrives_is_on_record(estate: Estate) -> None:
    with estate.connect() as connection:
        (one,) = submit(connection, [NewTask("keeper", {})])
        cancel(connection, one.id, "ben", "not needed")
        connection.execute("UPDATE tasks SET state = 'dead_letter' WHERE id = ?", (one.id,))
        redrive(connection, [one.id], "cleo")
        newest, before, *_ = records.audit_trail(connection)
    assert (newest.entry.actor, newest.entry.action) == ("cleo", "redrive")
    assert (before.entry.actor, before.entry.action, before.entry.reason) == ("ben", "cancel", "not needed")
    assert newest.entry.address == before.entry.address == f"task/{one.id}"


# --- what cannot be recorded does not happen ------------------------------------------------------------------


def refuse_records(connection: Connection, condition: str = "TRUE") -> None:
    """From now on no such row can be added to the audit."""
    if connection.dialect == "sqlite":
        connection.execute(
            f"CREATE TRIGGER no_audit BEFORE INSERT ON audit WHEN {condition}"
            " BEGIN SELECT raise(ABORT, 'disk is full'); END"
        )
        return
    body = "$$ BEGIN RAISE 'disk is full'; END $$"
    connection.execute(f"CREATE FUNCTION no_audit() RETURNS trigger LANGUAGE plpgsql AS {body}")
    when = f"WHEN ({condition}) EXECUTE FUNCTION no_audit()"
    connection.execute(f"CREATE TRIGGER no_audit BEFORE INSERT ON audit FOR EACH ROW {when}")


def apply_something(estate: Estate, connection: Connection, folder: Path) -> None:
    estate.write({"keeper.yaml": {**AGENTS["keeper"], "spec": {"type": "estate", "enabled": False}}})
    try:
        estate.apply()
    finally:
        estate.write({"keeper.yaml": AGENTS["keeper"]})


def delete_something(estate: Estate, connection: Connection, folder: Path) -> None:
    estate.delete("type/estate", "purge")


def export_something(estate: Estate, connection: Connection, folder: Path) -> None:
    options, cipher = ExportOptions(), open_cipher(estate.settings)
    try:
        export(connection, "type/estate", folder / "e.tar.gz", options, cipher=cipher, actor="ann")
    finally:
        assert not [*folder.glob("*e.tar.gz*")]


def cancel_something(estate: Estate, connection: Connection, folder: Path) -> None:
    (one,) = submit(connection, [NewTask("keeper", {}, id="00000000-0000-7000-8000-000000000000")])
    try:
        cancel(connection, one.id, "ann")
    finally:
        assert connection.execute("SELECT state FROM tasks WHERE id = ?", (one.id,)) == [("pending",)]
        connection.execute("DELETE FROM tasks WHERE id = ?", (one.id,))


@pytest.mark.parametrize("effect", [apply_something, delete_something, export_something, cancel_something])
def test_what_cannot_be_recorded_does_not_happen(
    estate: Estate, tmp_path: Path, effect: Callable[[Estate, Connection, Path], None]
) -> None:
    files = {path.name: path.read_bytes() for path in estate.folder.glob("*.yaml")}
    rows, entries = estate.rows(), estate.raw("SELECT name, digest FROM agents ORDER BY name")
    with estate.connect() as connection:
        refuse_records(connection)
        with pytest.raises(ReconcilerError, match="disk is full"):
            effect(estate, connection, tmp_path)
    assert estate.rows() == rows
    assert estate.raw("SELECT name, digest FROM agents ORDER BY name") == entries
    assert {path.name: path.read_bytes() for path in estate.folder.glob("*.yaml")} == files


def test_a_purge_that_cannot_be_recorded_stays_undone_and_is_done_later(estate: Estate) -> None:
    """The last record of a purge fails: tasks and traces are still there, and the next apply takes them."""
    estate.delete("type/estate", "soft")
    with estate.connect() as connection:
        impact = estate.deletions(connection).preview("type/estate", "purge")
        refuse_records(connection, "NEW.action = 'purge'")
        deleted = estate.deletions(connection).delete(impact, actor="ann", author=ANN)
        assert [one.address for one in deleted.unfinished] == ["type/estate"]
        assert connection.execute("SELECT count(*) FROM tasks")[0][0] == 2
        on = "" if connection.dialect == "sqlite" else " ON audit"
        connection.execute(f"DROP TRIGGER no_audit{on}")
    estate.write({"other.yaml": {**TYPE, "metadata": {"name": "other"}, "spec": {"version": "1.1.0"}}})
    estate.apply()
    assert estate.raw("SELECT count(*) FROM tasks") == [(0,)]
    assert estate.raw("SELECT count(*) FROM deletions WHERE state = 'removed'") == [(0,)]


def test_a_full_disk_undoes_what_it_could_not_record(sqlite_url: str, tmp_path: Path) -> None:
    estate = Estate.settled(sqlite_url, tmp_path / "here")
    with estate.connect() as connection:
        (one,) = submit(connection, [NewTask("keeper", {})])
        ((pages,),) = connection.execute("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DatabaseError):
            cancel_for_ever(connection, one.id)
        assert connection.execute("SELECT state FROM tasks WHERE id = ?", (one.id,)) == [("pending",)]
    with estate.connect() as connection:
        assert not records.verify(connection).fault


def cancel_for_ever(connection: Connection, task_id: str) -> None:
    """Until the last page is used up."""
    while True:
        cancel(connection, task_id, "ann", "x" * 3000)
        connection.execute("UPDATE tasks SET state = 'pending' WHERE id = ?", (task_id,))

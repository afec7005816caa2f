"""The catalog's records: what is written is what is read, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.database import records
from reconciler.database.connection import Connection, connect
from reconciler.database.records import (
    AgentDeployment,
    AuditEntry,
    NewArchive,
    PolicyRegistration,
    StoredSpec,
    TableRecord,
    TypeRegistration,
    UnitRecord,
)
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import DatabaseError, NotFound


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        ensure_catalog(opened)
        yield opened


def a_type(name: str = "mail", version: str = "1.0.0", digest: str = "", **more: str) -> TypeRegistration:
    return TypeRegistration(name, version, digest or f"{name}-{version}", f'{{"v":"{version}"}}', **more)


def a_table(name: str = "mail__analysis", owner: str = "mail") -> TableRecord:
    return TableRecord(name, owner, "analysis", '{"é":1}', "d", '{"x":"\'%?"}', "f", "live", 1)


def begin(connection: Connection) -> int:
    return records.begin_revision(
        connection, plan_id="p", desired_digest="d", source="agents.d", commit="c0ffee"
    )


class TestLive:
    def test_an_empty_catalog_holds_nothing(self, connection: Connection) -> None:
        assert records.entries(connection) == {}
        assert records.meta(connection) == {}
        assert (
            records.tables(connection) == records.archives(connection) == records.revisions(connection) == []
        )

    def test_entries_are_what_is_live_of_every_kind(self, connection: Connection) -> None:
        records.register_types(connection, [a_type(), a_type("gone")], 1)
        records.deploy_agents(
            connection,
            [AgentDeployment("inbox", "mail", "a1", "{}"), AgentDeployment("old", "mail", "a2", "{}", False)],
            1,
        )
        records.put_policies(
            connection, [PolicyRegistration("p", "p1", "{}"), PolicyRegistration("q", "p2", "{}")], 1
        )
        records.remove_types(connection, ["gone"], 2)
        records.remove_agents(connection, ["old"], 2)
        records.remove_policies(connection, ["q"])
        assert records.entries(connection) == {
            "type/mail": "mail-1.0.0",
            "agent/inbox": "a1",
            "policy/p": "p1",
        }

    def test_spec_texts_are_the_very_bytes_that_were_registered(self, connection: Connection) -> None:
        text = '{"b":1,"a":"é \\" \' % ? 😀"}'
        records.register_types(connection, [replace(a_type(), spec=text)], 1)
        records.deploy_agents(connection, [AgentDeployment("inbox", "mail", "a", text)], 1)
        records.put_policies(connection, [PolicyRegistration("p", "p", text)], 1)
        found = records.spec_texts(connection, ["type/mail", "agent/inbox", "policy/p", "agent/none"])
        assert found == {"type/mail": text, "agent/inbox": text, "policy/p": text}
        assert records.spec_text(connection, "policy/p") == text
        with pytest.raises(KeyError):
            records.spec_text(connection, "agent/none")

    def test_more_names_than_a_statement_takes_parameters(self, connection: Connection) -> None:
        names = [f"t{n}" for n in range(1200)]
        records.register_types(connection, [a_type(name) for name in names], 1)
        assert len(records.spec_texts(connection, [f"type/{name}" for name in names])) == 1200

    def test_a_new_version_takes_over_and_the_old_one_stays_on_record(self, connection: Connection) -> None:
        records.register_types(connection, [a_type()], 1)
        records.register_types(connection, [a_type(version="1.1.0", deprecated="use other")], 2)
        assert records.entries(connection) == {"type/mail": "mail-1.1.0"}
        assert records.registered_versions(connection, ["mail", "none"]) == {
            ("mail", "1.0.0"): "mail-1.0.0",
            ("mail", "1.1.0"): "mail-1.1.0",
        }
        assert connection.execute("SELECT status FROM agent_types ORDER BY id") == [
            ("active",),
            ("deprecated",),
        ]

    def test_going_back_to_a_version_makes_it_current_again_without_a_second_row(
        self, connection: Connection
    ) -> None:
        for revision, version in enumerate(["1.0.0", "1.1.0", "1.0.0"], 1):
            records.register_types(connection, [a_type(version=version)], revision)
        assert records.entries(connection) == {"type/mail": "mail-1.0.0"}
        assert connection.execute("SELECT count(*) FROM agent_types") == [(2,)]

    def test_of_one_version_registered_with_two_contents_the_later_counts(
        self, connection: Connection
    ) -> None:
        for revision, digest in enumerate(["x", "y", "x"], 1):
            records.register_types(connection, [a_type(digest=digest)], revision)
        assert records.registered_versions(connection, ["mail"]) == {("mail", "1.0.0"): "x"}

    def test_what_was_removed_comes_back(self, connection: Connection) -> None:
        agent = AgentDeployment("inbox", "mail", "a", "{}")
        for revision in (1, 2):
            records.register_types(connection, [a_type()], revision)
            records.deploy_agents(connection, [agent], revision)
            assert set(records.entries(connection)) == {"type/mail", "agent/inbox"}
            records.remove_types(connection, ["mail"], revision)
            records.remove_agents(connection, ["inbox"], revision)
            assert records.entries(connection) == {}

    def test_specs_are_kept_by_content(self, connection: Connection) -> None:
        spec = StoredSpec("d1", "type", "{}")
        records.put_specs(connection, [spec])
        records.put_specs(connection, [spec, StoredSpec("d2", "agent", "[]")])
        assert records.stored_specs(connection, ["d1", "d2", "d3"]) == {
            "d1": spec,
            "d2": StoredSpec("d2", "agent", "[]"),
        }


class TestTables:
    def test_a_table_is_read_as_it_was_recorded(self, connection: Connection) -> None:
        records.put_tables(connection, [a_table()])
        changed = replace(a_table(), definition="{}", status="retained", revision=2)
        records.put_tables(connection, [changed, a_table("b", "other")])
        assert records.tables(connection, ["mail__analysis", "none"]) == [changed]
        assert [t.name for t in records.tables(connection)] == ["b", "mail__analysis"]
        assert [(h.name, h.owner, h.fingerprint, h.status) for h in records.table_heads(connection)] == [
            ("b", "other", "f", "live"),
            ("mail__analysis", "mail", "f", "retained"),
        ]
        records.drop_tables(connection, ["b"])
        assert records.tables(connection) == [changed]


class TestArchives:
    TABLE = NewArchive("mail", "mail__analysis", None, "_archived_2", "{}", revision=2, rows=7)
    COLUMN = NewArchive(
        "mail", "mail__item", "body", "_archived_3", "{}", 3, 0, "2030-01-01T00:00:00.000000Z"
    )

    def test_archives_are_listed_newest_first_by_table_and_owner(self, connection: Connection) -> None:
        table, column = (records.add_archive(connection, parked) for parked in (self.TABLE, self.COLUMN))
        assert [a.id for a in records.archives(connection)] == [column, table]
        assert [a.id for a in records.archives(connection, table="mail__analysis")] == [table]
        assert records.archives(connection, owner="other") == []
        found = records.archive(connection, column)
        assert (found.kind, found.column, found.rows, found.purge_after) == (
            "column",
            "body",
            0,
            "2030-01-01T00:00:00.000000Z",
        )
        assert records.archive(connection, table).kind == "table"

    def test_what_was_restored_or_purged_is_closed_for_good(self, connection: Connection) -> None:
        table, column = (records.add_archive(connection, parked) for parked in (self.TABLE, self.COLUMN))
        records.mark_restored(connection, table, 4)
        records.mark_purged(connection, column)
        assert records.archives(connection) == []
        closed = {a.id: a for a in records.archives(connection, closed=True)}
        assert closed[table].restored_revision == 4
        assert closed[column].purged_at
        for number in (table, column, 99):
            with pytest.raises(NotFound):
                records.mark_restored(connection, number, 5)
            with pytest.raises(NotFound):
                records.mark_purged(connection, number)

    def test_an_archive_that_never_was(self, connection: Connection) -> None:
        with pytest.raises(NotFound):
            records.archive(connection, 1)


class TestHistory:
    def test_revisions_count_from_one_and_know_the_one_before(self, connection: Connection) -> None:
        assert [begin(connection), begin(connection)] == [1, 2]
        records.finish_revision(connection, 2, "applied", '{"add":1}')
        newest, oldest = records.revisions(connection)
        assert (newest.number, newest.parent, newest.state, newest.summary) == (2, 1, "applied", '{"add":1}')
        assert (oldest.number, oldest.parent, oldest.state, oldest.finished_at) == (1, None, "applying", None)
        assert newest.finished_at is not None
        assert newest.finished_at >= newest.started_at
        assert (newest.source, newest.commit) == ("agents.d", "c0ffee")
        assert records.revisions(connection, limit=1) == [newest]
        assert records.revision(connection, 1) == oldest

    def test_a_revision_that_never_was(self, connection: Connection) -> None:
        with pytest.raises(NotFound):
            records.revision(connection, 1)
        with pytest.raises(NotFound):
            records.state_at(connection, 1)

    def test_what_a_killed_apply_left_is_marked_interrupted(self, connection: Connection) -> None:
        records.finish_revision(connection, begin(connection), "applied")
        killed = begin(connection)
        assert records.interrupt_revisions(connection) == [killed]
        assert records.interrupt_revisions(connection) == []
        assert [r.state for r in records.revisions(connection)] == ["interrupted", "applied"]

    def test_units_go_from_pending_to_what_became_of_them(self, connection: Connection) -> None:
        number = begin(connection)
        pending = [UnitRecord(n, f"type/t{n}", "pending", '["x"]', '["SQL"]') for n in range(3)]
        records.record_units(connection, number, reversed(pending))
        assert records.units(connection, number) == pending
        failed = replace(pending[1], state="failed", error="no")
        records.record_units(connection, number, [failed])
        assert records.units(connection, number) == [pending[0], failed, pending[2]]

    def test_an_undone_transaction_leaves_no_gap_in_the_numbers(self, connection: Connection) -> None:
        def fail() -> None:
            with connection.transaction():
                begin(connection)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert begin(connection) == 1

    @given(
        st.lists(
            st.dictionaries(
                st.sampled_from(["type/a", "agent/b", "policy/c"]), st.none() | st.sampled_from("xyz")
            ),
            min_size=1,
            max_size=6,
        )
    )
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_the_state_at_a_revision_is_all_changes_up_to_it(
        self, connection: Connection, changes: list[dict[str, str | None]]
    ) -> None:
        connection.script(["DELETE FROM revisions", "DELETE FROM revision_objects"])
        expected: dict[str, str] = {}
        states = []
        with connection.transaction():
            for change in changes:
                records.record_objects(connection, begin(connection), change)
                merged: dict[str, str | None] = {**expected, **change}
                expected = {address: digest for address, digest in merged.items() if digest is not None}
                states.append(expected)
        assert [records.state_at(connection, n) for n in range(1, len(changes) + 1)] == states


class TestMeta:
    def test_every_write_moves_the_generation(self, connection: Connection) -> None:
        seen = [records.generation(connection)]
        for values in ({}, {"revision": "1"}, {"revision": "1"}):
            records.set_meta(connection, values)
            seen.append(records.generation(connection))
        assert len(set(seen)) == len(seen)
        assert records.meta(connection) == {"revision": "1", "generation": seen[-1]}

    def test_a_generation_is_undone_with_its_transaction(self, connection: Connection) -> None:
        def fail() -> None:
            with connection.transaction():
                records.set_meta(connection, {"revision": "2"})
                raise KeyboardInterrupt

        records.set_meta(connection, {"revision": "1"})
        before = records.generation(connection)
        with pytest.raises(KeyboardInterrupt):
            fail()
        assert records.generation(connection) == before
        assert records.meta(connection)["revision"] == "1"


class TestAudit:
    ENTRIES = tuple(AuditEntry("ann", "apply", f"type/t{n}", "", f"d{n}", "because 'é'") for n in range(4))

    def write(self, connection: Connection) -> None:
        for half in (self.ENTRIES[:2], self.ENTRIES[2:]):
            with connection.transaction():
                records.append_audit(connection, half)

    def test_the_trail_reads_back_and_its_chain_holds(self, connection: Connection) -> None:
        assert records.first_broken_link(connection) is None
        self.write(connection)
        trail = records.audit_trail(connection)
        assert [record.entry for record in reversed(trail)] == list(self.ENTRIES)
        assert [record.id for record in records.audit_trail(connection, limit=1)] == [trail[0].id]
        assert records.first_broken_link(connection) is None

    @pytest.mark.parametrize(
        "tampering",
        [
            "UPDATE audit SET actor = 'eve' WHERE id = 2",
            "UPDATE audit SET at = '2001-01-01T00:00:00.000000Z' WHERE id = 2",
            "UPDATE audit SET address = address || 'x', before = '' WHERE id = 2",
            "UPDATE audit SET hash = 'forged' WHERE id = 2",
            "DELETE FROM audit WHERE id = 1",
        ],
    )
    def test_tampering_is_found_where_it_happened(self, connection: Connection, tampering: str) -> None:
        self.write(connection)
        connection.execute(tampering)
        assert records.first_broken_link(connection) == 2

    def test_it_is_written_inside_a_transaction_only(self, connection: Connection) -> None:
        with pytest.raises(RuntimeError):
            records.append_audit(connection, self.ENTRIES)

    def test_two_writers_at_once_continue_one_chain(self, connection: Connection, database_url: str) -> None:
        def write() -> None:
            with connect(database_url, lock_timeout=20) as other:
                for entry in self.ENTRIES:
                    with other.transaction():
                        records.append_audit(other, [entry])

        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(records.audit_trail(connection)) == 12
        assert records.first_broken_link(connection) is None


def test_recording_a_thousand_types_takes_statements_by_the_hundred(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None for each: a few more where a batch is full, and as many for one type as for a hundred."""
    counts = {size: statements_to_record(connection, size, monkeypatch) for size in (1, 100, 1000)}
    assert counts[100] <= counts[1]
    assert counts[1000] <= 3 * counts[1]
    assert len(records.entries(connection)) == 1101


def statements_to_record(connection: Connection, size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many there are in recording all that is known of so many new types; one for many rows counts once."""
    number, spec, names = begin(connection), "x" * 2500, [f"size{size}-{n}" for n in range(size)]
    sent: list[str] = []
    with monkeypatch.context() as watched:
        for name in ("execute", "_execute_many"):
            send = getattr(type(connection), name)
            watched.setattr(
                type(connection),
                name,
                lambda self, sql, rows=(), send=send: (sent.append(sql), send(self, sql, rows))[1],
            )
        with connection.transaction():
            records.put_specs(connection, [StoredSpec(f"d-{name}", "type", spec) for name in names])
            types = [TypeRegistration(name, "1.0.0", f"d-{name}", spec) for name in names]
            records.register_types(connection, types, number)
            table = replace(a_table(), definition=spec, observed=spec)
            records.put_tables(connection, [replace(table, name=f"{n}__m", owner=n) for n in names])
            records.record_objects(connection, number, {f"type/{name}": f"d-{name}" for name in names})
            units = [UnitRecord(n, f"type/{name}", "applied", spec) for n, name in enumerate(names)]
            records.record_units(connection, number, units)
            records.append_audit(connection, [AuditEntry("ann", "apply", f"type/{name}") for name in names])
            records.set_meta(connection, {"revision": str(number)})
    return len(sent)


def test_a_catalog_that_is_not_there_is_an_error_and_not_an_empty_state(database_url: str) -> None:
    with connect(database_url) as connection, pytest.raises(DatabaseError):
        records.entries(connection)

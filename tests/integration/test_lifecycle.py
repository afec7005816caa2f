"""Deleting as shown, on both databases: what a preview counts is what goes; what can come back comes back whole."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.control.lifecycle.impact import Impact
from reconciler.database import deletions, records
from reconciler.database.remains import sessions_about, tables_of_type, tasks_of
from reconciler.database.tasks import NewTask, claim, submit
from reconciler.errors import ManifestsInvalid, NotFound, Refused, StalePlan, UsageError
from tests.integration.estate import AGENTS, ANN, CANARY, GOING, OTHER, TABLES, TYPE, Estate, file_of, fill
from tests.repository import Repository

COUNT = len(TABLES)


@pytest.fixture
def estate(database_url: str, tmp_path: Path) -> Estate:
    return Estate.settled(database_url, tmp_path / "here")


def preview(estate: Estate, address: str, mode: Any, *, cascade: bool = True) -> Impact:
    with estate.connect() as connection:
        return estate.deletions(connection).preview(address, mode, cascade=cascade)


def counts(impact: Impact) -> dict[str, int]:
    return {table.name: table.rows for table in impact.tables}


def dumped(estate: Estate) -> bytes:
    """All bytes there are: the file with what stands beside it, or a dump."""
    url = estate.settings.database
    if url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in file_of(url).parent.glob(file_of(url).name + "*"))
    dump = subprocess.run(["pg_dump", url], capture_output=True, check=True).stdout
    return re.sub(rb"^\\(un)?restrict .*$", b"", dump, flags=re.MULTILINE)  # a word made up each time


class TestPreview:
    def test_it_counts_rows_bytes_and_tasks_and_changes_nothing(self, estate: Estate) -> None:
        before = dumped(estate)
        impact = preview(estate, "type/estate", "hard")
        rows = estate.rows()
        assert counts(impact) == {"estate__part": len(rows["part"]), "estate__thing": len(rows["thing"])}
        assert all(table.bytes and table.bytes >= 4096 for table in impact.tables)
        assert (impact.tasks.ended, impact.tasks.in_flight) == (2, 0)
        assert impact.removed.keys() == {*GOING}
        assert (impact.version, impact.exportable) == ("1.0.0", impact.rows)
        assert dumped(estate) == before

    def test_without_cascade_agents_are_what_would_not_stand(self, estate: Estate) -> None:
        impact = preview(estate, "type/estate", "hard", cascade=False)
        assert impact.dependents == ("agent/helper", "agent/keeper")
        with pytest.raises(Refused, match="agent/helper, agent/keeper would not stand"):
            estate.delete("type/estate", "hard", cascade=False)
        assert not estate.pending()

    @pytest.mark.parametrize(
        ("policy", "mode"), [("retain", "soft"), ("archive", "hard"), ("purge", "purge")]
    )
    def test_the_deletion_policy_is_the_mode_where_none_is_named(
        self, estate: Estate, policy: str, mode: str
    ) -> None:
        spec = {**TYPE["spec"], "version": "1.1.0", "deletion_policy": policy}
        estate.write({"type.yaml": {**TYPE, "spec": spec}})
        estate.apply()
        assert preview(estate, "type/estate", None).mode == mode

    def test_an_archive_is_kept_as_long_as_said(self, database_url: str, tmp_path: Path) -> None:
        estate = Estate.settled(database_url, tmp_path / "kept", archive_retention=86_400.0)
        until = preview(estate, "type/estate", "hard").restorable_until
        estate.delete("type/estate", "hard")
        kept = [row[0] for row in estate.raw("SELECT purge_after FROM archives")]
        assert until is not None
        assert len(kept) == COUNT
        assert all(abs(int(at[17:19]) - int(until[17:19])) % 60 < 10 and at[:10] == until[:10] for at in kept)

    def test_what_never_was_is_not_found(self, estate: Estate) -> None:
        with pytest.raises(NotFound) as raised:
            preview(estate, "type/estat", "hard")
        assert "type/estate" in raised.value.hint
        with pytest.raises(UsageError):
            preview(estate, "policy/default", "hard")


class TestTypes:
    def test_soft_leaves_the_tables_and_restore_brings_all_back(self, estate: Estate) -> None:
        shown, rows = preview(estate, "type/estate", "soft"), estate.rows()
        deleted = estate.delete("type/estate", "soft")
        assert deleted.outcome is not None
        assert not deleted.unfinished
        with estate.connect() as connection:
            left = tables_of_type(connection, "estate")
            assert {t.name: (t.state, t.rows) for t in left} == {
                name: ("retained", count) for name, count in counts(shown).items()
            }
            assert tasks_of(connection, "type/estate") == shown.tasks
            assert records.entries(connection).keys().isdisjoint(GOING)
            with pytest.raises(NotFound):
                submit(connection, [NewTask("keeper", {})])
        assert not estate.pending()
        assert estate.restore("type/estate").restored == GOING
        assert estate.rows() == rows
        assert not estate.pending()

    def test_hard_parks_the_tables_and_restore_brings_all_back(self, estate: Estate) -> None:
        shown, rows = preview(estate, "type/estate", "hard"), estate.rows()
        estate.delete("type/estate", "hard")
        with estate.connect() as connection:
            left = tables_of_type(connection, "estate")
            assert {t.name: (t.state, t.rows) for t in left} == {
                name: ("parked", count) for name, count in counts(shown).items()
            }
            assert tasks_of(connection, "type/estate") == shown.tasks
        assert not estate.pending()
        estate.restore("type/estate")
        assert estate.rows() == rows
        assert not estate.pending()

    def test_purge_leaves_no_byte_of_rows_tasks_and_traces(self, estate: Estate) -> None:
        assert CANARY.encode() in dumped(estate)
        shown = preview(estate, "type/estate", "purge")
        deleted = estate.delete("type/estate", "purge")
        assert not deleted.unfinished
        with estate.connect() as connection:
            assert tables_of_type(connection, "estate") == ()
            assert tasks_of(connection, "type/estate").ended == sessions_about(connection, "type/estate") == 0
            newest = deletions.newest(connection, "type/estate")
            assert newest is not None
            assert newest.state == "done"
            assert not records.verify(connection).fault
        assert shown.rows > 0
        assert shown.sessions == 1
        assert estate.raw("SELECT id FROM agent_builder_sessions") == [("s2",)]
        assert not shown.restorable
        assert CANARY.encode() not in dumped(estate)
        assert not estate.pending()
        with pytest.raises(Refused, match="was purged"):
            estate.restore("type/estate")

    def test_purge_takes_what_was_parked_or_retained_before(self, estate: Estate) -> None:
        smaller = {"thing": {"fields": {"text": {"type": "text"}}}}
        spec = {**TYPE["spec"], "version": "2.0.0", "models": smaller}
        estate.write({"type.yaml": {**TYPE, "spec": spec}})
        estate.apply(["destructive"])
        shown = preview(estate, "type/estate", "purge")
        assert {(t.name, t.state) for t in shown.tables} == {
            ("estate__part", "parked"),
            ("estate__thing", "live"),
        }
        assert CANARY.encode() in dumped(estate)
        estate.delete("type/estate", "purge")
        assert CANARY.encode() not in dumped(estate)
        assert not estate.pending()

    @pytest.mark.parametrize("first", ["soft", "hard"])
    def test_what_was_deleted_before_can_be_purged_later(self, estate: Estate, first: str) -> None:
        estate.delete("type/estate", first)
        shown = preview(estate, "type/estate", "purge")
        assert shown.rows > 0
        assert not estate.delete("type/estate", "purge").unfinished
        assert CANARY.encode() not in dumped(estate)
        assert not estate.pending()

    def test_a_type_whose_policy_is_purge_leaves_as_little_where_its_manifest_is_just_removed(
        self, estate: Estate
    ) -> None:
        spec = {**TYPE["spec"], "version": "1.1.0", "deletion_policy": "purge"}
        estate.write({"type.yaml": {**TYPE, "spec": spec}})
        estate.apply()
        for name in ("type", "keeper", "helper"):
            (estate.folder / f"{name}.yaml").unlink()
        estate.apply(["destructive", "mass-removal"])
        assert CANARY.encode() not in dumped(estate)
        assert not estate.pending()

    def test_what_was_deleted_softly_can_be_parked_later_and_still_comes_back(self, estate: Estate) -> None:
        rows = estate.rows()
        estate.delete("type/estate", "soft")
        estate.delete("type/estate", "hard")
        with estate.connect() as connection:
            assert {t.state for t in tables_of_type(connection, "estate")} == {"parked"}
        assert not estate.pending()
        estate.restore("type/estate")
        assert estate.rows() == rows
        assert not estate.pending()


class TestAgents:
    @pytest.mark.parametrize("mode", ["soft", "hard"])
    def test_an_agent_goes_and_its_rows_stay(self, estate: Estate, mode: str) -> None:
        rows = estate.rows()
        shown = preview(estate, "agent/keeper", mode)
        assert shown.tables == ()
        estate.delete("agent/keeper", mode)
        assert estate.rows() == rows
        assert not estate.pending()
        assert estate.restore("agent/keeper").restored == ("agent/keeper",)
        assert not estate.pending()

    def test_rows_that_others_refer_to_are_not_torn_out(self, estate: Estate) -> None:
        with pytest.raises(Refused, match="rows of others refer to rows that keeper wrote"):
            preview(estate, "agent/keeper", "purge")
        assert not estate.pending()

    def test_purge_takes_an_agents_rows_and_what_goes_along_with_them(self, estate: Estate) -> None:
        with estate.connect() as connection:
            connection.execute("UPDATE estate__thing SET reference = NULL WHERE agent = 'helper'")
        before = estate.rows()
        shown = preview(estate, "agent/keeper", "purge")
        assert estate.rows() == before
        estate.delete("agent/keeper", "purge")
        after = estate.rows()
        gone = {f"estate__{name}": len(before[name]) - len(after[name]) for name in before}
        assert counts(shown) == gone
        assert all(gone.values())
        assert {row["agent"] for row in after["thing"]} == {"helper"}
        assert estate.raw("SELECT agent FROM tasks") == [("helper",)]
        assert not estate.pending()


class TestTasks:
    def test_tasks_in_flight_stop_a_deletion(self, estate: Estate) -> None:
        with estate.connect() as connection:
            submit(connection, [NewTask("keeper", {}), NewTask("helper", {})])
            claim(connection, "w1", 1, ttl=60)
        shown = preview(estate, "type/estate", "hard")
        assert (shown.tasks.waiting, shown.tasks.running) == (1, 1)
        with pytest.raises(Refused, match="1 tasks wait and 1 run"):
            estate.delete("type/estate", "hard")
        assert not estate.pending()

    def test_or_are_cancelled_first(self, estate: Estate) -> None:
        with estate.connect() as connection:
            submit(connection, [NewTask("keeper", {}), NewTask("helper", {})])
            claim(connection, "w1", 1, ttl=0.2)  # by a worker that is not heard of any more
        estate.delete("type/estate", "soft", cancel_tasks=True)
        found = dict(estate.raw("SELECT state, count(*) FROM tasks GROUP BY state"))
        assert found == {"succeeded": 2, "cancelled": 2}


class TestSource:
    def test_in_git_people_merge_first_and_the_next_apply_does_as_was_ordered(
        self, database_url: str, tmp_path: Path
    ) -> None:
        documents = {
            "other.yaml": OTHER,
            "type.yaml": TYPE,
            **{f"{name}.yaml": one for name, one in AGENTS.items()},
        }
        repository = Repository(tmp_path / "work")
        repository.commit({f"agents.d/{name}": json.dumps(one) for name, one in documents.items()})
        bare = repository.bare_copy(tmp_path / "bare.git")
        estate = Estate(database_url, tmp_path / "git", source=f"git+file://{bare}@main#agents.d")
        estate.apply()
        with estate.connect() as connection:
            fill(connection, estate.settings)
        deleted = estate.delete("type/estate", "purge")
        assert deleted.outcome is None
        assert deleted.proposed is not None
        assert not estate.pending()
        assert CANARY.encode() in dumped(estate)
        repository.git("fetch", "--quiet", "origin")
        repository.git("merge", "--quiet", f"origin/{deleted.proposed.branch}")
        repository.git("push", "--quiet", "origin", "main")
        estate.apply(["mass-removal"])
        assert CANARY.encode() not in dumped(estate)

    def test_other_changes_that_wait_are_not_taken_along(self, estate: Estate) -> None:
        spec = {**AGENTS["keeper"]["spec"], "enabled": False}
        estate.write({"keeper.yaml": {**AGENTS["keeper"], "spec": spec}})
        with pytest.raises(Refused, match="other changes are waiting in the source: agent/keeper"):
            estate.delete("agent/helper", "soft")
        with estate.connect() as connection:
            assert deletions.newest(connection, "agent/helper") is None

    def test_a_broken_source_is_left_alone(self, estate: Estate) -> None:
        (estate.folder / "broken.yaml").write_text("kind: [")
        with pytest.raises(ManifestsInvalid):
            estate.delete("agent/helper", "soft")
        assert (estate.folder / "helper.yaml").exists()

    def test_an_order_means_nothing_for_a_manifest_that_has_changed_since(self, estate: Estate) -> None:
        with estate.connect() as connection:
            impact = estate.deletions(connection).preview("type/estate", "purge", cascade=True)
            deletions.order(connection, impact.live, "purge", actor="ann", reason="")
        estate.write({"type.yaml": {**TYPE, "spec": {**TYPE["spec"], "version": "1.0.1", "title": "New"}}})
        estate.apply()
        for name in ("type", "keeper", "helper"):
            (estate.folder / f"{name}.yaml").unlink()
        estate.apply(["destructive", "mass-removal"])
        with estate.connect() as connection:
            assert {t.state for t in tables_of_type(connection, "estate")} == {"parked"}

    def test_a_deletion_that_was_only_ordered_is_taken_back(self, estate: Estate) -> None:
        with estate.connect() as connection:
            impact = estate.deletions(connection).preview("type/estate", "purge", cascade=True)
            deletions.order(connection, impact.live, "purge", actor="ann", reason="")
        assert estate.restore("type/estate").withdrawn
        assert not estate.pending()

    def test_the_impact_holds_for_what_was_looked_at(self, estate: Estate) -> None:
        with estate.connect() as connection:
            service = estate.deletions(connection)
            impact = service.preview("type/estate", "hard", cascade=True)
            spec = {**TYPE["spec"], "version": "1.0.1", "title": "New"}
            estate.write({"type.yaml": {**TYPE, "spec": spec}})
            estate.apply()
            with pytest.raises(StalePlan):
                service.delete(impact, actor="ann", author=ANN)
        assert not estate.pending()

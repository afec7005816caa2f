"""One pass after the other over a real database: drift, suspensions, failures, conditions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.bootstrap import examination, open_reconciler
from reconciler.control.controller.health import Checkups
from reconciler.control.controller.passes import Passes, Report
from reconciler.control.reconciler import Reconciler
from reconciler.database import conditions, records
from reconciler.database.conditions import Condition
from reconciler.database.connection import Connection, connect
from reconciler.database.lease import acquire, break_lease
from reconciler.errors import Locked, NotFound
from reconciler.settings import Settings

TYPE = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: notes}}
spec:
  version: {version}
  input: {{title: {{type: string, max_length: 200, required: true}}}}
  models:
    note:
      fields:
        title: text
        body: text
{more}  tools: [{{name: keyword_classifier}}]
  pipeline:
    - id: sort
      tool: keyword_classifier
      with: {{text: "{{{{ input.title }}}}", rules: {{bug: [crash]}}, default: other}}
  output: {{fields: {{label: string}}, from: sort}}
"""
AGENT = "apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: desk}\nspec: {type: notes}\n"
MORE = "        size: {type: integer}\n"
POLICY = "apiVersion: reconciler/v1\nkind: Policy\nmetadata: {{name: rules}}\nspec: {{{rules}}}\n"


class Follower:
    """A folder, a database, and passes made by hand."""

    def __init__(self, url: str, folder: Path, reconciler: Reconciler) -> None:
        self.url, self.folder, self.reconciler = url, folder, reconciler
        self.connection: Connection = reconciler.catalog()
        self.lease = acquire(self.connection, "controller", holder="tester")
        self.passes = Passes(reconciler, Checkups(examination()), actor="tester")

    def write(self, text: str, name: str = "notes.yaml") -> None:
        (self.folder / name).write_text(text)

    def follow(self) -> Report:
        """A pass, and all checkups."""
        report = self.passes.run(self.connection, self.lease)
        while self.passes.checkups_pending:
            self.passes.check_up(self.connection, self.lease, 0.0)
        return report

    def condition(self, address: str) -> Condition:
        return conditions.recorded(self.connection, address)[address]

    def by_hand(self, *statements: str) -> None:
        with connect(self.url) as connection:
            connection.script(statements)


@contextmanager
def following(url: str, folder: Path) -> Iterator[Follower]:
    source = folder / "agents.d"
    source.mkdir(exist_ok=True)
    settings = Settings(source=str(source), database=url, cache=folder / "cache")
    with open_reconciler(settings, create=True, stays=True) as reconciler:
        yield Follower(url, source, reconciler)


@pytest.fixture
def follower(database_url: str, tmp_path: Path) -> Iterator[Follower]:
    with following(database_url, tmp_path) as found:
        found.write(TYPE.format(version="1.0.0", more=""))
        found.write(AGENT, "desk.yaml")
        found.follow()
        yield found


def test_what_is_applied_and_works_is_ready(follower: Follower) -> None:
    found = follower.condition("agent/desk")
    assert (found.condition, found.sync, found.health, found.revision) == ("Ready", "synced", "healthy", 1)
    assert found.generation == records.entries(follower.connection)["agent/desk"]
    assert follower.condition("source").condition == "Ready"


def test_a_pass_without_news_writes_nothing(follower: Follower) -> None:
    before = conditions.recorded(follower.connection)
    report = follower.follow()
    assert report.outcome is None
    assert not report.changed
    assert conditions.recorded(follower.connection) == before


def test_a_type_whose_tests_fail_is_degraded_and_so_are_its_agents(follower: Follower) -> None:
    failing = "  tests: [{name: it sorts, input: {title: crash}, expect: {output: {label: other}}}]\n"
    follower.write(TYPE.format(version="1.0.1", more="") + failing)
    follower.follow()
    found = follower.condition("type/notes")
    assert (found.condition, found.reason, found.sync, found.health) == (
        "Stalled",
        "degraded",
        "synced",
        "degraded",
    )
    assert "it sorts" in found.message
    assert follower.condition("agent/desk").health == "degraded"
    follower.write(TYPE.format(version="1.0.2", more="") + failing.replace("label: other", "label: bug"))
    follower.follow()
    assert follower.condition("type/notes").condition == "Ready"
    assert follower.condition("agent/desk").health == "healthy"


# --- drift


def test_drift_is_healed_within_one_pass(follower: Follower) -> None:
    _change_by_hand(follower)
    report = follower.follow()
    assert report.plan is not None
    assert [drift.address for drift in report.plan.drift] == ["table/notes__note/column/title"]
    assert report.outcome is not None
    assert report.outcome.applied == ("type/notes",)
    assert conditions.sightings(follower.connection) == []
    assert follower.follow().outcome is None


def test_drift_that_is_only_reported_stays_and_is_attributed(follower: Follower) -> None:
    follower.write(POLICY.format(rules="drift: report"), "policy.yaml")
    follower.follow()
    _change_by_hand(follower)
    assert follower.follow().outcome is None
    (sighting,) = conditions.sightings(follower.connection)
    assert (sighting.drift.address, sighting.treatment) == ("table/notes__note/column/title", "report")
    found = follower.condition("type/notes")
    assert (found.condition, found.reason, found.sync) == ("Stalled", "drift-reported", "out-of-sync")
    follower.follow()
    assert conditions.sightings(follower.connection) == [sighting], "first seen is kept"
    status = follower.reconciler.status()
    assert [drift.first_seen for drift in status.drifted] == [sighting.first_seen]


@pytest.mark.parametrize(
    "pointer", ["/table/notes__note/column/title", "/table/*/column/*", "/table/notes__note"]
)
def test_drift_that_is_nobodys_business_is_neither_told_nor_healed(follower: Follower, pointer: str) -> None:
    follower.write(POLICY.format(rules=f"ignore_drift: ['{pointer}']"), "policy.yaml")
    follower.follow()
    _change_by_hand(follower)
    report = follower.follow()
    assert report.outcome is None
    assert report.plan is not None
    assert report.plan.drift == ()
    assert follower.condition("type/notes").condition == "Ready"


def test_a_pointer_to_something_else_ignores_nothing(follower: Follower) -> None:
    follower.write(POLICY.format(rules="ignore_drift: ['/table/notes__note/index/*']"), "policy.yaml")
    follower.follow()
    _change_by_hand(follower)
    assert follower.follow().outcome is not None


# --- suspension


def test_what_is_suspended_is_touched_neither_by_a_controller_nor_by_an_apply(follower: Follower) -> None:
    before = records.entries(follower.connection)
    follower.reconciler.suspend(["type/notes"], owner="ann", reason="freeze")
    follower.write(TYPE.format(version="1.1.0", more=MORE))
    assert follower.follow().outcome is None
    found = follower.condition("type/notes")
    assert (found.health, found.reason, found.sync) == ("suspended", "suspended", "out-of-sync")
    assert "ann: freeze" in found.message
    plan = follower.reconciler.plan()
    assert plan.suspended == ("type/notes",)
    assert plan.empty
    assert follower.reconciler.apply(plan).revision is None
    assert records.entries(follower.connection) == before
    assert follower.reconciler.resume(["type/notes"], actor="ann") == ["type/notes"]
    follower.follow()
    assert follower.condition("type/notes").condition == "Ready"
    assert records.entries(follower.connection) != before


def test_a_plan_made_before_a_suspension_is_stale(follower: Follower) -> None:
    follower.write(TYPE.format(version="1.1.0", more=MORE))
    before = follower.reconciler.plan()
    follower.reconciler.suspend(["type/notes"], owner="ann", reason="freeze")
    assert follower.reconciler.plan().id != before.id


def test_a_suspension_ends_by_itself(follower: Follower) -> None:
    follower.reconciler.suspend(["*"], owner="ann", reason="freeze")
    with follower.connection.transaction():
        follower.connection.execute("UPDATE suspensions SET until = '2020-01-01T00:00:00.000000Z'")
    follower.write(TYPE.format(version="1.1.0", more=MORE))
    report = follower.follow()
    assert report.outcome is not None
    assert report.outcome.applied == ("type/notes",)


def test_everything_can_be_suspended_and_what_is_new_waits_too(follower: Follower) -> None:
    follower.reconciler.suspend(["*"], owner="ann", reason="freeze")
    follower.write(AGENT.replace("desk", "other"), "other.yaml")
    assert follower.follow().outcome is None
    assert "agent/other" not in records.entries(follower.connection)


def test_what_needs_a_suspended_change_waits_with_it(follower: Follower) -> None:
    """The new agent's type is not there yet, and will not come before it is resumed."""
    follower.reconciler.suspend(["*"], owner="ann", reason="freeze")
    follower.reconciler.resume(["*"], actor="ann")
    follower.write(TYPE.format(version="1.0.0", more="").replace("name: notes", "name: later"), "later.yaml")
    follower.write(AGENT.replace("desk", "late").replace("notes", "later"), "late.yaml")
    follower.reconciler.plan()
    follower.reconciler.suspend(["type/later"], owner="ann", reason="freeze")
    assert follower.follow().outcome is None
    assert follower.condition("agent/late").reason == "suspended"


def test_a_type_stays_as_long_as_a_suspended_agent_of_it_does(follower: Follower) -> None:
    follower.reconciler.suspend(["agent/desk"], owner="ann", reason="freeze")
    for file in follower.folder.glob("*.yaml"):
        file.unlink()
    follower.write("", "empty.yaml")
    follower.follow()
    assert set(records.entries(follower.connection)) == {"agent/desk", "type/notes"}


def test_nobody_knows_what_to_suspend(follower: Follower) -> None:
    with pytest.raises(NotFound, match="type/note"):
        follower.reconciler.suspend(["type/note"], owner="ann", reason="freeze")


# --- one writer


def test_a_pass_under_a_lost_lease_writes_nothing(follower: Follower) -> None:
    before = records.entries(follower.connection)
    follower.write(TYPE.format(version="1.1.0", more=MORE))
    break_lease(follower.connection, "controller")
    with pytest.raises(Locked):
        follower.passes.run(follower.connection, follower.lease)
    assert records.entries(follower.connection) == before
    assert follower.reconciler.history(5)[0].number == 1


def _change_by_hand(follower: Follower) -> None:
    """A column goes: the plain difference that both databases can make."""
    follower.by_hand("ALTER TABLE notes__note DROP COLUMN title")

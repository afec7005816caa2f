"""Incidents: recorded with the end of their task or not at all, and too many of them put an agent on hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from threading import Timer

import pytest

from reconciler.database import incidents, records
from reconciler.database.connection import Connection, connect
from reconciler.database.holds import AUTOMATIC, hold, holds, lift
from reconciler.database.incidents import NewIncident
from reconciler.database.tasks import Claimed, Ended, blueprint, finish, heartbeat
from reconciler.errors import DatabaseError, Denied, Refused
from reconciler.execution.endings import incident_of
from reconciler.execution.gate import Gate
from reconciler.execution.incidents import IncidentKind
from reconciler.spec.policy import Policy, Sandbox
from reconciler.spec.task import Failure, StepTrace, TaskResult
from tests.integration.notes import claimed, deploy_notes, note, rows_of, states, submitted


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy_notes(opened)
        yield opened


def incident(one: Claimed) -> NewIncident:
    return NewIncident("critical", "process", one.task.agent, "notes", one.task.id, {"detail": "fork"}, "w1")


def policy(**spec: object) -> Policy:
    head = {"apiVersion": "reconciler/v1", "kind": "Policy", "metadata": {"name": "p"}}
    return Policy.model_validate({**head, "spec": spec})


def recorded(connection: Connection, **spec: object) -> None:
    text = json.dumps({"metadata": {"name": "p"}, "spec": spec})
    connection.execute("INSERT INTO policies (name, digest, spec, revision) VALUES ('p', 'd', ?, 1)", (text,))


def end(connection: Connection, one: Claimed, *, rules: tuple[str, ...] = (), fails: bool = True) -> None:
    result = TaskResult(failure=Failure("crashed", "so it is")) if fails else TaskResult(output={})
    finish(connection, [Ended(one, result, incident(one))], rules=rules)


def test_an_incident_is_recorded_with_the_end_of_its_task(connection: Connection) -> None:
    submitted(connection)
    (one,) = claimed(connection)
    end(connection, one)
    (found,) = incidents.latest(connection)
    assert (found.agent, found.kind, found.task_id) == ("ann", "process", one.task.id)


def test_where_an_incident_cannot_be_recorded_no_row_is_written(connection: Connection) -> None:
    submitted(connection)
    (one,) = claimed(connection)
    result = TaskResult(output={}, writes=(note(connection, "an effect"),))
    connection.execute("ALTER TABLE security_incidents RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        finish(connection, [Ended(one, result, incident(one))])
    assert rows_of(connection) == {}
    assert states(connection) == {one.task.id: "running"}
    connection.execute("ALTER TABLE elsewhere RENAME TO security_incidents")
    finish(connection, [Ended(one, result, incident(one))])
    assert rows_of(connection) == {one.task.id: ["an effect"]}


def test_on_a_full_disk_neither_the_incident_nor_the_effect_is_there(sqlite_url: str) -> None:
    with connect(sqlite_url) as connection:
        deploy_notes(connection)
        submitted(connection)
        (one,) = claimed(connection)
        result = TaskResult(output={}, writes=(note(connection, "an effect"),))
        ((pages,),) = connection.execute("PRAGMA page_count")
        connection.execute(f"PRAGMA max_page_count = {pages}")  # as if there were no room for another
        large = replace(incident(one), evidence={"detail": "y" * 100_000})
        with pytest.raises(DatabaseError):
            finish(connection, [Ended(one, result, large)])
        assert (rows_of(connection), incidents.latest(connection)) == ({}, [])
        assert states(connection) == {one.task.id: "running"}
        connection.execute("PRAGMA max_page_count = 1000000")
        finish(connection, [Ended(one, result, large)])
        assert rows_of(connection).keys() == {one.task.id}
        assert len(incidents.latest(connection)) == 1


def test_a_database_lost_amid_the_record_has_neither_the_incident_nor_the_effect(postgres_url: str) -> None:
    with connect(postgres_url) as connection, connect(postgres_url) as other:
        deploy_notes(connection)
        submitted(connection)
        (one,) = claimed(connection)
        result = TaskResult(output={}, writes=(note(connection, "an effect"),))
        ((pid,),) = connection.execute("SELECT pg_backend_pid()")
        with other.transaction():
            other.execute("LOCK TABLE security_incidents IN EXCLUSIVE MODE")
            ender = Timer(0.5, lambda: end_backend(postgres_url, pid))
            ender.start()
            with pytest.raises(DatabaseError):  # it has written rows, and waits to record the incident
                finish(connection, [Ended(one, result, incident(one))])
            ender.join()
        assert (rows_of(other), incidents.latest(other)) == ({}, [])
        assert states(other) == {one.task.id: "running"}
        finish(other, [Ended(one, result, incident(one))])
        assert rows_of(other) == {one.task.id: ["an effect"]}


def end_backend(url: str, pid: int) -> None:
    with connect(url) as connection:
        connection.execute("SELECT pg_terminate_backend(?)", (pid,))


def test_where_the_audit_cannot_be_written_nothing_else_is_either(connection: Connection) -> None:
    submitted(connection)
    (one,) = claimed(connection)
    connection.execute("ALTER TABLE audit RENAME TO elsewhere")
    with pytest.raises(DatabaseError):
        end(connection, one, rules=("1/hour",))
    assert incidents.latest(connection) == []
    with pytest.raises(DatabaseError):
        hold(connection, "ann", actor="ben", reason="x")
    assert holds(connection) == {}
    assert states(connection) == {one.task.id: "running"}


@pytest.mark.parametrize("pinned", [True, False])
def test_as_many_incidents_as_a_policy_allows_put_an_agent_on_hold(
    connection: Connection, pinned: bool
) -> None:
    """Its other tasks are stopped, those that wait go on waiting, other agents are left alone."""
    rules = ("3/hour",) if pinned else ()
    if not pinned:
        recorded(connection, incidents={"disable_after": "3/hour"})
    submitted(connection, count=4)
    first, second, third, running = claimed(connection, limit=4)
    waiting = submitted(connection)
    others = submitted(connection, "ben")
    for one in (first, second):
        end(connection, one, rules=rules)
    assert holds(connection) == {}
    end(connection, third, rules=rules)
    found = holds(connection)["ann"]
    assert (found.actor, found.reason) == (
        AUTOMATIC,
        "3 incidents within one hour: a policy disables after 3",
    )
    held = heartbeat(connection, "w1", {running.task.id: running.token}, ttl=60)
    assert held.cancelled == {running.task.id}
    assert [one.task.id for one in claimed(connection)] == others
    assert states(connection)[waiting[0]] == "pending"
    with pytest.raises(Denied, match="on hold"):
        blueprint(connection, "ann")
    newest, *_ = records.audit_trail(connection)
    assert (newest.entry.actor, newest.entry.action, newest.entry.address) == (
        AUTOMATIC,
        "disable",
        "agent/ann",
    )


def test_an_agent_that_is_enabled_again_starts_with_a_clean_sheet(connection: Connection) -> None:
    submitted(connection, count=2)
    first, second = claimed(connection)
    end(connection, first, rules=("1/day",))
    assert "ann" in holds(connection)
    assert lift(connection, "ann", actor="ben", reason="looked into")
    assert not lift(connection, "ann", actor="ben", reason="again")
    end(connection, second, rules=("2/day",))
    assert holds(connection) == {}
    assert [record.entry.action for record in records.audit_trail(connection)][:2] == ["enable", "disable"]
    assert records.first_broken_link(connection) is None


def test_a_hold_survives_an_apply(connection: Connection) -> None:
    hold(connection, "ann", actor="ben", reason="holiday")
    assert not hold(connection, "ann", actor="eve", reason="other")
    deploy_notes_again(connection)
    submitted(connection)
    assert claimed(connection) == []
    assert holds(connection)["ann"].reason == "holiday"


def deploy_notes_again(connection: Connection) -> None:
    connection.execute("UPDATE agents SET revision = 2, enabled = ?", (True,))


# --- what is an incident ------------------------------------------------------------------------------------

STEP = StepTrace("fetch", "http_request", 1, "failed", 0.0, 0.0, "denied", "the host is not granted")
ENDS = [
    (TaskResult(failure=Failure("denied", "not granted")), "", IncidentKind.DENIED),
    (TaskResult(failure=Failure("denied", "fork")), "process", IncidentKind.PROCESS),
    (TaskResult(failure=Failure("memory_exceeded", "too much")), "", IncidentKind.MEMORY),
    (TaskResult(output={}, trace=(STEP,)), "", IncidentKind.DENIED),
    (TaskResult(failure=Failure("timeout", "late"), trace=(STEP,)), "", IncidentKind.DENIED),
    (TaskResult(failure=Failure("timeout", "late")), "", None),
    (TaskResult(output={}, trace=(replace(STEP, error_code="timeout"),)), "", None),
]


@pytest.mark.parametrize(("result", "spoiled", "kind"), ENDS)
def test_what_was_denied_is_an_incident_though_the_task_went_on(
    result: TaskResult, spoiled: str, kind: IncidentKind | None
) -> None:
    found = incident_of(result, spoiled)
    assert (found.kind if found else None) == kind


# --- the gate -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "demanded", "passes"),
    [
        (None, None, True),
        (None, "limits", False),
        (Sandbox.CALLS, "limits", True),
        (Sandbox.CALLS, "calls", True),
        (Sandbox.CALLS, "files", False),
        (Sandbox.FILES, "files", True),
    ],
)
@pytest.mark.parametrize("pinned", [True, False])
def test_no_task_runs_where_the_host_offers_less_than_a_policy_demands(
    connection: Connection, offered: Sandbox | None, demanded: str | None, passes: bool, pinned: bool
) -> None:
    rules = {"sandbox": demanded} if demanded else {}
    if not pinned:
        recorded(connection, **rules)
    gate = Gate(offered, [policy(**rules)] if pinned else [])
    if passes:
        gate.check_host(connection)
        return
    with pytest.raises(Refused, match="demands the sandbox"):
        gate.check_host(connection)


def test_a_type_that_a_policy_pinned_since_forbids_runs_no_more(connection: Connection) -> None:
    submitted(connection)
    (one,) = claimed(connection)
    assert Gate(None, [policy(limits={"models": 1})]).refusal(one) is None
    refusal = Gate(None, [policy(limits={"fields": 1})]).refusal(one)
    assert refusal is not None
    assert refusal.code == "denied"
    assert "too-complex" in refusal.message

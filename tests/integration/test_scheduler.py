"""Tasks by the clock: each firing once, by one scheduler, none on top of another, missed ones made up for by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.database import schedules, tasks
from reconciler.database.clock import time_text
from reconciler.database.connection import Connection, connect
from reconciler.execution import scheduler as scheduling
from reconciler.execution.scheduler import Scheduler
from reconciler.spec.task import TaskState
from tests.integration.deployed import agent_of, deploy, type_of

TICKERS = type_of("tickers", input={"note": {"type": "string", "default": "tick"}})
NEEDY = type_of("needy", input={"text": {"type": "string", "required": True}})


@pytest.fixture
def connection(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    monkeypatch.setattr(scheduling, "TICK", 0.0)
    monkeypatch.setattr(scheduling, "REFRESH", 0.0)
    monkeypatch.setattr(scheduling, "RENEW", 0.0)
    with connect(database_url) as opened:
        yield opened


def deploy_tickers(connection: Connection, **spec: Any) -> None:
    deploy(connection, [TICKERS], [agent_of("ticker", "tickers", **{"schedule": "0 * * * *", **spec})])


def let_be_due(connection: Connection, ago: timedelta = timedelta(seconds=1)) -> None:
    """Everything that is scheduled was due so long ago."""
    due = time_text(datetime.now(UTC) - ago)
    connection.execute("UPDATE schedules SET next_due = ?", (due,))


def submitted(connection: Connection) -> list[tasks.TaskLine]:
    return list(tasks.list_tasks(connection).tasks)


def test_nothing_is_fired_before_it_is_due(connection: Connection) -> None:
    deploy_tickers(connection)
    assert not Scheduler("s").tick(connection)
    (remembered,) = schedules.remembered(connection).values()
    assert remembered.agent == "ticker"
    assert remembered.next_due > time_text(datetime.now(UTC))
    assert submitted(connection) == []


def test_what_is_due_becomes_a_task_with_defaults_for_its_input(connection: Connection) -> None:
    deploy_tickers(connection)
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    let_be_due(connection)
    assert scheduler.tick(connection)
    (line,) = submitted(connection)
    assert (line.agent, line.origin, line.state) == ("ticker", "schedule", TaskState.PENDING)
    assert tasks.get(connection, line.id).input == {"note": "tick"}


def test_however_many_were_missed_one_makes_up_for_them(connection: Connection) -> None:
    deploy_tickers(connection)
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    let_be_due(connection, timedelta(days=3))
    scheduler.tick(connection)
    scheduler.tick(connection)
    assert len(submitted(connection)) == 1
    (remembered,) = schedules.remembered(connection).values()
    assert remembered.next_due > time_text(datetime.now(UTC))
    assert remembered.last_fired is not None


def test_one_that_has_not_ended_keeps_the_next_away(connection: Connection) -> None:
    deploy_tickers(connection)
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    for _ in range(2):
        let_be_due(connection)
        scheduler.tick(connection)
    (line,) = submitted(connection)
    tasks.cancel(connection, line.id, "ann")
    let_be_due(connection)
    scheduler.tick(connection)
    assert len(submitted(connection)) == 2


def test_of_two_one_schedules_and_the_other_takes_over(connection: Connection, database_url: str) -> None:
    deploy_tickers(connection)
    first, second = Scheduler("first"), Scheduler("second")
    with connect(database_url) as other:
        first.tick(connection)
        let_be_due(connection)
        assert not second.tick(other)
        assert first.tick(connection)
        tasks.cancel(connection, submitted(connection)[0].id, "ann")
        first.close(connection)
        let_be_due(connection)
        assert second.tick(other)
    assert len(submitted(connection)) == 2


def test_who_lost_the_lease_fires_nothing(
    connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_tickers(connection)
    first, second = Scheduler("first"), Scheduler("second")
    first.tick(connection)
    # Its lease runs out while it does not look, and it does not ask again before it fires.
    connection.execute("UPDATE leases SET expires_at = '' WHERE name = 'scheduler'")
    with connect(database_url) as other:
        second.tick(other)
        let_be_due(connection)
        monkeypatch.setattr(first, "_leads", lambda connection, now: True)
        assert not first.tick(connection)
        assert submitted(connection) == []


def test_a_schedule_that_was_changed_counts_from_now(connection: Connection) -> None:
    deploy_tickers(connection)
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    let_be_due(connection)
    deploy_tickers_again(connection, schedule="0 0 1 1 *", timezone="Europe/Berlin")
    assert not scheduler.tick(connection)
    (remembered,) = schedules.remembered(connection).values()
    assert remembered.schedule == "0 0 1 1 * Europe/Berlin"
    assert "-12-31T23:00" in remembered.next_due


@pytest.mark.parametrize("spec", [{"enabled": False}, {"schedule": None}])
def test_who_is_not_to_run_is_forgotten(spec: dict[str, Any], connection: Connection) -> None:
    deploy_tickers(connection)
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    deploy_tickers_again(connection, **spec)
    scheduler.tick(connection)
    assert schedules.remembered(connection) == {}


def test_a_type_that_wants_what_the_clock_has_not_fails_where_all_can_see(connection: Connection) -> None:
    deploy(connection, [NEEDY], [agent_of("ticker", "needy", schedule="0 * * * *")])
    scheduler = Scheduler("s")
    scheduler.tick(connection)
    let_be_due(connection)
    assert scheduler.tick(connection)
    (line,) = submitted(connection)
    assert (line.max_attempts, line.origin) == (1, "schedule")


def deploy_tickers_again(connection: Connection, **spec: Any) -> None:
    deploy(
        connection,
        [TICKERS],
        [agent_of("ticker", "tickers", **{"schedule": "0 * * * *", **spec})],
        revision=2,
        build=False,
    )

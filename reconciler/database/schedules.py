"""What the scheduler remembers: when each agent's schedule was fired last, and is due next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.database.connection import Connection

# The texts are canonical JSON, in which a quotation mark inside of a value has a backslash before it.
_SCHEDULED = """
SELECT a.name, a.spec FROM agents AS a
JOIN agent_types AS t ON t.name = a.type AND t.current AND t.status <> 'retired'
WHERE a.deleted_at IS NULL AND a.enabled AND a.spec LIKE '%"schedule":"%' ORDER BY a.name"""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An agent that wants to be run by the clock. `timezone` is empty for UTC."""

    agent: str
    expression: str
    timezone: str

    @property
    def text(self) -> str:
        return f"{self.expression} {self.timezone}".rstrip()


@dataclass(frozen=True, slots=True)
class Remembered:
    """`schedule` is the expression and zone by which `next_due` was reckoned; times as in `database.clock`."""

    agent: str
    schedule: str
    last_fired: str | None
    next_due: str


def scheduled(connection: Connection) -> list[Scheduled]:
    """The agents that are enabled, whose type is not retired, and that have a schedule; by name."""
    found = ((name, json.loads(text)["spec"]) for name, text in connection.execute(_SCHEDULED))
    return [
        Scheduled(name, spec["schedule"], spec.get("timezone") or "")
        for name, spec in found
        if spec.get("schedule")
    ]


def unended(connection: Connection, agent: str, origin: str) -> bool:
    """Whether a task of this agent and origin waits or runs."""
    return any(
        connection.execute(
            f"SELECT 1 FROM tasks WHERE state = '{state}' AND agent = ? AND origin = ? LIMIT 1",
            (agent, origin),
        )
        for state in ("pending", "running")
    )


def remembered(connection: Connection) -> dict[str, Remembered]:
    rows = connection.execute("SELECT agent, schedule, last_fired, next_due FROM schedules")
    return {row[0]: Remembered(*row) for row in rows}


def remember(connection: Connection, entries: Sequence[Remembered]) -> None:
    connection.execute_many(
        "INSERT INTO schedules (agent, schedule, last_fired, next_due) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (agent) DO UPDATE SET schedule = excluded.schedule,"
        " last_fired = excluded.last_fired, next_due = excluded.next_due",
        [(one.agent, one.schedule, one.last_fired, one.next_due) for one in entries],
    )


def forget(connection: Connection, agents: Sequence[str]) -> None:
    connection.execute_many("DELETE FROM schedules WHERE agent = ?", [(agent,) for agent in agents])

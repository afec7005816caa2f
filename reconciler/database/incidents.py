"""Violations seen while tasks ran, for those who look after the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from reconciler.database import holds
from reconciler.database.clock import moment_of, now_text, time_text
from reconciler.database.connection import Connection
from reconciler.database.json_text import from_json, to_json
from reconciler.spec.base import RATE_SECONDS

Severity = Literal["warning", "critical"]
"""`warning`: a task came to a limit, as tasks may. `critical`: it tried what no honest task does."""


@dataclass(frozen=True, slots=True)
class NewIncident:
    """`evidence` holds no value of a row, an input or a secret."""

    severity: Severity
    kind: str
    agent: str
    type: str
    task_id: str
    evidence: Mapping[str, Any]
    worker: str


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    id: int
    at: str
    severity: Severity
    kind: str
    agent: str
    type: str
    task_id: str | None
    evidence: Mapping[str, Any]
    worker: str


def record(connection: Connection, incidents: Sequence[NewIncident], rules: Sequence[str] = ()) -> list[str]:
    """In the transaction around it if there is one. Agents that have had as many as a rule allows are put on hold: the
    names of those. `rules` are rates such as `3/hour`, which hold besides those of the policies that are recorded."""
    if not incidents:
        return []
    if not connection.in_transaction:
        with connection.transaction():
            return record(connection, incidents, rules)
    at = now_text(connection)
    connection.execute_many(
        "INSERT INTO security_incidents (at, severity, kind, agent, type, task_id, evidence, worker)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (at, one.severity, one.kind, one.agent, one.type, one.task_id, to_json(one.evidence), one.worker)
            for one in incidents
        ],
    )
    strictest = [*rules, *_recorded_rules(connection)]
    return [
        agent
        for agent in sorted({one.agent for one in incidents})
        if (reason := _excess(connection, agent, strictest))
        and holds.hold(connection, agent, actor=holds.AUTOMATIC, reason=reason)
    ]


def _recorded_rules(connection: Connection) -> list[str]:
    found = (from_json(spec) for (spec,) in connection.execute("SELECT spec FROM policies"))
    rules = (spec["spec"].get("incidents", {}).get("disable_after") for spec in found)
    return [rule for rule in rules if rule]


def _excess(connection: Connection, agent: str, rules: Sequence[str]) -> str:
    """Which rule the agent's incidents of late have reached; empty where none. What was before its last hold was lifted
    counts no more."""
    now = moment_of(connection)
    for rule in rules:
        count, unit = rule.split("/")
        since = time_text(now - timedelta(seconds=RATE_SECONDS[unit]))
        ((found,),) = connection.execute(
            "SELECT count(*) FROM security_incidents WHERE agent = ? AND at > ? AND at > coalesce("
            "(SELECT max(at) FROM audit WHERE address = ? AND action = 'enable'), '')",
            (agent, since, f"agent/{agent}"),
        )
        if found >= int(count):
            return f"{found} incidents within one {unit}: a policy disables after {count}"
    return ""


def latest(connection: Connection, *, agent: str = "", limit: int = 100) -> list[IncidentRecord]:
    """The newest first, of one agent if it is named."""
    condition, params = ("WHERE agent = ?", [agent]) if agent else ("", [])
    rows = connection.execute(
        "SELECT id, at, severity, kind, agent, type, task_id, evidence, worker FROM security_incidents"
        f" {condition} ORDER BY id DESC LIMIT ?",
        [*params, limit],
    )
    return [
        IncidentRecord(id_, at, severity, kind, of, type_, task_id, from_json(evidence), worker)
        for id_, at, severity, kind, of, type_, task_id, evidence, worker in rows
    ]

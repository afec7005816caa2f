"""Violations seen while tasks ran, for those who look after the system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.database.clock import moment_of, time_text
from reconciler.database.connection import Connection
from reconciler.database.json_text import from_json, to_json

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


def record(connection: Connection, incidents: Sequence[NewIncident]) -> None:
    """In the transaction around it if there is one."""
    if not incidents:
        return
    at = time_text(moment_of(connection))
    connection.execute_many(
        "INSERT INTO security_incidents (at, severity, kind, agent, type, task_id, evidence, worker)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (at, one.severity, one.kind, one.agent, one.type, one.task_id, to_json(one.evidence), one.worker)
            for one in incidents
        ],
    )


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

"""Whose rows a task may write: its agent's, and those of the agents that its pipeline calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.tasks.deployments import deployments
from reconciler.database.tasks.records import Claimed
from reconciler.errors import Denied
from reconciler.spec.task import TaskResult


def check_writers(connection: Connection, claimed: Claimed, result: TaskResult) -> None:
    """What a child says it wants written is not believed: Raises Denied for rows of a stranger."""
    own = (claimed.task.agent, claimed.type, claimed.type_version)
    strangers = {(w.agent, w.type, w.type_version) for w in result.writes} - {own}
    if not strangers:
        return
    called = _called(connection, claimed)
    for agent, type_name, _ in sorted(strangers):
        if called.get(agent) != type_name:
            raise Denied(f"agent {claimed.task.agent} may not write rows of {type_name} as {agent}")


def _called(connection: Connection, claimed: Claimed) -> dict[str, str]:
    """Type by name of all agents that may run within the task, its own included."""
    types = {claimed.task.agent: claimed.type}
    pending = [*_calls(claimed.blueprint.type_text)]
    while pending:
        names = {name for name in pending if name not in types}
        found = deployments(connection, names) if names else {}
        types |= {name: deployment.type for name, deployment in found.items()}
        pending = [name for one in found.values() for name in _calls(one.blueprint.type_text)]
        pending = [name for name in pending if name not in types]
    return types


@lru_cache(256)
def _calls(type_text: str) -> frozenset[str]:
    """Agents that the pipeline of a type names."""
    if not type_text:
        return frozenset()
    return frozenset(_agents_of(json.loads(type_text)["spec"].get("pipeline", [])))


def _agents_of(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        if "agent" in step:
            yield step["agent"]
        yield from _agents_of(step.get("parallel", []))

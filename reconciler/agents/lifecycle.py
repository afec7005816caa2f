"""From active to retired: what a type's deprecation means for its agents, and on which day."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from reconciler.errors import Refused
from reconciler.spec.agent_type import AgentType


class Status(StrEnum):
    """`deprecated` agents run, but something else should be used. `retired` ones finish what waits and take no new
    tasks. `broken` are static agents whose package cannot be used."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    BROKEN = "broken"


def status_of(agent_type: AgentType, today: date) -> Status:
    """`today` is the day in UTC."""
    told = agent_type.spec.deprecated
    if told is None:
        return Status.ACTIVE
    if told.sunset is not None and date.fromisoformat(told.sunset) <= today:
        return Status.RETIRED
    return Status.DEPRECATED


def refuse_new_tasks_if_retired(agent: str, agent_type: AgentType, today: date) -> None:
    """Raises Refused from the sunset of the agent's type on."""
    told = agent_type.spec.deprecated
    if told is not None and status_of(agent_type, today) is Status.RETIRED:
        raise Refused(
            f"agent {agent} takes no new tasks: type {agent_type.name} is retired since {told.sunset}",
            where=f"type/{agent_type.name}",
            hint=told.message,
        )

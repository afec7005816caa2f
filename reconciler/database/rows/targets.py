"""Whose rows are meant: an agent's, or all of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.records.reading import entries
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.errors import NotFound, UsageError
from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import did_you_mean


@dataclass(frozen=True, slots=True)
class Target:
    """`agent` is empty where the rows of all agents are meant."""

    model: LiveModel
    agent: str = ""

    def narrowed(self, where: dict[str, Any]) -> dict[str, Any]:
        """The condition, with the agent in it."""
        return {"agent": self.agent, **where} if self.agent else where


def target(connection: Connection, models: LiveModels, named: str) -> Target:
    """`AGENT`, `AGENT.MODEL`, `TYPE` or `TYPE.MODEL`; without a model the one of the type's output is meant.

    Raises NotFound, UsageError where it must be said which model.
    """
    name, _, model = named.partition(".")
    rows = connection.execute("SELECT type FROM agents WHERE name = ? AND deleted_at IS NULL", (name,))
    type_name = rows[0][0] if rows else name
    agent_type = models.type(type_name)
    if agent_type is None:
        known = {
            address.partition("/")[2] for address in entries(connection) if not address.startswith("policy/")
        }
        raise NotFound(f"there is no agent or agent type {name}", hint=did_you_mean(name, known))
    return Target(models.get(type_name, model or _meant(agent_type, named)), name if rows else "")


def _meant(agent_type: AgentType, named: str) -> str:
    spec = agent_type.spec
    if spec.output is not None and spec.output.model is not None:
        return spec.output.model
    if len(spec.models) == 1:
        return next(iter(spec.models))
    if not spec.models:
        raise NotFound(f"agent type {agent_type.name} has no models, so that its agents leave no rows")
    choice = ", ".join(f"{named}.{model}" for model in spec.models)
    raise UsageError(f"{named} has several models", hint=f"say which: {choice}")

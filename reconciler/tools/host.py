"""Host: the one door through which a running task reaches what its own process may not have.

A task runs in a child without a database connection, an environment or a clock to trust. What it needs of these it
asks its host for: across a pipe in production, directly where it runs in the same process, from a throw-away database
in a manifest's tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.spec.task import Blueprint, Write

OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "is_null")
"""How a field may be compared: `{urgency: {ge: 3}}`. `contains` looks for a part of a text, as it is written."""


@dataclass(frozen=True, slots=True)
class Query:
    """Rows of one model. `where`: field -> value it equals, a list for one of them, None for is null, or an object of
    values by operator, all of which must hold. `order_by`: fields, `-` in front for descending; rows without a value
    come last. `fields` empty: all, the system ones included. `task_id` is the task that asks, whose own writes bear it.
    """

    type: str
    model: str
    where: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int = 100
    task_id: str = ""


class Host(Protocol):
    """Every method may raise RunError."""

    def reserve_id(self, type_name: str, model: str) -> int:
        """An id that no other row of the model has or will have. Gaps are of no consequence."""

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        """The committed row with these values in its unique key, system fields included."""

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        """Rows as they would be with these writes in place."""

    def secret(self, agent: str, name: str) -> str:
        """The value of a secret the agent binds. Raises Denied where it binds none of the name, Unavailable where its
        environment variable or file is missing."""

    def take(self, agent: str, tool: str, rate: str) -> None:
        """Count one call against a rate (`10/hour`) of the agent's grant. Raises RateLimited."""

    def blueprint(self, agent: str) -> Blueprint:
        """Of another agent, to run as a step. Raises NotFound, Denied if it is disabled."""

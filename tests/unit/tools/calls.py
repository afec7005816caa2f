"""Calls of tools as a pipeline makes them: through the guard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Denied, RateLimited
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.task import Blueprint, Task, Write
from reconciler.tools.egress import Network
from reconciler.tools.guard import GuardedTool
from reconciler.tools.host import Query
from reconciler.tools.registry import builtin_registry
from reconciler.tools.tool import Tool, ToolContext, Usage

AGENT_TYPE = AgentType.model_validate(
    {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": "demo"},
        "spec": {"version": "1.0.0", "secrets": ["token"]},
    }
)


@dataclass
class Surroundings:
    """A Host without a database: secrets by name, and rates of which so many calls are left."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    left: int = 1_000

    def take(self, agent: str, tool: str, rate: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise RateLimited(f"`{tool}` may be called {rate}")

    def secret(self, agent: str, name: str) -> str:
        if name not in self.secrets:
            raise Denied(f"`{agent}` binds no secret `{name}`")
        return self.secrets[name]

    def reserve_id(self, type_name: str, model: str) -> int:
        raise AssertionError("no table here")

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        raise AssertionError("no table here")

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        raise AssertionError("no table here")

    def blueprint(self, agent: str) -> Blueprint:
        raise AssertionError("no other agent here")


def surroundings_of(
    grant: Grant,
    *,
    host: Surroundings | None = None,
    network: Network | None = None,
    seconds: float = 20.0,
    usage: Usage | None = None,
) -> ToolContext:
    """What surrounds one call of the step `step`. Without rows and model: the tools here use neither."""
    absent: Any = None
    return ToolContext(
        task=Task("t1", "demo-agent", {}, "2025-01-01T00:00:00Z"),
        agent_type=AGENT_TYPE,
        agent="demo-agent",
        step="step",
        grant=grant,
        host=host or Surroundings(),
        rows=absent,
        llm=absent,
        network=network or Network(),
        deadline=time.monotonic() + seconds,
        usage=usage or Usage(),
    )


def call(
    tool: str | Tool,
    params: Mapping[str, Any],
    *,
    grant: Mapping[str, Any] | None = None,
    host: Surroundings | None = None,
    network: Network | None = None,
    seconds: float = 20.0,
    usage: Usage | None = None,
) -> Any:
    """One guarded call. `grant` is what stands in `tools` beside the name."""
    found = builtin_registry().tool(tool) if isinstance(tool, str) else tool
    granted = Grant.model_validate({"name": found.name, **(grant or {})})
    context = surroundings_of(granted, host=host, network=network, seconds=seconds, usage=usage)
    return GuardedTool(found, granted, AGENT_TYPE).call(context, params)

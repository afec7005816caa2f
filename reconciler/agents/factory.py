"""AgentFactory: blueprints -> agents, ready to run tasks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any

from reconciler.agents.base import BaseAgent
from reconciler.pipeline.context import RunContext, Runnable, never, untold
from reconciler.spec.task import Blueprint, StepTrace
from reconciler.tools.registry import ToolRegistry

if TYPE_CHECKING:
    from reconciler.agents.static import StaticAgents
    from reconciler.llm.provider import LLMProvider
    from reconciler.tools.egress import Network
    from reconciler.tools.host import Host

KEPT = 256
"""Agents held ready. One takes some tens of kilobytes; what was not used for longest goes first."""

Mock = Callable[[str, Mapping[str, Any] | None], Any]


class AgentFactory:
    """One per process, shared by its threads. An agent of the same digest is built once and given again."""

    def __init__(self, registry: ToolRegistry, static: StaticAgents, *, kept: int = KEPT) -> None:
        self._registry, self._static = registry, static
        self._kept = kept
        self._agents: OrderedDict[str, BaseAgent] = OrderedDict()
        self._lock = Lock()

    def build(self, blueprint: Blueprint) -> BaseAgent:
        """The agent, its tools loaded. Raises NotFound (a static agent that is not installed), UsageError (a tool that
        is not)."""
        key = blueprint.digest if blueprint.kind == "dynamic" else f"static {blueprint.agent}"
        with self._lock:
            found = self._agents.get(key)
            if found is not None:
                self._agents.move_to_end(key)
                return found
        # Compiled outside the lock: others go on with theirs. Two threads that build the same one keep the first.
        built = self._compile(blueprint)
        with self._lock:
            agent = self._agents.setdefault(key, built)
            while len(self._agents) > self._kept:
                self._agents.popitem(last=False)
        return agent

    def context(
        self,
        host: Host,
        llm: LLMProvider,
        network: Network,
        deadline: float,
        *,
        cancelled: Callable[[], bool] = never,
        traced: Callable[[StepTrace], None] = untold,
        mock: Mock | None = None,
    ) -> RunContext:
        """Surroundings of one task in which steps can call other agents: the host knows their blueprints, this factory
        builds them. `deadline` is in seconds of `time.monotonic()`."""

        def agent(name: str) -> Runnable:
            return self.build(host.blueprint(name))

        return RunContext(host, llm, network, deadline, agent, cancelled, traced, mock)

    def _compile(self, blueprint: Blueprint) -> BaseAgent:
        if blueprint.kind == "static":
            return self._static.bound(blueprint.agent, self._registry)
        from reconciler.agents.dynamic import DynamicAgent
        from reconciler.spec.agent import Agent
        from reconciler.spec.agent_type import AgentType
        from reconciler.spec.codec import parse_canonical

        agent = parse_canonical("agent", blueprint.agent_text)
        agent_type = parse_canonical("type", blueprint.type_text)
        assert isinstance(agent, Agent), "the text of an agent is that of one"
        assert isinstance(agent_type, AgentType), "the text of a type is that of one"
        return DynamicAgent(agent, agent_type, self._registry)

"""DynamicAgent: an agent that is what its manifests say."""

from __future__ import annotations

from functools import cached_property

from reconciler.agents.base import BaseAgent
from reconciler.agents.settings import AgentSettings
from reconciler.pipeline.context import RunContext
from reconciler.pipeline.pipeline import ProcessingPipeline
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.task import Task, TaskResult
from reconciler.tools.registry import ToolRegistry


class DynamicAgent(BaseAgent):
    """Compiled once from its type and its own manifest; holds neither a connection nor a secret."""

    def __init__(self, agent: Agent, agent_type: AgentType, registry: ToolRegistry) -> None:
        """Raises UsageError where a tool of the type is not installed."""
        self.name = agent.name
        self.agent, self.agent_type = agent, agent_type
        self._pipeline = ProcessingPipeline(agent_type, registry)

    def process_task(self, task: Task, context: RunContext) -> TaskResult:
        return self._pipeline.run(task, self._settings.with_overrides(task.settings), context)

    @cached_property
    def _settings(self) -> AgentSettings:
        # At the first task, not when the agent is built: settings that no longer fit end tasks, not workers.
        return AgentSettings(self.agent_type.spec.settings, self.agent.spec.settings)

"""StaticAgent: a Python agent held to what its class declares."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.agents.base import BaseAgent
from reconciler.errors import Cancelled, Denied, InvalidInput, InvalidOutput, RunError
from reconciler.pipeline.context import RunContext
from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import did_you_mean
from reconciler.spec.task import Failure, StepTrace, Task, TaskResult, Values
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.guard import GuardedTool
from reconciler.tools.registry import ToolRegistry
from reconciler.tools.tool import ToolContext, Usage

if TYPE_CHECKING:
    from reconciler.tools.rows import TaskRows


class StaticAgent(BaseAgent):
    """What goes in and out is validated, tools are called through the same guard that steps go through."""

    def __init__(self, agent: BaseAgent, declared: AgentType, registry: ToolRegistry) -> None:
        """Raises UsageError where a granted tool is not installed."""
        self.name, self.agent_type = declared.name, declared
        self._agent = agent
        self._tools = {
            grant.name: GuardedTool(registry.tool(grant.name), grant, declared)
            for grant in declared.spec.tools
        }

    def process_task(self, task: Task, context: RunContext) -> TaskResult:
        task = replace(task, input=self._input(task))
        calls = _Calls(self.agent_type, self._tools, task, context)
        result = self._agent.run(task, replace(context, call=calls))
        traced = replace(result, trace=(*calls.trace, *result.trace), tokens=calls.tokens, model=calls.model)
        if result.failure is not None or result.output is None:
            return traced
        try:
            return replace(traced, output=self._output(result.output))
        except RunError as error:
            failure = Failure(error.code, error.message, error.where, error.hint)
            return TaskResult(failure=failure, trace=traced.trace, tokens=calls.tokens, model=calls.model)

    def _input(self, task: Task) -> Values:
        if task.settings:
            raise InvalidInput(
                "a static agent has no settings", where=f"settings/{next(iter(task.settings))}"
            )
        if self._agent.input is None:
            return task.input
        try:
            return validator_of(self.agent_type.spec.input).validate(task.input, noun="input")
        except ValuesInvalid as error:
            raise error.as_run_error(InvalidInput, "input") from error

    def _output(self, output: Values) -> Values:
        declared = self.agent_type.spec.output
        if declared is None or declared.fields is None:
            return output
        try:
            return validator_of(declared.fields).validate(output, noun="output")
        except ValuesInvalid as error:
            raise error.as_run_error(InvalidOutput, "output") from error


class _Calls:
    """The tools of one task, as `BaseAgent.call` calls them, with what they have used up and left as trace."""

    def __init__(
        self, agent_type: AgentType, tools: Mapping[str, GuardedTool], task: Task, context: RunContext
    ) -> None:
        self._type, self._tools, self._task, self._context = agent_type, tools, task, context
        self._usage = {name: Usage() for name in tools}
        self._rows: TaskRows | None = None
        self.trace: list[StepTrace] = []
        self.model = ""

    @property
    def tokens(self) -> int:
        return sum(usage.tokens for usage in self._usage.values())

    def __call__(self, name: str, params: Mapping[str, Any]) -> Any:
        tool = self._tools.get(name)
        if tool is None:
            hint = did_you_mean(name, self._tools) or "grant it in the class's `tools`"
            raise Denied(f"tool {name} is not granted", where=name, hint=hint)
        if self._context.cancelled():
            raise Cancelled("the task was cancelled", where=name)
        step = f"{name}[{sum(trace.call == name for trace in self.trace)}]"
        tool_context = self._tool_context(name, step)
        started, clock, before = time.time(), time.monotonic(), self._usage[name].tokens
        trace = StepTrace(step, name, 1, "succeeded", started, 0.0)
        try:
            return tool.call(tool_context, params)
        except RunError as error:
            trace.status, trace.error_code, trace.error = "failed", error.code, error.message
            raise
        finally:
            trace.duration = time.monotonic() - clock
            trace.tokens, trace.model = self._usage[name].tokens - before, tool_context.model
            self.model = tool_context.model or self.model
            self.trace.append(trace)
            self._context.traced(trace)

    def _tool_context(self, name: str, step: str) -> ToolContext:
        from reconciler.tools.rows import TaskRows

        context, agent = self._context, self._task.agent
        if self._rows is None:
            self._rows = TaskRows(context.host, self._type, agent)
        grant = next(grant for grant in self._type.spec.tools if grant.name == name)
        return ToolContext(
            task=self._task,
            agent_type=self._type,
            agent=agent,
            step=step,
            grant=grant,
            host=context.host,
            rows=self._rows,
            llm=context.llm,
            network=context.network,
            deadline=context.deadline,
            usage=self._usage[name],
        )

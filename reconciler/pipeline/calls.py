"""Calls of tools and agents: parameters evaluated, surroundings set up, whatever goes wrong made a RunError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from reconciler.errors import BadParameter, Denied, ExpressionError, ReconcilerError, RunError, run_error
from reconciler.expressions.nested import compiled_value
from reconciler.expressions.template import parse, texts
from reconciler.pipeline.branch import Branch, Scope, Seen
from reconciler.pipeline.branch_rows import NO_ROWS, BranchRows
from reconciler.pipeline.context import NOT_MOCKED
from reconciler.pipeline.sizes import size_or_none
from reconciler.pipeline.watched import watched
from reconciler.spec.findings import pointer
from reconciler.spec.task import StepTrace, Task, TaskResult
from reconciler.tools.base import Capability
from reconciler.tools.guard import GuardedTool
from reconciler.tools.tool import Tool, ToolContext, Usage

MOST_DEPTH = 8
"""Agents that may be in the middle of a call of one another."""


class Call(Protocol):
    """`what` is called: the name of a tool or agent, for traces."""

    what: str
    traced: bool
    """Whether its attempts belong into the trace."""

    def call(self, branch: Branch, scope: Scope, seen: Seen, deadline: float, trace: StepTrace) -> Any:
        """The result of the step that `trace` names. Raises RunError. What it measures on the way goes into `trace`,
        what later steps may see besides the result into `seen`."""


class ToolCall:
    """One call site of a tool. `timed`: the step has a timeout; `mocked`: tests may answer for it."""

    traced = True

    def __init__(
        self, tool: Tool, guarded: GuardedTool, params: Mapping[str, Any], *, timed: bool, mocked: bool = True
    ) -> None:
        self.what = tool.name
        self._params = params
        self._build = compiled_value(params)
        self._guarded = guarded.call
        capabilities = tool.declaration.capabilities
        self._uses_rows = Capability.TABLES in capabilities
        self._watched = timed and not tool.honours_deadline
        self._observed = self._watched or Capability.LANGUAGE_MODEL in capabilities
        self._mocked = mocked

    def call(self, branch: Branch, scope: Scope, seen: Seen, deadline: float, trace: StepTrace) -> Any:
        run, step = branch.run, trace.step
        try:
            params = self._build(scope)
        except ExpressionError as error:
            raise _unevaluated(self._params, scope, f"{step}/with", error) from error
        around, what = run.context, self.what
        if around.measured:
            trace.input_bytes = size_or_none(params)
        if around.mock is not None and self._mocked:
            answer = around.mock(step, params)
            if answer is not NOT_MOCKED:
                return answer
        usage = run.usage.get(what)
        if usage is None:
            usage = run.usage.setdefault(what, Usage())
        context = ToolContext(
            run.task,
            run.agent_type,
            run.task.agent,
            step,
            run.grants[what],
            around.host,
            BranchRows(run.rows, branch.writes) if self._uses_rows else NO_ROWS,
            around.llm,
            around.network,
            deadline,
            usage,
        )
        return (
            self._made(branch, context, params, trace) if self._observed else self._guarded(context, params)
        )

    def _made(self, branch: Branch, context: ToolContext, params: Mapping[str, Any], trace: StepTrace) -> Any:
        before = context.usage.tokens
        try:
            if not self._watched:
                return self._guarded(context, params)
            return self._watch(branch, context, params)
        finally:
            trace.tokens, trace.model = context.usage.tokens - before, context.model

    def _watch(self, branch: Branch, context: ToolContext, params: Mapping[str, Any]) -> Any:
        try:
            return watched(
                lambda: self._guarded(context, params), context.deadline, lambda: branch.check(context.step)
            )
        except BaseException:
            if isinstance(context.rows, BranchRows):
                context.rows.close()  # whether the call has ended or not
            raise


class AgentCall:
    """Another agent as a step: its writes and trace become those of this task."""

    traced = True

    def __init__(self, agent: str, given: Mapping[str, Any]) -> None:
        self.what = agent
        self._given = given
        self._build = compiled_value(given)

    def call(self, branch: Branch, scope: Scope, seen: Seen, deadline: float, trace: StepTrace) -> Any:
        run, step = branch.run, trace.step
        around = run.context
        try:
            given = self._build(scope)
        except ExpressionError as error:
            raise _unevaluated(self._given, scope, f"{step}/input", error) from error
        if around.measured:
            trace.input_bytes = size_or_none(given)
        if around.mock is not None:
            answer = around.mock(step, None)
            if answer is not NOT_MOCKED:
                return answer
        result = self._result(
            branch, replace(run.task, agent=self.what, input=given, settings={}), step, deadline
        )
        branch.trace += [replace(inner, step=f"{step}/{inner.step}") for inner in result.trace]
        run.lent.append(result.tokens)
        trace.tokens, trace.model = result.tokens, result.model
        if (failure := result.failure) is not None:
            raise run_error(
                failure.code,
                f"agent {self.what}: {failure.message}",
                where=f"{step}/{failure.where}" if failure.where else step,
                hint=failure.hint,
            )
        branch.writes += result.writes
        return result.output

    def _result(self, branch: Branch, task: Task, step: str, deadline: float) -> TaskResult:
        around = branch.run.context
        if around.depth + 1 >= MOST_DEPTH:
            hint = "look for agents that call each other in a circle"
            raise Denied(f"more than {MOST_DEPTH} agents call one another", where=step, hint=hint)
        try:
            agent = around.agent(self.what)
        except RunError:
            raise
        except ReconcilerError as error:
            raise Denied(f"agent {self.what} cannot be called: {error.message}", hint=error.hint) from error
        mock, traced = around.mock, around.traced
        inner = replace(
            around,
            deadline=deadline,
            depth=around.depth + 1,
            mock=None if mock is None else lambda name, params: mock(f"{step}/{name}", params),
            traced=lambda trace: traced(replace(trace, step=f"{step}/{trace.step}")),
            rows=branch.run.rows,
        )
        return agent.run(task, inner)


def evaluated(evaluate: Callable[[Scope], Any], scope: Scope, where: str) -> Any:
    """What one expression gives. Raises BadParameter."""
    try:
        return evaluate(scope)
    except ExpressionError as error:
        raise BadParameter(error.message, where=where, hint=error.hint) from error


def _unevaluated(params: Any, scope: Scope, where: str, error: ExpressionError) -> BadParameter:
    """The error with its place: the first of the texts that fails when they are evaluated again one by one."""
    for path, text in texts(params):
        try:
            parse(text).evaluate(scope)
        except ExpressionError:
            where += pointer(path)
            break
    return BadParameter(error.message, where=where, hint=error.hint)

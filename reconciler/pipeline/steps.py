"""Steps -> functions that run them, each made of those for what the step says: call or group, loop, condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from reconciler.errors import BadParameter, Cancelled, RunError
from reconciler.expressions.compiled import Evaluate
from reconciler.expressions.nested import compiled_value
from reconciler.expressions.template import compiled_template, parse_condition
from reconciler.pipeline.attempts import Attempts
from reconciler.pipeline.branch import Branch, Scope, Seen
from reconciler.pipeline.calls import AgentCall, Call, ToolCall, evaluated
from reconciler.pipeline.group import Group, Runner
from reconciler.pipeline.side_by_side import side_by_side
from reconciler.spec.agent_type import AgentType
from reconciler.spec.steps import OnError, Step
from reconciler.tools.guard import GuardedTool
from reconciler.tools.registry import ToolRegistry

Work = Callable[[Branch, Scope, Seen, str], Any]
"""Gives the result of a step, or of one pass of its loop. What later steps see of those inside it goes into the third
argument; the fourth is the number of the pass behind the names of steps (`[2]`). Raises RunError."""

ITEM = "item"
"""What the item of a loop is called where `as` does not say."""


class Workshop:
    """Compiles the steps of one type. `tools` are those granted; `read` are the fields that expressions read of each
    step's result."""

    def __init__(
        self, agent_type: AgentType, registry: ToolRegistry, read: Mapping[str, frozenset[str]]
    ) -> None:
        """Raises UsageError where a tool is not installed."""
        self._registry, self._read = registry, read
        self._guarded: dict[str, GuardedTool] = {}
        for grant in agent_type.spec.tools:
            self._guarded.setdefault(grant.name, GuardedTool(registry.tool(grant.name), grant, agent_type))

    def runner(self, step: Step) -> Runner:
        work = self._work(step)
        if step.for_each is not None:
            work = _looped(step, work)
        if step.on_error is OnError.CONTINUE:
            work = _continued(step, work)
        run, skip = _run(step, work), _skip(step)
        if isinstance(step.when, str):
            return _run_if(compiled_template(parse_condition(step.when)), step, run, skip)
        return skip if step.when is False else run

    def _work(self, step: Step) -> Work:
        fallback = None
        if step.fallback is not None:
            fallback = self._tool(step.fallback.tool, step.fallback.with_, step, mocked=False)
        return Attempts(step, self._call(step), fallback, self._read.get(step.id, frozenset())).run

    def _call(self, step: Step) -> Call:
        if step.parallel is not None:
            runners = [(child.id, self.runner(child)) for child in step.parallel]
            return Group(step.id, runners, _visible(step.parallel))
        if step.agent is not None:
            return AgentCall(step.agent, step.input)
        assert step.tool is not None, "a step has a tool, an agent or steps of its own"
        return self._tool(step.tool, step.with_, step)

    def _tool(self, name: str, params: Mapping[str, Any], step: Step, *, mocked: bool = True) -> ToolCall:
        timed = step.timeout is not None
        return ToolCall(self._registry.tool(name), self._guarded[name], params, timed=timed, mocked=mocked)


# --- whole steps ----------------------------------------------------------------------------------


def _run(step: Step, work: Work) -> Runner:
    name = step.id

    def run(branch: Branch, scope: Scope, seen: Seen, suffix: str) -> None:
        seen[name] = work(branch, scope, seen, suffix)

    return run


def _skip(step: Step) -> Runner:
    name, called, absent = step.id, _called(step), _absent(step)

    def skip(branch: Branch, scope: Scope, seen: Seen, suffix: str) -> None:
        branch.skipped(name + suffix, called)
        seen.update(dict.fromkeys(absent))

    return skip


def _run_if(condition: Evaluate, step: Step, run: Runner, skip: Runner) -> Runner:
    name = step.id

    def run_if(branch: Branch, scope: Scope, seen: Seen, suffix: str) -> None:
        holds = evaluated(condition, scope, f"{name}{suffix}/when")
        (run if holds else skip)(branch, scope, seen, suffix)

    return run_if


def _absent(step: Step) -> tuple[str, ...]:
    """Ids that later steps may read, and find none, where the step has no result."""
    return _visible([step])


def _visible(steps: Iterable[Step]) -> tuple[str, ...]:
    """Ids of steps and of those inside them, but for what runs inside a loop."""
    found: list[str] = []
    for step in steps:
        found.append(step.id)
        if step.for_each is None:
            found += _visible(step.parallel or ())
    return tuple(found)


def _called(step: Step) -> str:
    return step.tool or step.agent or "parallel"


def _continued(step: Step, work: Work) -> Work:
    """A step whose failure leaves it without a result, and without a row."""
    absent = _absent(step)

    def work_or_none(branch: Branch, scope: Scope, seen: Seen, suffix: str) -> Any:
        mark = len(branch.writes)
        try:
            return work(branch, scope, seen, suffix)
        except Cancelled:
            raise
        except RunError:
            branch.take_back(mark)
            seen.update(dict.fromkeys(absent))
            return None

    return work_or_none


# --- loops ----------------------------------------------------------------------------------------


def _looped(step: Step, work: Work) -> Work:
    """The results of all passes, in the order of the items. What ran inside a pass cannot be seen from outside."""
    items_of, name, width = _items(step), step.as_ or ITEM, step.concurrency or 1

    def loop(branch: Branch, scope: Scope, seen: Seen, suffix: str) -> list[Any]:
        items = evaluated(items_of, scope, f"{step.id}{suffix}/for_each")
        if not isinstance(items, (list, tuple)):
            hint = "a loop runs over a list; add `| default([])` where there may be none"
            raise BadParameter("`for_each` gives no list", where=f"{step.id}{suffix}/for_each", hint=hint)

        def one(index: int, own: Branch) -> Any:
            return work(own, {**scope, name: items[index]}, {}, f"{suffix}[{index}]")

        if width == 1 or len(items) < 2:
            return [one(index, branch) for index in range(len(items))]
        jobs = [partial(one, index) for index in range(len(items))]
        return side_by_side(branch, jobs, width, branch.deadline)

    return loop


def _items(step: Step) -> Evaluate:
    if isinstance(step.for_each, str):
        return compiled_template(parse_condition(step.for_each))
    return compiled_value(step.for_each)

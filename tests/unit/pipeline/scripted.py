"""A small world to run pipelines in: tools that do what their step says, and a host that is nothing but memory."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from reconciler.errors import NotFound, run_error
from reconciler.llm.memory import ScriptedModel
from reconciler.pipeline.context import RunContext, Runnable
from reconciler.pipeline.pipeline import ProcessingPipeline
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldType
from reconciler.spec.task import Blueprint, StepTrace, Task, TaskResult, Write
from reconciler.tools.base import EffectClass, Parameter, ToolDeclaration
from reconciler.tools.declarations import BUILTIN_TOOLS
from reconciler.tools.egress import Network
from reconciler.tools.host import Query
from reconciler.tools.registry import ToolRegistry
from reconciler.tools.tool import Tool, ToolContext

_PARAMETERS = {
    "value": Parameter("any", "What the call gives."),
    "fail": Parameter(
        FieldType.LIST, "Codes with which the first calls of the step fail; `-`: this one does not."
    ),
    "seconds": Parameter(FieldType.NUMBER, "How long the call takes.", default=0),
}


class _Scripted(Tool):
    """Calls are counted by step, so that `fail: [timeout]` fails the first attempt and no other."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        with self._lock:
            number = self._counts[context.step]
            self._counts[context.step] += 1
            self.calls.append((context.step, params.get("value")))
        self.pass_time(context, params["seconds"])
        codes = params.get("fail", ())
        if number < len(codes) and codes[number] == "bug":
            raise RuntimeError("a secret of the tool")
        if number < len(codes) and codes[number] != "-":
            raise run_error(codes[number], "the script says so")
        return params.get("value")

    def pass_time(self, context: ToolContext, seconds: float) -> None:
        raise NotImplementedError


class Say(_Scripted):
    declaration = ToolDeclaration("say", "Say", "Gives what it is given.", EffectClass.NONE, _PARAMETERS, {})
    honours_deadline = True

    def pass_time(self, context: ToolContext, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(context.remaining(), 0.002, seconds))


class Dawdle(_Scripted):
    """Does not look at the time."""

    declaration = ToolDeclaration(
        "dawdle", "Dawdle", "Takes the time it takes.", EffectClass.NONE, _PARAMETERS, {}
    )

    def pass_time(self, context: ToolContext, seconds: float) -> None:
        time.sleep(seconds)


class MemoryHost:
    """Reserves ids, knows no committed rows, and has a rate and a secret for everyone."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict(int)
        self._lock = Lock()

    def reserve_id(self, type_name: str, model: str) -> int:
        with self._lock:
            self._ids[model] += 1
            return self._ids[model]

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        return []

    def secret(self, agent: str, name: str) -> str:
        return "secret"

    def take(self, agent: str, tool: str, rate: str) -> None:
        return

    def blueprint(self, agent: str) -> Blueprint:
        raise NotFound(f"there is no agent {agent}")


class _Agent:
    """One pipeline as an agent that a step can call."""

    def __init__(self, pipeline: ProcessingPipeline) -> None:
        self._pipeline = pipeline

    def run(self, task: Task, context: RunContext) -> TaskResult:
        return self._pipeline.run(task, {}, context)


class World:
    """A type, the agents it can call, and tools of its own. `say` and `dawdle` are granted to every type."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        agents: Mapping[str, Mapping[str, Any]] | None = None,
        more: Sequence[type[Tool]] = (),
    ) -> None:
        self.say, self.dawdle = Say(), Dawdle()
        self.host = MemoryHost()
        self.registry = ToolRegistry(BUILTIN_TOOLS)
        for tool in (self.say, self.dawdle):
            self.registry.register(type(tool))
            self.registry._tools[tool.name] = tool
        for brought in more:
            self.registry.register(brought)
        self.pipeline = ProcessingPipeline(agent_type("subject", spec), self.registry)
        self._agents: dict[str, Runnable] = {
            name: _Agent(ProcessingPipeline(agent_type(name, other), self.registry))
            for name, other in (agents or {}).items()
        }
        self._agents["subject"] = _Agent(self.pipeline)
        self.told: list[StepTrace] = []

    def context(
        self,
        *,
        seconds: float = 10.0,
        cancelled: Callable[[], bool] = lambda: False,
        mock: Callable[[str, Mapping[str, Any] | None], Any] | None = None,
    ) -> RunContext:
        return RunContext(
            self.host,
            ScriptedModel(),
            Network(),
            time.monotonic() + seconds,
            self._agent,
            cancelled,
            self.told.append,
            mock,
        )

    def run(
        self,
        values: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        context: RunContext | None = None,
    ) -> TaskResult:
        task = Task("task-1", "subject-agent", values or {}, "2026-01-01T00:00:00Z")
        return self.pipeline.run(task, settings or {}, context or self.context())

    def _agent(self, name: str) -> Runnable:
        if name not in self._agents:
            raise NotFound(f"there is no agent {name}")
        return self._agents[name]


def agent_type(name: str, spec: Mapping[str, Any]) -> AgentType:
    granted = [{"name": "say"}, {"name": "dawdle"}, *spec.get("tools", ())]
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": name},
        "spec": {"version": "1.2.0", **spec, "tools": granted},
    }
    return AgentType.model_validate(document)


def told(trace: Sequence[StepTrace]) -> list[str]:
    """A trace in words: `extract 2 failed timeout`, the number only from the second attempt on."""
    return [
        " ".join(
            [attempt.step, *([str(attempt.attempt)] if attempt.attempt > 1 else []), attempt.status]
            + ([attempt.error_code] if attempt.error_code else [])
        )
        for attempt in trace
    ]

"""One type, all its tests -> verdicts and what they leave unexercised."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.agents.factory import AgentFactory
from reconciler.agents.rehearsal.coverage import Coverage, Gap, called_steps
from reconciler.agents.rehearsal.doors import NoModel, NoNetwork
from reconciler.agents.rehearsal.expectations import Difference, Outcome, differences
from reconciler.agents.rehearsal.mocks import Mocks
from reconciler.agents.rehearsal.stage import NOW, Stage, Theatre
from reconciler.agents.rehearsal.stand_ins import with_stand_ins
from reconciler.agents.settings import AgentSettings
from reconciler.agents.static import StaticAgents
from reconciler.database.clock import time_text
from reconciler.errors import RunError, UsageError
from reconciler.pipeline.context import RunContext
from reconciler.pipeline.pipeline import ProcessingPipeline
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType, ManifestTest
from reconciler.spec.codec import Spec
from reconciler.spec.steps import Step, called_agents
from reconciler.spec.tables import referenced_types
from reconciler.spec.task import Failure, Task, TaskResult
from reconciler.tools.registry import ToolRegistry

TASK_ID = "00000000-0000-7000-8000-000000000000"
LONGEST = 10.0
"""Seconds one test may take; a type with less time has less here as well."""

Lookup = Callable[[str], Spec | None]
"""The spec at an address such as `type/x`; None if there is none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`seconds` is how long the test took."""

    test: str
    differences: tuple[Difference, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.differences


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`gaps` are steps and branches no test took; `coverage` the share of those that one did, from 0 to 1."""

    type: str
    version: str
    verdicts: tuple[Verdict, ...]
    gaps: tuple[Gap, ...]
    coverage: float

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)


def rehearse(agent_type: AgentType, registry: ToolRegistry, lookup: Lookup) -> Rehearsal:
    """Run all tests of a type. `lookup` gives the other types that it refers to. The type is a sound one: its checks
    have passed."""
    coverage, tests = Coverage(agent_type.spec.pipeline), agent_type.spec.tests
    try:
        run = _Run(agent_type, registry, lookup)
        verdicts = tuple(run.verdict(test, coverage) for test in tests)
    except UsageError as error:  # a tool that is not installed here
        verdicts = tuple(Verdict(test.name, (_unusable(error),), 0.0) for test in tests)
    return Rehearsal(agent_type.name, agent_type.spec.version, verdicts, coverage.gaps, coverage.share)


def _unusable(error: UsageError) -> Difference:
    hint = f" ({error.hint})" if error.hint else ""
    return Difference("error", None, error.code, f"the type cannot be run: {error.message}{hint}")


class _Run:
    """All that the tests of one type have in common."""

    def __init__(self, agent_type: AgentType, registry: ToolRegistry, lookup: Lookup) -> None:
        self._type, self._registry = agent_type, registry
        self._theatre = Theatre(*_cast(agent_type, lookup))
        self._pipeline = ProcessingPipeline(_without_waiting(agent_type), registry)
        self._factory = AgentFactory(registry, StaticAgents())

    def verdict(self, test: ManifestTest, coverage: Coverage) -> Verdict:
        started = time.monotonic()
        mocks = Mocks(self._type.spec.pipeline, test.mocks, self._registry)
        network, model = NoNetwork(), NoModel()
        with self._theatre.stage() as stage:
            seconds = min(LONGEST, self._type.spec.limits.timeout or LONGEST)
            context = self._factory.context(stage.host, model, network, started + seconds, mock=mocks)
            result = self._result(test, context)
            outcome = self._outcome(result, stage)
        coverage.add(result.trace)
        tried = [*network.tried, *model.tried]
        found = (*_missing(mocks.missing, tried), *differences(self._type, test.expect, outcome))
        return Verdict(test.name, found, time.monotonic() - started)

    def _result(self, test: ManifestTest, context: RunContext) -> TaskResult:
        task = Task(TASK_ID, self._type.name, test.input, time_text(NOW))
        fields = self._type.spec.settings
        try:
            settings = AgentSettings(fields, with_stand_ins(fields, test.settings)).with_overrides({})
        except RunError as error:
            return TaskResult(failure=Failure(error.code, error.message, error.where, error.hint))
        return self._pipeline.run(task, settings, context)

    def _outcome(self, result: TaskResult, stage: Stage) -> Outcome:
        output, failure = result.output, result.failure
        if failure is None:
            try:
                output = stage.commit(TASK_ID, result)
            except RunError as error:
                output, failure = None, Failure(error.code, error.message, error.where, error.hint)
        return Outcome(output, stage.rows(self._type), called_steps(result.trace), failure)


def _missing(steps: Sequence[str], tried: Sequence[str]) -> Iterator[Difference]:
    """`steps` reach outside without a mock; `tried` are the doors that others rattled at."""
    for step in dict.fromkeys(steps):
        message = f"{step} reaches outside; a test has to say what it answers: `mocks: {{{step}: ...}}`"
        yield Difference(f"mocks/{step}", None, None, message)
    for door in dict.fromkeys(tried):
        message = f"a fallback or another agent wants to reach {door}; mock the step that leads there"
        yield Difference("mocks", None, None, message)


def _cast(agent_type: AgentType, lookup: Lookup) -> tuple[list[AgentType], list[Agent]]:
    """The type and all that it needs, directly or not: types its tables refer to, agents its steps call."""
    types, agents = {agent_type.name: agent_type}, dict[str, Agent]()
    pending = [agent_type]
    while pending:
        current = pending.pop()
        for name in called_agents(current.spec.pipeline):
            called = lookup(f"agent/{name}")
            if isinstance(called, Agent):
                agents[name] = called
        for name in (
            referenced_types(current) | {agent.spec.type for agent in agents.values()}
        ) - types.keys():
            other = lookup(f"type/{name}")
            if isinstance(other, AgentType):
                types[name] = other
                pending.append(other)
    return [*types.values()], [*agents.values()]


def _without_waiting(agent_type: AgentType) -> AgentType:
    """A mocked error is the same at each attempt: to wait between them would only take time."""
    pipeline = [_impatient(step) for step in agent_type.spec.pipeline]
    return agent_type.model_copy(update={"spec": agent_type.spec.model_copy(update={"pipeline": pipeline})})


def _impatient(step: Step) -> Step:
    changed: dict[str, object] = {}
    if step.retry is not None:
        changed["retry"] = step.retry.model_copy(update={"backoff": 0.001, "max_backoff": 0.001})
    if step.parallel is not None:
        changed["parallel"] = [_impatient(inner) for inner in step.parallel]
    return step.model_copy(update=changed) if changed else step

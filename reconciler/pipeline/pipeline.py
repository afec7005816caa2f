"""ProcessingPipeline: one type's steps, compiled once and run by many tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.errors import Crashed, InvalidInput, MemoryExceeded, ReconcilerError
from reconciler.pipeline.branch import Branch, Run, Scope
from reconciler.pipeline.context import RunContext
from reconciler.pipeline.output import check_size, output_maker
from reconciler.pipeline.prompts import asks_models, prompt_digest
from reconciler.pipeline.reads import reads_of
from reconciler.pipeline.steplog import log, log_failure
from reconciler.pipeline.steps import Workshop
from reconciler.pipeline.surroundings import Surroundings, surroundings
from reconciler.spec.agent_type import AgentType
from reconciler.spec.task import Failure, StepTrace, Task, TaskResult, Write
from reconciler.spec.validation import ValuesInvalid, validator_of
from reconciler.tools.registry import ToolRegistry


class ProcessingPipeline:
    """Made once per version of a type; run by many tasks, also at the same time."""

    def __init__(self, agent_type: AgentType, registry: ToolRegistry) -> None:
        """Raises UsageError where a tool of the type is not installed."""
        spec = agent_type.spec
        self._type = agent_type
        reads = reads_of(spec.pipeline)
        workshop = Workshop(agent_type, registry, reads.fields)
        self._runners = tuple(workshop.runner(step) for step in spec.pipeline)
        self._input = validator_of(spec.input)
        self._output = output_maker(agent_type)
        self._most_bytes = spec.limits.output_bytes
        self._about = {"type": agent_type.name, "type_version": spec.version}
        self._reads_task = "task" in reads.names
        self._latest: Surroundings | None = None
        self._asks_models = asks_models(spec.pipeline, registry)
        self.prompt_digest = prompt_digest(spec.pipeline, registry)

    def run(self, task: Task, settings: Mapping[str, Any], context: RunContext) -> TaskResult:
        """One task, from its input to its result. However it ends, that is a result: nothing is raised.

        `settings` are valid. Expressions see `input`, `settings`, `task`, and `steps` that have run; secrets only tools
        can ask for. Of a task that fails nothing is written, but its trace stays.
        """
        branch: Branch | None = None
        run: Run | None = None
        try:
            around = self._latest
            if around is None or around.given is not settings:
                around = self._latest = surroundings(self._type, settings)
            scope = self._scope(task, around)
            run = Run(task, self._type, around.grants, context)
            branch = Branch(run, context.deadline)
            result = self._result(branch, scope)
        except Exception as error:
            result = self._failed(task, error, branch)
        except BaseException:  # a signal
            if run is not None:
                run.close(wait=False)
            raise
        if run is not None and run.split:
            run.close(wait=True)
        return result

    def _result(self, branch: Branch, scope: Scope) -> TaskResult:
        seen, run = scope["steps"], branch.run
        for runner in self._runners:
            runner(branch, scope, seen, "")
        writes = in_order(branch.writes, run.written) if branch.writes else []
        output, position = self._output(seen, writes)
        if self._most_bytes is not None:
            check_size(output, writes, self._most_bytes)
        trace = tuple(branch.trace)
        tokens = run.tokens if self._asks_models else 0
        model = _last_model(trace) if tokens else ""
        return TaskResult(output, tuple(writes), trace, None, position, model, self.prompt_digest, tokens)

    def _scope(self, task: Task, around: Surroundings) -> Scope:
        try:
            values = self._input.complete(task.input, noun="input")
        except ValuesInvalid as error:
            raise error.as_run_error(InvalidInput, "input") from error
        scope: Scope = {"input": values, "settings": around.settings, "steps": {}}
        if self._reads_task:
            about = {"id": task.id, "agent": task.agent, "created_at": task.created_at}
            scope["task"] = about | self._about
        return scope

    def _failed(self, task: Task, error: Exception, branch: Branch | None) -> TaskResult:
        """`branch` is None where not even the first step was reached."""
        failure = _failure_of(error)
        log_failure(task, failure)
        if branch is None:
            return TaskResult(failure=failure, prompt_digest=self.prompt_digest)
        branch.take_back(0)  # an agent that called this one may go on without it
        return TaskResult(
            trace=tuple(branch.trace),
            failure=failure,
            model=_last_model(branch.trace),
            prompt_digest=self.prompt_digest,
            tokens=branch.run.tokens,
        )


def in_order(writes: list[Write], described: Sequence[Write]) -> list[Write]:
    """`writes` as they stand in the order of the manifest, unless steps side by side wrote the same row in another:
    then in the order in which they were described, which alone can be carried out."""
    rows = {(write.type, write.model, write.row_id) for write in writes}
    if len(rows) == len(writes):
        return writes
    place = {id(write): index for index, write in enumerate(described)}
    latest: dict[tuple[str, str, int], int] = {}
    for write in writes:
        row, index = (write.type, write.model, write.row_id), place.get(id(write), -1)
        if index < latest.get(row, -1):
            return sorted(writes, key=lambda each: place.get(id(each), -1))
        latest[row] = index
    return writes


def _failure_of(error: Exception) -> Failure:
    if isinstance(error, ReconcilerError):
        return Failure(error.code, error.message, error.where, error.hint)
    if isinstance(error, MemoryError):
        return Failure(MemoryExceeded.code, "the task needed more memory than it may have")
    log.error("a pipeline broke: %s", type(error).__name__, exc_info=error)
    hint = "this is a bug of the pipeline; the log says more"
    return Failure(Crashed.code, f"the pipeline broke: {type(error).__name__}", hint=hint)


def _last_model(trace: Iterable[StepTrace]) -> str:
    """The language model that answered last, in the order of the manifest."""
    model = ""
    for attempt in trace:
        model = attempt.model or model
    return model

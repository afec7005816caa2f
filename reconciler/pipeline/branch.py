"""What running steps share: the run, and the branches in which its steps follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from logging import DEBUG
from threading import Lock
from time import monotonic, sleep, time
from typing import Any

from reconciler.errors import Cancelled, RunError
from reconciler.pipeline.context import RunContext, never, untold
from reconciler.pipeline.steplog import log, log_attempt
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.task import StepStatus, StepTrace, Task, Write
from reconciler.tools.rows import TaskRows
from reconciler.tools.tool import Usage

Scope = dict[str, Any]
"""What expressions see, by name."""

Seen = dict[str, Any]
"""Results by step: what later steps will see of those that ran."""

MOST_THREADS = 64
ERROR_LENGTH = 500
"""Characters of an error that a trace keeps."""
_GLANCE = 0.05
"""Seconds between two looks at whether a task that waits has been cancelled."""


class Run:
    """One task on its way through a pipeline. `grants` are evaluated; `usage` adds up what each tool has used,
    `lent` has the tokens of each agent that ran as a step. `logs`: attempts that succeed are logged as well.
    `zero` is when the clock of deadlines stood at 0, in seconds since the epoch."""

    __slots__ = (
        "_pool",
        "_rows",
        "agent_type",
        "cancelled",
        "context",
        "grants",
        "lent",
        "logs",
        "task",
        "traced",
        "usage",
        "zero",
    )

    def __init__(
        self, task: Task, agent_type: AgentType, grants: Mapping[str, Grant], context: RunContext
    ) -> None:
        self.task, self.agent_type, self.grants, self.context = task, agent_type, grants, context
        self.cancelled = None if context.cancelled is never else context.cancelled
        self.traced = None if context.traced is untold else context.traced
        self.usage: dict[str, Usage] = {}
        self.lent: list[int] = []
        self.logs = log.isEnabledFor(DEBUG)
        self.zero = time() - monotonic()
        self._rows: TaskRows | None = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def rows(self) -> TaskRows:
        """The rows of the whole task; few tasks have none, but those should not pay for it."""
        if self._rows is None:
            task, context = self.task, self.context
            self._rows = TaskRows(context.host, self.agent_type, task.agent, task.id, context.rows)
        return self._rows

    @property
    def written(self) -> list[Write]:
        """All writes of the task in the order in which they were described."""
        return [] if self._rows is None else self._rows.writes

    @property
    def pool(self) -> ThreadPoolExecutor:
        """Made by the branch that first splits, before there is any other thread."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="step")
        return self._pool

    @property
    def split(self) -> bool:
        """Whether it has threads of its own."""
        return self._pool is not None

    @property
    def tokens(self) -> int:
        tokens = sum(self.lent)
        for usage in self.usage.values():
            tokens += usage.tokens
        return tokens

    def close(self, *, wait: bool) -> None:
        """Ends the threads; whether to wait for what still runs in them."""
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=True)


class Fork:
    """Branches side by side. `failed` is the first of them, in the order of the manifest, that has failed so far."""

    __slots__ = ("failed", "lock", "origin")

    def __init__(self, origin: Branch, count: int) -> None:
        self.origin = origin
        self.failed = count
        self.lock = Lock()

    def fail(self, index: int) -> None:
        with self.lock:
            self.failed = min(self.failed, index)


class Branch:
    """A line of steps, one after the other, in one thread. Its trace and writes are in the order of its steps."""

    __slots__ = ("_fork", "_index", "deadline", "run", "trace", "writes")

    def __init__(self, run: Run, deadline: float, fork: Fork | None = None, index: int = 0) -> None:
        self.run = run
        self.deadline = deadline
        self.trace: list[StepTrace] = []
        self.writes: list[Write] = []
        self._fork, self._index = fork, index

    def check(self, step: str) -> None:
        """Raises Cancelled where the task, or what came before in the order of the manifest, has ended this branch.
        `step` is the one that would go on now."""
        cancelled = self.run.cancelled
        if cancelled is not None and cancelled():
            raise Cancelled("the task was cancelled", where=step)
        fork, index = self._fork, self._index
        while fork is not None:
            if fork.failed < index:
                raise Cancelled("a step beside it has failed", where=step)
            origin = fork.origin
            fork, index = origin._fork, origin._index

    def wait(self, seconds: float, step: str) -> None:
        """Sleep, and wake up where the branch has come to its end. Raises Cancelled."""
        until = monotonic() + seconds
        self.check(step)
        while (left := until - monotonic()) > 0:
            sleep(min(left, _GLANCE))
            self.check(step)

    def ended(self, trace: StepTrace, began: float) -> None:
        """Keep the trace of an attempt that ended now; `began` is in seconds of `time.monotonic()`."""
        trace.duration = monotonic() - began
        self.trace.append(trace)
        run = self.run
        if run.traced is not None:
            run.traced(trace)
        if run.logs or trace.error_code:
            log_attempt(run.task, trace)

    def failed(self, trace: StepTrace, began: float, status: StepStatus, error: RunError) -> None:
        """The same of one that failed."""
        trace.status = status
        trace.error_code, trace.error = error.code, error.message[:ERROR_LENGTH]
        self.ended(trace, began)

    def skipped(self, step: str, call: str) -> None:
        """Keep that a step was not called at all."""
        began = monotonic()
        self.ended(StepTrace(step, call, 1, "skipped", self.run.zero + began, 0.0), began)

    def take_back(self, mark: int) -> None:
        """Forget the writes from position `mark` on: of a step that failed nothing stays."""
        if len(self.writes) > mark:
            self.run.rows.forget(self.writes[mark:])
            del self.writes[mark:]

    def join(self, other: Branch) -> None:
        self.trace += other.trace
        self.writes += other.writes

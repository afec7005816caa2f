"""Jobs: claimed tasks as an executor sees them, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from reconciler.execution.incidents import Incident
from reconciler.execution.wire import Bounds
from reconciler.spec.limits import Limits
from reconciler.spec.task import Blueprint, Task, TaskResult


@dataclass(frozen=True, slots=True)
class Job:
    """A task, what runs it and what it may use."""

    task: Task
    blueprint: Blueprint
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Done:
    """`seconds` is how long it ran, `said` the beginning of what it wrote to its standard output and error."""

    job: Job
    result: TaskResult
    seconds: float
    incident: Incident | None = None
    said: bytes = b""


class Answer(Protocol):
    """Answers what a job asks its host for, in the words of `PipeHost`. Raises ReconcilerError for the task to be
    told, Garbage for what no honest process asks."""

    def __call__(self, job: Job, method: str, arguments: list[Any]) -> Any: ...


class Executor(Protocol):
    """Runs jobs. Used from one thread."""

    @property
    def free(self) -> int:
        """How many more jobs it would begin at once, or soon."""

    @property
    def busy(self) -> int:
        """Jobs that were started and not yet given back."""

    def start(self, job: Job) -> None: ...

    def cancel(self, task_id: str) -> None:
        """Stop a task. It is given back as any other, with Cancelled unless it was done already."""

    def withdraw(self) -> list[Job]:
        """Jobs that were started and have not begun: nobody's from now on."""

    def poll(self, timeout: float) -> list[Done]:
        """Jobs that have ended, after so many seconds at most."""

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Have `ready` called within `poll` when there is something to read from a descriptor."""

    def unwatch(self, descriptor: int) -> None: ...

    def close(self) -> None: ...


def bounds_of(limits: Limits) -> Bounds:
    """The limits of a type, tightened by its agent; what neither says is ours to say."""
    usual = Bounds()
    timeout = limits.timeout or usual.timeout
    return Bounds(
        timeout,
        limits.cpu or timeout,
        limits.memory or usual.memory,
        limits.output_bytes or usual.output,
    )

"""How a child ended -> how its task failed."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import dataclass

from reconciler.errors import (
    Cancelled,
    CpuExceeded,
    Crashed,
    Denied,
    MemoryExceeded,
    OutputTooLarge,
    RunError,
    TimedOut,
)
from reconciler.execution.incidents import Incident, IncidentKind
from reconciler.execution.jobs import Done, Job
from reconciler.execution.wire import Bounds
from reconciler.spec.task import Failure, TaskResult


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a task whose process was ended, or ended by itself. Being cancelled is no incident."""

    failure: Failure
    incident: Incident | None


@dataclass(frozen=True, slots=True)
class Exit:
    """As the zygote tells it: `status` of `os.waitpid`, None if nobody knows; `cpu` in seconds, `memory` in bytes."""

    status: int | None = None
    cpu: float = 0.0
    memory: int = 0


def cancelled() -> Ending:
    return Ending(Failure(Cancelled.code, "the task was cancelled"), None)


def timed_out(bounds: Bounds) -> Ending:
    told = f"the task took longer than {bounds.timeout:g} s"
    return _ending(TimedOut, told, IncidentKind.TIMEOUT, "raise `limits.timeout`, or give its steps one")


def out_of_memory(bounds: Bounds) -> Ending:
    told = f"the task needed more than {math.ceil(bounds.memory / 2**20):,} MiB of memory"
    return _ending(MemoryExceeded, told, IncidentKind.MEMORY, "raise `limits.memory`, or do less at a time")


def out_of_cpu(bounds: Bounds) -> Ending:
    told = f"the task used more than {bounds.cpu:g} s of processor time"
    return _ending(CpuExceeded, told, IncidentKind.CPU, "raise `limits.cpu`, or do less in one task")


def flooded(size: int) -> Ending:
    told = f"the task wrote more than {size:,} bytes to its standard output"
    return _ending(OutputTooLarge, told, IncidentKind.OUTPUT, "return what is to be kept, print less")


def out_of_disk(size: int) -> Ending:
    told = f"the task wrote more than {size:,} bytes into its folder"
    return _ending(OutputTooLarge, told, IncidentKind.DISK, "have it keep less at a time")


def garbled(why: str) -> Ending:
    return _ending(Crashed, f"the task's process spoke out of turn: {why}", IncidentKind.PROTOCOL)


def went_silent() -> Ending:
    return _ending(Crashed, "the task's process closed its connection and went on", IncidentKind.PROTOCOL)


def refused(job: Job, failure: Failure) -> Done:
    """Of a task that was never begun, as a policy forbids what it would do."""
    return Done(job, TaskResult(failure=failure), 0.0, Incident(IncidentKind.DENIED, failure.message))


def died(found: Exit, bounds: Bounds, cpu_before: float | None) -> Ending:
    """Of a child that nobody here has ended. `cpu_before` is what it had used up when the task began, if anybody
    knows."""
    if found.status is None:
        return _ending(
            Crashed, "the task's process was lost with the one that watched it", IncidentKind.CRASH
        )
    if os.WIFSIGNALED(found.status):
        number = os.WTERMSIG(found.status)
        overrun = cpu_before is not None and found.cpu - cpu_before > bounds.cpu
        if number in (signal.SIGXCPU, signal.SIGPROF) or overrun:
            return out_of_cpu(bounds)
        # Libraries in C may fall over where Python raises MemoryError; what they had asked for last they never had.
        starved = number in _FALLS and found.memory > bounds.memory / 2
        hint = (
            "it had little memory left: raise `limits.memory`, or have it do less at a time"
            if starved
            else ""
        )
        told = f"the task's process was ended by {_signal_name(number)}"
        return _ending(Crashed, told, IncidentKind.CRASH, hint)
    status = os.waitstatus_to_exitcode(found.status)
    return _ending(Crashed, f"the task's process ended itself with status {status}", IncidentKind.CRASH)


def incident_of(result: TaskResult, spoiled: str = "") -> Incident | None:
    """Of a task that ended in order, as far as its process can tell: that had been brought to its limits, or was
    denied something, even where it went on without."""
    failure = result.failure
    kind = _CROSSED.get(spoiled) or (_TOLD.get(failure.code) if failure else None)
    if kind is not None:
        return Incident(
            kind, failure.message if failure else f"it went on after it was refused: {kind.value}"
        )
    denied = next((step for step in result.trace if step.error_code == Denied.code), None)
    return Incident(IncidentKind.DENIED, f"{denied.step}: {denied.error}") if denied is not None else None


_FALLS = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT})
_CROSSED = {kind.value: kind for kind in (IncidentKind.PROCESS, IncidentKind.FILES, IncidentKind.NETWORK)}
_TOLD = {
    MemoryExceeded.code: IncidentKind.MEMORY,
    CpuExceeded.code: IncidentKind.CPU,
    OutputTooLarge.code: IncidentKind.OUTPUT,
    Denied.code: IncidentKind.DENIED,
}


def _ending(error: type[RunError], told: str, kind: IncidentKind, hint: str = "") -> Ending:
    return Ending(Failure(error.code, told, hint=hint), Incident(kind, told))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

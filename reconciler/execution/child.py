"""A child: runs one task after the other in a process that has nothing to lose.

It starts as a fork of the zygote, confines itself, and then knows its socket, a temporary folder and what it was told
in the setup. Whatever it does wrong, its worker survives and says how the task ended.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import signal
import socket
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import (
    Cancelled,
    CpuExceeded,
    Crashed,
    Denied,
    MemoryExceeded,
    OutputTooLarge,
    ReconcilerError,
    Unavailable,
)
from reconciler.execution.incidents import IncidentKind
from reconciler.execution.pipe_host import Pipe, PipeHost
from reconciler.execution.sandbox import TaskLimits, confine, readable
from reconciler.execution.tripwires import WATCHED, Crossing, Tripwires, refused
from reconciler.execution.wire import (
    Bounds,
    Garbage,
    blueprint_key,
    frame,
    read_blueprint,
    read_bounds,
    read_task,
)
from reconciler.spec.task import Blueprint, Failure, StepTrace, Task, TaskResult

if TYPE_CHECKING:
    from reconciler.execution.program import Program


class _Stopped(BaseException):
    """A signal ended the task: the worker's wish, or the processor time is used up."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


_CANCELLED = Failure(Cancelled.code, "the worker stopped the task")
_CPU_USED_UP = Failure(CpuExceeded.code, "the task used up its processor time")


_BY_REFUSALS = frozenset({Crashed.code, Denied.code, Unavailable.code})
"""How code that was refused something fails, whatever it made of that."""


def live(program: Program, connection: socket.socket, folder: Path, permits: int) -> None:
    """A child's whole life."""
    limits = TaskLimits()
    confine(folder)
    _Child(program, connection, folder, permits, limits).work()


@dataclass(slots=True)
class _Run:
    """What is known of the task that runs now."""

    trace: list[StepTrace] = field(default_factory=list)
    crossing: Crossing | None = None


class _Child:
    def __init__(
        self, program: Program, connection: socket.socket, folder: Path, permits: int, limits: TaskLimits
    ) -> None:
        self._program, self._folder, self._limits = program, folder, limits
        self._permits = permits
        self._ahead: deque[tuple[int, str, Any, Any]] = deque()
        self._pipe = Pipe(connection, self._stop_if_asked)
        self._host = PipeHost(self._pipe)
        self._blueprints: dict[str, Blueprint] = {}
        self._run: _Run | None = None
        self._stop: Failure | None = None
        self._main = threading.get_ident()
        self._tripwires = Tripwires(str(folder), [*readable()], program.permitted)

    def work(self) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: self._asked_to_stop(_CANCELLED))
        for number in (signal.SIGPROF, signal.SIGXCPU):
            signal.signal(number, lambda *_: self._asked_to_stop(_CPU_USED_UP))
        sys.dont_write_bytecode = True  # beside modules nothing can be written
        sys.addaudithook(self._audit)
        waiting = select.poll()
        waiting.register(self._pipe, select.POLLIN)
        waiting.register(self._permits, select.POLLIN)
        spoiled = ""
        while not spoiled:
            if not self._ahead:
                message = self._pipe.next()
                if message is None:
                    return
                self._heed(message)
            elif self._permitted():
                self._heed_all()
                serial, key, task, bounds = self._ahead.popleft()
                spoiled = self._do(serial, self._blueprints[key], read_task(task), read_bounds(bounds))
            else:
                # The permit comes a moment after the task; or the task was dropped, which is about to be said.
                waiting.poll()
                self._heed_all()
                if self._pipe.ended:
                    return

    def _heed_all(self) -> None:
        for message in self._pipe.arrived():
            self._heed(message)

    def _permitted(self) -> bool:
        try:
            os.eventfd_read(self._permits)
        except BlockingIOError:
            return False
        return True

    def _heed(self, message: list[Any]) -> None:
        match message:
            case ["blueprint", blueprint]:
                known = read_blueprint(blueprint)
                self._blueprints[blueprint_key(known)] = known
            case ["task", int(serial), str(key), task, bounds]:
                self._ahead.append((serial, key, task, bounds))
            case ["dropped", list(serials)]:
                self._ahead = deque(waiting for waiting in self._ahead if waiting[0] not in serials)

    def _do(self, serial: int, blueprint: Blueprint, task: Task, bounds: Bounds) -> str:
        """Run one task and say how it ended. The reason why this process should run no other, or nothing."""
        self._limits.begin(bounds)
        self._program.network.forget_checked()
        run = self._run = _Run()
        try:
            result = self._result(blueprint, task, bounds, run)
        except _Stopped as stopped:
            result = TaskResult(failure=stopped.failure, trace=tuple(run.trace))
        except MemoryError:
            # Before anything else is allocated: what the task held is gone by now.
            result = TaskResult(failure=_out_of_memory(bounds), trace=tuple(run.trace))
        finally:
            self._run = None
            self._limits.end()
        if run.crossing is not None and _is_due_to(run.crossing, result):
            result = TaskResult(failure=_not_allowed(run.crossing), trace=result.trace)
        spoiled = self._spoiled(result, run)
        self._pipe.say(_encoded(serial, result, spoiled, bounds))
        return spoiled

    def _result(self, blueprint: Blueprint, task: Task, bounds: Bounds, run: _Run) -> TaskResult:
        deadline = time.monotonic() + bounds.timeout
        context = self._program.factory.context(
            self._host,
            self._program.llm,
            self._program.network,
            deadline,
            cancelled=lambda: self._stop is not None,
            traced=run.trace.append,
        )
        try:
            agent = self._program.factory.build(blueprint)
        except ReconcilerError as error:
            return TaskResult(failure=Failure(error.code, error.message, error.where, error.hint))
        return agent.run(task, context)

    def _asked_to_stop(self, failure: Failure) -> None:
        """In the main thread, between any two instructions of it."""
        if self._run is None:
            return
        self._stop = failure
        if self._pipe.owner != self._main:
            raise _Stopped(failure)

    def _stop_if_asked(self) -> None:
        if self._stop is not None and threading.get_ident() == self._main:
            raise _Stopped(self._stop)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        run = self._run
        if event not in WATCHED or run is None:
            return
        crossing = self._tripwires.crossing(event, arguments)
        if crossing is None:
            return
        if crossing.told and (run.crossing is None or crossing.kind is IncidentKind.PROCESS):
            run.crossing = crossing
        raise refused(crossing)

    def _spoiled(self, result: TaskResult, run: _Run) -> str:
        """Why the next task should have a process of its own; empty if this one is as good as new."""
        if run.crossing is not None:
            return run.crossing.kind.value
        if self._stop is not None:
            return "stopped"
        if result.failure is not None and result.failure.code == MemoryExceeded.code:
            return "memory"
        if threading.active_count() > 1:
            return "threads"
        try:
            for entry in self._folder.iterdir():
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        except OSError:
            return "files"
        return ""


def _encoded(serial: int, result: TaskResult, spoiled: str, bounds: Bounds) -> bytes:
    """The result as a frame; a failure instead where it has no JSON or more bytes than allowed."""
    try:
        data = frame(["result", serial, result, spoiled])
        # Only what is larger with trace and all has to be measured without them.
        size = len(frame([result.output, result.writes])) if len(data) > bounds.output else 0
        failure = _too_large(size, bounds) if size > bounds.output else None
    except Garbage as error:
        failure = Failure("crashed", f"the result cannot be told: {error}")
    except MemoryError:
        failure = _out_of_memory(bounds)
    if failure is None:
        return data
    return frame(["result", serial, TaskResult(failure=failure), spoiled])


def _too_large(size: int, bounds: Bounds) -> Failure:
    told = f"the result has {size:,} bytes, and {bounds.output:,} are allowed"
    return Failure(OutputTooLarge.code, told, hint="raise `limits.output_bytes`, or return less")


def _out_of_memory(bounds: Bounds) -> Failure:
    told = f"the task needed more than {math.ceil(bounds.memory / 2**20):,} MiB"
    return Failure(MemoryExceeded.code, told, hint="raise `limits.memory`, or have it handle less at a time")


def _not_allowed(crossing: Crossing) -> Failure:
    return Failure(Denied.code, crossing.told, hint="a task reaches outside by the tools that it is granted")


def _is_due_to(crossing: Crossing, result: TaskResult) -> bool:
    """Whether the task failed by what was refused, rather than by something that has a reason of its own."""
    if crossing.kind is IncidentKind.PROCESS:
        return True
    return result.failure is not None and result.failure.code in _BY_REFUSALS

"""Pool: jobs run in sandboxed children, each within its bounds, and every one of them comes to an end.

One thread and no database: it is given jobs, asks back what tasks ask their host for, and gives results. Nothing that
a child does makes it wait.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from reconciler.errors import Cancelled, InvalidInput, ReconcilerError
from reconciler.execution import endings
from reconciler.execution.brood import Brood
from reconciler.execution.child_handle import FLOOD, Assignment, ChildHandle
from reconciler.execution.endings import Ending, Exit
from reconciler.execution.incidents import Incident
from reconciler.execution.jobs import Answer, Done, Job
from reconciler.execution.sandbox import MAX_FOLDER
from reconciler.execution.usage import size_of, used_by
from reconciler.execution.wire import Garbage, read_result
from reconciler.execution.zygote import Setup
from reconciler.spec.task import Failure, TaskResult

DEFAULT_CHILDREN = 2
TASKS_PER_CHILD = 1000
"""A child that has ended so many is replaced: what leaks in foreign code does not add up for ever."""

GRACE = 0.25
"""Seconds by which a task may overrun its time: until then its own steps should have noticed."""
LAST_WORDS = 1.0
"""Seconds between being told to stop and being killed."""
WATCH = 0.5
"""Seconds between two looks at what running tasks use."""
AHEAD = 0.05
"""Seconds of work that are kept in store."""
MOST_AHEAD = 256
SENT_AHEAD = 0.004
"""Seconds of work that a child is sent beyond what it runs."""
MOST_SENT = 16
HELD_UP = 0.05
"""Seconds after which what a child was sent ahead is taken back for others: what it runs is not short after all."""
_WEIGHT = 0.1
"""Of the newest task in what is known of how long tasks take."""
_SHORTEST = 50e-6


class Pool:
    """The `Executor` of workers. A `Keeper` of its own brood."""

    def __init__(
        self,
        setup: Setup,
        answer: Answer,
        *,
        children: int = DEFAULT_CHILDREN,
        tasks_per_child: int = TASKS_PER_CHILD,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the zygote: to be made before a database is opened. Raises ZygoteFailed."""
        self._answer = answer
        self._size, self._tasks_per_child = children, tasks_per_child
        self._waiting: deque[Job] = deque()
        self._done: list[Done] = []
        self._serials = count(1)
        self._watch_at = 0.0
        self._pace = float("inf")
        """Seconds that a task takes, of late."""
        self._brood = Brood(setup, self, children, environment)
        self._brood.populate()

    # --- jobs

    @property
    def free(self) -> int:
        """Where tasks are short some are kept in store, and more are wanted once half of these are gone."""
        store = min(MOST_AHEAD, int(self._size * AHEAD / self._pace))
        running = sum(child.running is not None for child in self._brood)
        if running >= self._size and len(self._waiting) > store // 2:
            return 0
        return max(0, self._size + store - running - len(self._waiting))

    @property
    def busy(self) -> int:
        return sum(len(child.assigned) for child in self._brood) + len(self._waiting) + len(self._done)

    def start(self, job: Job) -> None:
        self._waiting.append(job)

    def cancel(self, task_id: str) -> None:
        for job in [job for job in self._waiting if job.task.id == task_id]:
            self._waiting.remove(job)
            self._done.append(Done(job, TaskResult(failure=endings.cancelled().failure), 0.0))
        for child in self._brood:
            for assignment in child.assigned:
                assignment.cancelled |= assignment.job.task.id == task_id

    def withdraw(self) -> list[Job]:
        withdrawn = [*self._waiting]
        self._waiting.clear()
        self._pace = float(
            "inf"
        )  # they waited for too long: nothing is kept in store until tasks are short again
        return withdrawn

    def poll(self, timeout: float) -> list[Done]:
        """At once if anything has ended; earlier than that, and empty-handed, if anything else happened."""
        self._assign()
        self._brood.listen(0.0 if self._done else self._patience(timeout))
        self._enforce()
        self._brood.populate()
        self._assign()
        done, self._done = self._done, []
        return done

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        self._brood.watch(descriptor, ready)

    def unwatch(self, descriptor: int) -> None:
        self._brood.unwatch(descriptor)

    def close(self) -> None:
        """Kills what still runs; what was not given back never ended."""
        self._brood.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- what children do

    def heard(self, child: ChildHandle, message: list[Any]) -> None:
        running = child.running
        match message:
            case ["call", int(call), str(method), list(arguments)] if running is not None:
                self._answer_call(child, running.job, call, method, arguments)
            case ["result", int(serial), result, str(spoiled)] if running and running.serial == serial:
                self._take_result(child, read_result(result), spoiled)
            case _:
                raise Garbage("a message that has no place here")

    def garbled(self, child: ChildHandle, why: str) -> None:
        self._stop(child, endings.garbled(why), signal.SIGKILL)

    def silent(self, child: ChildHandle) -> None:
        """An honest child is as good as dead by now, any other will be."""
        child.retiring = True
        child.kill_at = min(child.kill_at or float("inf"), time.monotonic() + GRACE)

    def printed(self, child: ChildHandle) -> None:
        if child.running is not None and child.running.written > FLOOD:
            self._brood.ignore_output(child)
            self._stop(child, endings.flooded(FLOOD), signal.SIGKILL)

    def gone(self, child: ChildHandle, found: Exit) -> None:
        running = child.running
        if running is not None:
            ending = child.ending or endings.died(found, running.job.bounds, running.cpu_before)
            self._end(child, ending)
        self._take_back(child)

    def _answer_call(
        self, child: ChildHandle, job: Job, call: int, method: str, arguments: list[Any]
    ) -> None:
        try:
            child.say(["answer", call, self._answer(job, method, arguments)])
        except ReconcilerError as error:
            failure = Failure(error.code, error.message, error.where, error.hint)
            child.say(["refusal", call, failure])
        self._brood.flush(child)

    def _take_result(self, child: ChildHandle, result: TaskResult, spoiled: str) -> None:
        child.done += 1
        failure = result.failure
        if child.ending is not None and failure is not None and failure.code == Cancelled.code:
            # Why it was stopped, it cannot know.
            child.partial = result
            self._end(child, child.ending)
        else:
            incident = endings.incident_of(result, spoiled)
            self._give(child.assigned.popleft(), result, incident)
        if spoiled:
            self._take_back(child)
        elif child.done >= self._tasks_per_child:
            child.retiring = True
            self._waiting.extendleft(reversed(child.take_back()))
        if (spoiled or child.retiring) and not child.assigned:
            child.dismiss()
            child.kill_at = child.kill_at or time.monotonic() + LAST_WORDS
        child.begin()

    def _end(self, child: ChildHandle, ending: Ending) -> None:
        """The first of a child's tasks ended other than by a result of its own."""
        trace = child.partial.trace if child.partial else ()
        self._give(child.assigned.popleft(), TaskResult(failure=ending.failure, trace=trace), ending.incident)

    def _give(self, assignment: Assignment, result: TaskResult, incident: Incident | None) -> None:
        seconds = time.monotonic() - (assignment.began or time.monotonic())
        known = self._pace if self._pace < float("inf") else seconds
        self._pace = max(_SHORTEST, known + (seconds - known) * _WEIGHT)
        self._done.append(Done(assignment.job, result, seconds, incident, bytes(assignment.said)))

    def _take_back(self, child: ChildHandle) -> None:
        """It begins nothing more; what it had not begun is for others."""
        self._waiting.extendleft(assignment.job for assignment in reversed(child.assigned))
        child.assigned.clear()

    # --- assigning and enforcing

    def _assign(self) -> None:
        if not self._waiting:
            return
        usable = [child for child in self._brood if not child.retiring and child.ending is None]
        # One for each first, then what short tasks allow to be sent ahead.
        depth = min(MOST_SENT, 1 + int(SENT_AHEAD / self._pace))
        for deep in (1, depth):
            for child in usable:
                while self._waiting and len(child.assigned) < deep and not child.unsent:
                    self._assign_to(child, self._waiting.popleft())
        for child in usable:
            child.flush()
            self._brood.flush(child)

    def _assign_to(self, child: ChildHandle, job: Job) -> None:
        try:
            child.assign(Assignment(next(self._serials), job))
        except Garbage as error:
            told = Failure(InvalidInput.code, f"the task cannot be told to its process: {error}")
            self._done.append(Done(job, TaskResult(failure=told), 0.0))

    def _stop(self, child: ChildHandle, ending: Ending, which: signal.Signals) -> None:
        """The first reason counts."""
        child.ending = child.ending or ending
        child.dismiss()
        self._brood.signal(child, which)
        child.kill_at = min(child.kill_at or float("inf"), time.monotonic() + LAST_WORDS)

    def _enforce(self) -> None:
        now = time.monotonic()
        watching, self._watch_at = now >= self._watch_at, min(self._watch_at, now + WATCH)
        if watching:
            self._watch_at = now + WATCH
        for child in self._brood:
            if child.kill_at is not None and now >= child.kill_at:
                if child.running is not None and child.ending is None:
                    child.ending = endings.went_silent()
                self._brood.signal(child, signal.SIGKILL)
                child.kill_at = now + LAST_WORDS
            elif child.running is not None and child.ending is None:
                self._hold_to_bounds(child, child.running, now, watching)

    def _hold_to_bounds(self, child: ChildHandle, running: Assignment, now: float, watching: bool) -> None:
        assert running.began is not None, "the first of a child's tasks has begun"
        bounds = running.job.bounds
        if len(child.assigned) > 1 and (running.cancelled or now >= running.began + HELD_UP):
            self._waiting.extendleft(reversed(child.take_back()))
            if len(child.assigned) > 1:  # it has gone on meanwhile, as will be heard
                return
        if running.cancelled:
            self._stop(child, endings.cancelled(), signal.SIGTERM)
        elif now >= running.began + bounds.timeout + GRACE:
            self._stop(child, endings.timed_out(bounds), signal.SIGTERM)
        elif watching and child.pid and (used := used_by(child.pid)):
            if used.memory > bounds.memory:
                self._stop(child, endings.out_of_memory(bounds), signal.SIGKILL)
                return
            if running.cpu_before is None:
                running.cpu_before = used.cpu
            elif used.cpu - running.cpu_before > bounds.cpu + WATCH:
                self._stop(child, endings.out_of_cpu(bounds), signal.SIGKILL)
            elif size_of(child.folder, MAX_FOLDER) > MAX_FOLDER:
                self._stop(child, endings.out_of_disk(MAX_FOLDER), signal.SIGKILL)

    def _patience(self, timeout: float) -> float:
        """Seconds until something has to be looked after, though nobody says anything."""
        now = time.monotonic()
        wanted = now + timeout
        if self._brood.fork_after > now:
            wanted = min(wanted, self._brood.fork_after)
        for child in self._brood:
            if child.kill_at is not None:
                wanted = min(wanted, child.kill_at)
            elif child.running is not None and child.running.began is not None:
                ends = child.running.began + child.running.job.bounds.timeout + GRACE
                held_up = child.running.began + HELD_UP if len(child.assigned) > 1 else ends
                wanted = min(wanted, ends, held_up, self._watch_at)
        return max(0.0, wanted - now)

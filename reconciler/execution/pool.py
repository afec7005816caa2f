"""Pool: jobs run in sandboxed children, each within its bounds, and every one of them comes to an end.

One thread and no database: it is given jobs, asks back what tasks ask their host for, and gives results. Nothing that
a child does makes it wait.
"""

from __future__ import annotations

import selectors
import shutil
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from reconciler.errors import Cancelled, ReconcilerError
from reconciler.execution import endings
from reconciler.execution.child_handle import FLOOD, Assignment, ChildHandle
from reconciler.execution.endings import Ending, Exit
from reconciler.execution.incidents import Incident
from reconciler.execution.jobs import Answer, Done, Job
from reconciler.execution.nursery import Ended, Nursery, ZygoteFailed
from reconciler.execution.usage import used_by
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
SHORTEST = 50e-6
_WEIGHT = 0.1
"""Of the newest task in what is known of how long tasks take."""
_BACKOFF = 0.2
_LONGEST_BACKOFF = 10.0
"""Seconds until another child is made, after some have died before they did anything."""


class Pool:
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
        self._setup, self._environment = setup, environment
        self._answer = answer
        self._wanted, self._tasks_per_child = children, tasks_per_child
        self._folder = Path(tempfile.mkdtemp(prefix="reconciler-"))
        self._selector = selectors.DefaultSelector()
        self._nursery = self._open_nursery()
        self._children: dict[int, ChildHandle] = {}
        self._waiting: deque[Job] = deque()
        self._done: list[Done] = []
        self._numbers, self._serials = count(1), count(1)
        self._still_born = 0
        self._fork_after = 0.0
        self._watch_at = 0.0
        self._pace = float("inf")
        """Seconds that a task takes, of late."""
        self._populate()

    # --- jobs

    @property
    def free(self) -> int:
        """How many more jobs would be begun at once, or soon: where tasks are short, some are kept in store, so that
        nobody has to be asked for each."""
        store = min(MOST_AHEAD, int(self._wanted * AHEAD / self._pace))
        running = sum(child.running is not None for child in self._children.values())
        return max(0, self._wanted + store - running - len(self._waiting))

    @property
    def busy(self) -> int:
        """Jobs that were started and have not been given back by `poll`."""
        assigned = sum(len(child.assigned) for child in self._children.values())
        return assigned + len(self._waiting) + len(self._done)

    def start(self, job: Job) -> None:
        self._waiting.append(job)
        self._assign()

    def cancel(self, task_id: str) -> None:
        """Stop a task, wherever it is. It ends as any other, with Cancelled unless it was done already."""
        for job in [job for job in self._waiting if job.task.id == task_id]:
            self._waiting.remove(job)
            self._done.append(Done(job, TaskResult(failure=endings.cancelled().failure), 0.0))
        for child in self._children.values():
            for assignment in child.assigned:
                assignment.cancelled |= assignment.job.task.id == task_id

    def withdraw(self) -> list[Job]:
        """The jobs that no child has been given; they are nobody's from now on."""
        withdrawn = [*self._waiting]
        self._waiting.clear()
        self._pace = float(
            "inf"
        )  # they waited for too long: nothing is kept in store until tasks are short again
        return withdrawn

    def poll(self, timeout: float) -> list[Done]:
        """What has ended; after `timeout` seconds at most, at once if there is anything."""
        self._assign()
        for key, _ in self._selector.select(0.0 if self._done else self._patience(timeout)):
            key.data()
        self._enforce()
        self._populate()
        self._assign()
        done, self._done = self._done, []
        return done

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Have `ready` called by `poll` when there is something to read from another descriptor."""
        self._selector.register(descriptor, selectors.EVENT_READ, ready)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def close(self) -> None:
        """Kills what still runs; what was not given back never ended."""
        self._nursery.close()
        for child in self._children.values():
            child.close()
        self._children.clear()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- children

    def _open_nursery(self) -> Nursery:
        nursery = Nursery(self._setup, self._environment)
        self._selector.register(nursery.fileno(), selectors.EVENT_READ, self._hear_zygote)
        return nursery

    def _populate(self) -> None:
        """As many children as are wanted, besides those that are on their way out."""
        if time.monotonic() < self._fork_after:
            return
        usable = sum(not child.retiring and child.ending is None for child in self._children.values())
        for _ in range(self._wanted - usable):
            number = next(self._numbers)
            folder = self._folder / str(number)
            folder.mkdir(mode=0o700)
            try:
                connection, output = self._nursery.fork(number, folder)
            except ZygoteFailed:
                self._replace_zygote()
                return
            child = self._children[number] = ChildHandle(number, connection, output, folder)
            self._selector.register(connection, selectors.EVENT_READ, lambda child=child: self._hear(child))
            self._selector.register(output, selectors.EVENT_READ, lambda child=child: self._read(child))

    def _hear_zygote(self) -> None:
        for news in self._nursery.news():
            if isinstance(news, Ended):
                child = self._children.get(news.number)
                if child is not None:
                    self._hear(child)  # what it said before it ended
                    self._bury(child, news.exit)
            else:
                number, pid = news
                if number in self._children:
                    self._children[number].pid = pid
        if self._nursery.lost:
            self._replace_zygote()

    def _replace_zygote(self) -> None:
        self._selector.unregister(self._nursery)
        self._nursery.close()
        for child in [*self._children.values()]:
            self._hear(child)
            self._bury(child, Exit())
        self._nursery = self._open_nursery()

    def _bury(self, child: ChildHandle, found: Exit) -> None:
        """Its process has ended: so has what it ran, and what it had not begun is for others."""
        del self._children[child.number]
        with suppress(KeyError):
            self._selector.unregister(child.connection)
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.output)
        running = child.running
        if running is not None:
            ending = child.ending or endings.died(found, running.job.bounds, running.cpu_before)
            self._end(child, ending.failure, ending.incident)
            self._still_born = 0
        elif not child.done and child.ending is None:
            self._still_born += 1
            self._fork_after = time.monotonic() + min(_LONGEST_BACKOFF, _BACKOFF * 2**self._still_born)
        self._waiting.extendleft(assignment.job for assignment in reversed(child.assigned))
        child.close()
        shutil.rmtree(child.folder, ignore_errors=True)

    def _end(self, child: ChildHandle, failure: Failure, incident: Incident | None) -> None:
        """The first of a child's tasks ended other than by a result of its own."""
        assignment = child.assigned.popleft()
        trace = child.partial.trace if child.partial else ()
        self._give(assignment, TaskResult(failure=failure, trace=trace), incident)

    def _give(self, assignment: Assignment, result: TaskResult, incident: Incident | None) -> None:
        seconds = time.monotonic() - (assignment.began or time.monotonic())
        known = self._pace if self._pace < float("inf") else seconds
        self._pace = max(SHORTEST, known + (seconds - known) * _WEIGHT)
        self._done.append(Done(assignment.job, result, seconds, incident, bytes(assignment.said)))

    # --- what children say

    def _hear(self, child: ChildHandle) -> None:
        if child.number not in self._children:  # buried since the selector looked
            return
        try:
            for message in child.messages():
                if message is None:
                    self._gone_silent(child)
                else:
                    self._obey(child, message)
        except Garbage as error:
            with suppress(KeyError):
                self._selector.unregister(child.connection)
            self._stop(child, endings.garbled(str(error)), signal.SIGKILL)

    def _gone_silent(self, child: ChildHandle) -> None:
        """The end of its socket: an honest child is as good as dead by now, any other will be."""
        with suppress(KeyError):
            self._selector.unregister(child.connection)
        child.retiring = True
        child.kill_at = min(child.kill_at or float("inf"), time.monotonic() + GRACE)

    def _obey(self, child: ChildHandle, message: list[Any]) -> None:
        running = child.running
        match message:
            case ["call", int(call), str(method), list(arguments)] if running is not None:
                self._answer_call(child, running.job, call, method, arguments)
            case ["result", int(serial), result, str(spoiled)] if running and running.serial == serial:
                self._take_result(child, read_result(result), spoiled)
            case _:
                raise Garbage("a message that has no place here")

    def _answer_call(
        self, child: ChildHandle, job: Job, call: int, method: str, arguments: list[Any]
    ) -> None:
        try:
            child.say(["answer", call, self._answer(job, method, arguments)])
        except ReconcilerError as error:
            failure = Failure(error.code, error.message, error.where, error.hint)
            child.say(["refusal", call, failure])
        self._await_writing(child)

    def _take_result(self, child: ChildHandle, result: TaskResult, spoiled: str) -> None:
        if spoiled or child.done + 1 >= self._tasks_per_child:
            child.dismiss()
        failure = result.failure
        if child.ending is not None and failure is not None and failure.code == Cancelled.code:
            # Why it was stopped, it cannot know.
            child.partial = result
            self._end(child, child.ending.failure, child.ending.incident)
        else:
            incident = endings.incident_of(failure, spoiled) if failure else None
            self._give(child.assigned.popleft(), result, incident)
        child.done += 1
        if child.retiring:
            child.kill_at = child.kill_at or time.monotonic() + LAST_WORDS
            self._waiting.extendleft(assignment.job for assignment in reversed(child.assigned))
            child.assigned.clear()
        child.begin()

    def _read(self, child: ChildHandle) -> None:
        if child.number not in self._children:
            return
        if not child.printed():
            self._selector.unregister(child.output)
        elif child.running is not None and child.running.written > FLOOD:
            self._selector.unregister(child.output)
            self._stop(child, endings.flooded(FLOOD), signal.SIGKILL)

    # --- assigning and enforcing

    def _assign(self) -> None:
        while self._waiting:
            idle = [c for c in self._children.values() if not c.assigned and not c.retiring and not c.ending]
            if not idle:
                return
            job = self._waiting.popleft()
            child = min(idle, key=lambda child: child.number)
            try:
                child.assign(Assignment(next(self._serials), job))
            except Garbage as error:
                told = Failure("invalid_input", f"the task cannot be told to its process: {error}")
                self._done.append(Done(job, TaskResult(failure=told), 0.0))
            self._await_writing(child)

    def _await_writing(self, child: ChildHandle) -> None:
        """Listen for when more can be sent, as long as there is something left to send."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if child.unsent else 0)
        with suppress(KeyError, ValueError):
            self._selector.modify(child.connection, events, lambda: self._serve(child))

    def _serve(self, child: ChildHandle) -> None:
        if child.number not in self._children:
            return
        child.flush()
        self._await_writing(child)
        self._hear(child)

    def _stop(self, child: ChildHandle, ending: Ending, which: signal.Signals) -> None:
        if child.ending is None:
            child.ending = ending
        child.dismiss()
        self._nursery.signal(child.number, which)
        child.kill_at = min(child.kill_at or float("inf"), time.monotonic() + LAST_WORDS)

    def _enforce(self) -> None:
        now = time.monotonic()
        watching, self._watch_at = now >= self._watch_at, min(self._watch_at, now + WATCH)
        if watching:
            self._watch_at = now + WATCH
        for child in [*self._children.values()]:
            if child.kill_at is not None and now >= child.kill_at:
                if child.running is not None and child.ending is None:
                    child.ending = endings.went_silent()
                self._nursery.signal(child.number, signal.SIGKILL)
                child.kill_at = now + LAST_WORDS
            elif child.running is not None and child.ending is None:
                self._hold_to_bounds(child, child.running, now, watching)

    def _hold_to_bounds(self, child: ChildHandle, running: Assignment, now: float, watching: bool) -> None:
        assert running.began is not None, "the first of a child's tasks has begun"
        bounds = running.job.bounds
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

    def _patience(self, timeout: float) -> float:
        """Seconds until something has to be looked after, though nobody says anything."""
        now = time.monotonic()
        wanted = now + timeout
        if self._fork_after > now:
            wanted = min(wanted, self._fork_after)
        for child in self._children.values():
            if child.kill_at is not None:
                wanted = min(wanted, child.kill_at)
            elif child.running is not None and child.running.began is not None:
                ends = child.running.began + child.running.job.bounds.timeout + GRACE
                wanted = min(wanted, ends, self._watch_at)
        return max(0.0, wanted - now)

"""Work side by side whose results, writes, trace and error are those it would have one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from reconciler.pipeline.branch import Branch, Fork

Job = Callable[[Branch], Any]


def side_by_side(origin: Branch, jobs: Sequence[Job], width: int, deadline: float) -> list[Any]:
    """The results of the jobs, at most `width` of which run at a time, each in a branch of its own.

    The first error in the order of the jobs is raised, once all jobs before it have ended; jobs behind it are not
    begun, or end at their next check. The calling thread works as well, so that work within work needs no free thread.
    """
    fork = Fork(origin, len(jobs))
    team = _Team(fork, [Branch(origin.run, deadline, fork, index) for index in range(len(jobs))], jobs)
    helpers = [origin.run.pool.submit(team.work) for _ in range(min(width, len(jobs)) - 1)]
    try:
        team.work()
    except BaseException:
        fork.fail(-1)  # a signal: whatever stops this thread stops the others
        raise
    for helper in helpers:
        if not helper.cancel():  # it has begun
            helper.exception()
    for branch in team.branches:
        origin.join(branch)
    if fork.failed < len(jobs):
        raise team.errors[fork.failed]
    return team.results


class _Team:
    """Threads that take one job after the other until none is left."""

    def __init__(self, fork: Fork, branches: list[Branch], jobs: Sequence[Job]) -> None:
        self._fork, self._jobs = fork, jobs
        self.branches = branches
        self.results: list[Any] = [None] * len(jobs)
        self.errors: dict[int, Exception] = {}
        self._next = 0
        self._taking = Lock()

    def work(self) -> None:
        while (index := self._take()) is not None:
            try:
                self.results[index] = self._jobs[index](self.branches[index])
            except Exception as error:
                self.errors[index] = error
                self._fork.fail(index)

    def _take(self) -> int | None:
        with self._taking:
            index = self._next
            self._next += 1
        return index if index < self._fork.failed else None

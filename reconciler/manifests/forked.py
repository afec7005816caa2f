"""Spreading pure work over forked processes: nothing is imported twice, nothing is sent but the results."""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")

MAX_PROCESSES = 4
WORTH_FORKING = 500
"""With fewer items the processes cost more than they save."""


def spread(
    work: Callable[[Sequence[Item]], Any], items: Sequence[Item], *, worth: int = WORTH_FORKING
) -> list[Any]:
    """`work` over all items, cut into as many parts as there are processors: the results, one for each part.

    A part takes every n-th item. `work` must have no effects, and return what `marshal` can write (tuples,
    lists, dicts, texts, bytes, numbers). This process does the first part itself, and any part whose
    process died.
    """
    count = _processes() if len(items) > worth else 1
    parts = [items[start::count] for start in range(count)]
    children = [_Child(work, part) for part in parts[1:]]
    try:
        results = [work(parts[0])]
        for child, part in zip(children, parts[1:], strict=True):
            results.append(answer[0] if (answer := child.answer()) else work(part))
    finally:
        for child in children:
            child.end()
    return results


def _processes() -> int:
    """How many may run: only one where forking is not safe, as another thread might hold a lock."""
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES) if _threads() == 1 else 1


def _threads() -> int:
    """Threads of this process, those of C libraries included; 0 where that cannot be told."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0


class _Child:
    """A forked process that does one part and writes its result into a pipe."""

    def __init__(self, work: Callable[[Sequence[Item]], Any], part: Sequence[Item]) -> None:
        self._reading, writing = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:  # too many processes: the part is done by the parent
            self._pid = -1
        if self._pid == 0:
            _run(work, part, writing)
        os.close(writing)

    def answer(self) -> tuple[Any] | None:
        """The result, or None if the process failed."""
        with os.fdopen(self._reading, "rb") as pipe:
            self._reading = -1
            written = pipe.read()
        if self._pid < 0:
            return None
        _, status = os.waitpid(self._pid, 0)
        self._pid = -1
        return (marshal.loads(written),) if status == 0 else None

    def end(self) -> None:
        if self._reading >= 0:
            os.close(self._reading)
        if self._pid > 0:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def _run(work: Callable[[Sequence[Item]], Any], part: Sequence[Item], writing: int) -> None:
    """The child's whole life. It leaves without the parent's exit handlers and buffered output."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            marshal.dump(work(part), pipe)
        status = 0
    finally:
        os._exit(status)

"""Work spread over forked processes that stay: nothing is imported twice, and only answers travel."""

from __future__ import annotations

import atexit
import contextlib
import marshal
import os
import signal
import struct
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

Item = TypeVar("Item")
Work = Callable[[Sequence[Item]], Generator[Any, Any, None]]
"""Yields what it has to say of its items, is sent a question, yields the answer, and so on."""

MAX_PROCESSES = 4
WORTH_FORKING = 500
"""With fewer items the processes cost more than they save."""

_LENGTH = struct.Struct("<Q")


class Crew(Generic[Item]):
    """As many processes as there are processors, each with every n-th item; this one has the first part.

    `work` must have no effects outside its process; what it is asked and answers must be what `marshal` can
    write (tuples, lists, dicts, texts, bytes, numbers). A part whose process died is done here all over.
    """

    def __init__(self, work: Work[Item], items: Sequence[Item], *, worth: int = WORTH_FORKING) -> None:
        count = _processes() if len(items) > worth else 1
        self._parts = [items[start::count] for start in range(count)]
        self._work = work
        self._asked: list[Sequence[Any]] = []
        self._children: dict[int, _Child] = {}
        for number in range(1, count):
            self._children[number] = _Child(work, self._parts[number], self._children.values())
        self._here = {0: work(self._parts[0])}

    @property
    def size(self) -> int:
        return len(self._parts)

    def begin(self) -> list[Any]:
        """What each part says first."""
        return self._round([None] * len(self._parts))

    def ask(self, questions: Sequence[Any]) -> list[Any]:
        """The answer of each part to a question of its own."""
        for number, child in self._children.items():
            child.tell(questions[number])
        return self._round(questions)

    def dismiss(self) -> None:
        for child in self._children.values():
            child.end()
        self._children = {}

    def _round(self, questions: Sequence[Any]) -> list[Any]:
        self._asked.append(questions)
        answers = {number: work.send(questions[number]) for number, work in self._here.items()}
        for number, child in [*self._children.items()]:
            heard = child.answer()
            answers[number] = heard[0] if heard else self._take_over(number)
        return [answers[number] for number in range(len(self._parts))]

    def _take_over(self, number: int) -> Any:
        """Does a part here up to the last question; its answer."""
        self._children.pop(number).end()
        work = self._here[number] = self._work(self._parts[number])
        return [work.send(questions[number]) for questions in self._asked][-1]


def aside(work: Callable[[], object]) -> Callable[[], None]:
    """Does a work that leaves nothing but files in a process of its own; here where forking is not safe.

    Returns what waits for its end. The end of this process waits, too.
    """
    pid = -1
    if _processes() > 1:
        with contextlib.suppress(OSError):
            pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    if pid < 0:
        work()

    def wait() -> None:
        nonlocal pid
        if pid > 0:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
            pid = -1
        atexit.unregister(wait)

    atexit.register(wait)
    return wait


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
    """A forked process that does one part, with a pipe to it and one from it. `elders` were forked before."""

    def __init__(self, work: Work[Item], part: Sequence[Item], elders: Iterable[_Child]) -> None:
        hears, tells = os.pipe()
        reads, says = os.pipe()
        try:
            self._pid = os.fork()
        except OSError:  # too many processes: the part is done by the parent
            self._pid = -1
        if self._pid == 0:
            # A process waits until nobody is left who could ask it.
            for descriptor in (tells, reads, *(end for elder in elders for end in elder.ends)):
                os.close(descriptor)
            _run(work, part, hears, says)
        os.close(hears)
        os.close(says)
        self._tells, self._reads = os.fdopen(tells, "wb"), os.fdopen(reads, "rb")

    @property
    def ends(self) -> tuple[int, int]:
        return self._tells.fileno(), self._reads.fileno()

    def tell(self, question: Any) -> None:
        with contextlib.suppress(OSError):  # it has died: there will be no answer either
            _write(self._tells, question)

    def answer(self) -> tuple[Any] | None:
        """The answer, or None if the process failed."""
        return _read(self._reads) if self._pid > 0 else None

    def end(self) -> None:
        for pipe in (self._tells, self._reads):
            with contextlib.suppress(OSError):
                pipe.close()
        if self._pid > 0:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def _write(pipe: BinaryIO, said: Any) -> None:
    written = marshal.dumps(said)
    pipe.write(_LENGTH.pack(len(written)))
    pipe.write(written)
    pipe.flush()


def _read(pipe: BinaryIO) -> tuple[Any] | None:
    """What was said; None if the other side went away before it was."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    written = pipe.read(length)
    return (marshal.loads(written),) if len(written) == length else None


def _run(work: Work[Item], part: Sequence[Item], hears: int, says: int) -> None:
    """The child's whole life. It leaves without the parent's exit handlers and buffered output."""
    status = 1
    try:
        with os.fdopen(hears, "rb") as questions, os.fdopen(says, "wb") as answers:
            working = work(part)
            heard: tuple[Any] | None = (None,)
            while heard is not None:
                _write(answers, working.send(heard[0]))
                heard = _read(questions)
        status = 0
    finally:
        os._exit(status)

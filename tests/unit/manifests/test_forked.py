"""Work spread over processes gives what one process gives, question by question."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.manifests import forked
from reconciler.manifests.forked import Crew

Working = Generator[Any, Any, None]


@contextmanager
def crew(
    work: Callable[[Sequence[int]], Working], items: Sequence[int], *, worth: int = 10
) -> Iterator[Crew[int]]:
    made = Crew(work, items, worth=worth)
    try:
        yield made
    finally:
        made.dismiss()


def children() -> set[str]:
    """Process ids of this process's children, ended ones that nobody waited for included."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    # Whatever runs the tests may have threads of its own; none of them holds a lock that the work here takes.
    monkeypatch.setattr(forked, "_threads", lambda: 1)


def with_process(part: Sequence[int]) -> Working:
    yield [(os.getpid(), item) for item in part]


def remembering(part: Sequence[int]) -> Working:
    """Says the sum of its items, then adds what it is told."""
    total = sum(part)
    while True:
        total += yield total


def processes(items: Sequence[int]) -> set[int]:
    with crew(with_process, items) as made:
        return {pid for part in made.begin() for pid, _ in part}


@pytest.mark.usefixtures("two_processors")
class TestCrew:
    def test_every_item_is_worked_on_once(self) -> None:
        items = list(range(1001))
        with crew(with_process, items) as made:
            assert sorted(item for part in made.begin() for _, item in part) == items

    def test_many_items_take_several_processes_and_few_take_one(self) -> None:
        assert len(processes(range(11))) == 2
        assert processes(range(10)) == {os.getpid()}

    def test_no_items_are_no_work(self) -> None:
        with crew(with_process, []) as made:
            assert made.begin() == [[]]

    def test_each_process_answers_its_own_questions_and_remembers(self) -> None:
        with crew(remembering, range(11)) as made:
            assert made.begin() == [30, 25]
            assert made.ask([1, 2]) == [31, 27]
            assert made.ask([10, 20]) == [41, 47]

    def test_answers_larger_than_a_pipe_arrive(self) -> None:
        def work(part: Sequence[int]) -> Working:
            yield ["x" * 10_000 for _ in part]

        with crew(work, range(1000)) as made:
            assert sum(len(text) for part in made.begin() for text in part) == 10_000_000

    def test_questions_larger_than_a_pipe_arrive(self) -> None:
        def work(part: Sequence[int]) -> Working:
            heard = yield ""
            yield len(heard)

        with crew(work, range(1000)) as made:
            made.begin()
            assert made.ask(["x" * 5_000_000] * 2) == [5_000_000] * 2

    @pytest.mark.parametrize("dies_after", [0, 1, 2])
    def test_the_part_of_a_process_that_dies_is_done_here(self, dies_after: int) -> None:
        parent = os.getpid()

        def work(part: Sequence[int]) -> Working:
            working, question = remembering(part), None
            for answered in range(9):
                if answered == dies_after and os.getpid() != parent:
                    os.kill(os.getpid(), 9)
                question = yield working.send(question)

        with crew(work, range(11)) as made:
            assert [made.begin(), made.ask([1, 2]), made.ask([10, 20])] == [[30, 25], [31, 27], [41, 47]]

    def test_the_part_of_a_process_that_cannot_be_started_is_done_here(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> int:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(os, "fork", refuse)
        assert processes(range(1000)) == {os.getpid()}

    def test_an_error_is_raised_here_and_leaves_no_process_behind(self) -> None:
        def work(part: Sequence[int]) -> Working:
            yield 1 // (part[0] - 1)

        before = children()
        with crew(work, range(1000)) as made, pytest.raises(ZeroDivisionError):
            made.begin()
        assert children() <= before

    def test_processes_end_with_the_one_that_could_ask_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
        reading, writing = os.pipe()
        asking = os.fork()
        if asking == 0:
            Crew(with_process, range(1000)).begin()
            os.kill(os.getpid(), signal.SIGKILL)
        os.close(writing)
        os.waitpid(asking, 0)
        readable, _, _ = select.select([reading], [], [], 10)
        assert readable  # the end of the pipe: nobody is left who has its other end
        assert os.read(reading, 1) == b""
        os.close(reading)

    def test_beside_another_thread_nothing_is_forked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()  # here the threads are what counts
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        try:
            assert processes(range(1000)) == {os.getpid()}
        finally:
            done.set()
            thread.join()

"""Work spread over processes gives what one process gives."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

import pytest

from reconciler.manifests import forked
from reconciler.manifests.forked import spread


def spread_all(work: Callable[[Sequence[int]], list[int]], items: Sequence[int]) -> list[int]:
    return sorted(number for part in spread(work, items) for number in part)


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    # Whatever runs the tests may have threads of its own; none of them holds a lock that the work here takes.
    monkeypatch.setattr(forked, "_threads", lambda: 1)


def with_process(part: Sequence[int]) -> list[tuple[int, int]]:
    return [(os.getpid(), item) for item in part]


@pytest.mark.usefixtures("two_processors")
class TestSpread:
    def test_every_item_is_worked_on_once(self) -> None:
        items = list(range(1001))
        assert spread_all(lambda part: [item * 2 for item in part], items) == [item * 2 for item in items]

    def test_many_items_take_several_processes_and_few_take_one(self) -> None:
        def processes(count: int) -> int:
            return len({pid for part in spread(with_process, range(count), worth=10) for pid, _ in part})

        assert processes(11) == 2
        assert processes(10) == 1

    def test_results_larger_than_a_pipe_arrive(self) -> None:
        texts = spread(lambda part: ["x" * 10_000 for _ in part], range(1000))
        assert sum(len(text) for part in texts for text in part) == 10_000_000

    def test_the_part_of_a_process_that_dies_is_done_here(self) -> None:
        parent = os.getpid()

        def work(part: Sequence[int]) -> list[int]:
            if os.getpid() != parent:
                os.kill(os.getpid(), 9)
            return list(part)

        assert spread_all(work, range(1000)) == list(range(1000))

    def test_the_part_of_a_process_that_cannot_be_started_is_done_here(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse() -> int:
            raise BlockingIOError(11, "Resource temporarily unavailable")

        monkeypatch.setattr(os, "fork", refuse)
        assert spread_all(list, range(1000)) == list(range(1000))

    def test_an_error_is_raised_here_and_leaves_no_process_behind(self) -> None:
        def work(part: Sequence[int]) -> list[int]:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            spread(work, range(1000))
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_beside_another_thread_nothing_is_forked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()  # here the threads are what counts
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        try:
            assert {pid for part in spread(with_process, range(1000)) for pid, _ in part} == {os.getpid()}
        finally:
            done.set()
            thread.join()


def test_no_items_are_no_work() -> None:
    assert spread_all(list, []) == []

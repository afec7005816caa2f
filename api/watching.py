"""Tasks followed live: one question to the database for all of them, however many listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

import anyio.to_thread

from reconciler.database import tasks
from reconciler.database.connection import Connection
from reconciler.database.tasks import TaskLine
from reconciler.spec.task import TaskState

INTERVAL = 0.25
"""Seconds between two looks."""


class TaskWatch:
    """Of one event loop. Looks only while somebody follows something."""

    def __init__(self, open_connection: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._open = open_connection
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._seen: dict[str, TaskLine] = {}
        self._looking: asyncio.Task[None] | None = None

    async def follow(self, line: TaskLine) -> AsyncIterator[TaskLine]:
        """The task now, and then each time that it has become something else, until it has ended."""
        yield line
        with self._listening(line.id) as woken:
            while not line.state.ended:
                await woken.wait()
                woken.clear()
                found = self._seen.get(line.id)
                if found is not None and stage(found) != stage(line):
                    line = found
                    yield line

    @contextmanager
    def _listening(self, identity: str) -> Iterator[asyncio.Event]:
        woken = asyncio.Event()
        self._listeners.setdefault(identity, set()).add(woken)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        try:
            yield woken
        finally:
            others = self._listeners[identity]
            others.discard(woken)
            if not others:
                del self._listeners[identity]
                self._seen.pop(identity, None)

    async def _look(self) -> None:
        while self._listeners:
            found = await anyio.to_thread.run_sync(self._lines, frozenset(self._listeners))
            for line in found:
                before = self._seen.get(line.id)
                if line.id in self._listeners and (before is None or stage(before) != stage(line)):
                    self._seen[line.id] = line
                    for woken in self._listeners[line.id]:
                        woken.set()
            await asyncio.sleep(INTERVAL)

    def _lines(self, ids: Collection[str]) -> list[TaskLine]:
        with self._open() as connection:
            return tasks.lines(connection, ids)


def stage(line: TaskLine) -> str:
    """Names what the task has come to, so that another stage is another event."""
    retried = "" if line.state is TaskState.PENDING and not line.attempts else f"-{line.attempts}"
    return f"{line.state.value}{retried}"

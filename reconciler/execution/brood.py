"""Brood: as many children as are wanted, made, listened to and buried. What they say means nothing here."""

from __future__ import annotations

import os
import selectors
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from reconciler.execution.child_handle import ChildHandle
from reconciler.execution.endings import Exit
from reconciler.execution.nursery import Ended, Nursery, ZygoteFailed
from reconciler.execution.wire import Garbage
from reconciler.execution.zygote import Setup

_BACKOFF, _LONGEST_BACKOFF = 0.2, 10.0
"""Seconds until another child is made, after some have died before they did anything."""


_FAILED_STARTS = 3
_FOLDER = "reconciler-worker"
"""Begins the name of the folder that holds the temporary folders of a worker's children. There follow the namespace in
which process ids are counted, and the worker's."""


class Keeper(Protocol):
    """Who is told what children do. `heard` may raise Garbage."""

    def heard(self, child: ChildHandle, message: list[Any]) -> None: ...

    def garbled(self, child: ChildHandle, why: str) -> None:
        """It said what is no message, or none that it may say; it is not listened to any more."""

    def silent(self, child: ChildHandle) -> None:
        """It will say nothing more."""

    def printed(self, child: ChildHandle) -> None:
        """It wrote to its output."""

    def gone(self, child: ChildHandle, found: Exit) -> None:
        """Its process has ended."""


class Brood:
    def __init__(
        self, setup: Setup, keeper: Keeper, wanted: int, environment: Mapping[str, str] | None
    ) -> None:
        """Raises ZygoteFailed."""
        self._setup, self._environment = setup, environment
        self._keeper, self._wanted = keeper, wanted
        _sweep_up()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}-{_namespace()}-{os.getpid()}-"))
        self._selector = selectors.DefaultSelector()
        self._nursery = self._open_nursery()
        self._children: dict[int, ChildHandle] = {}
        self._numbers = count(1)
        self._still_born = self._failed_starts = 0
        self.fork_after = 0.0
        """Until then, in `time.monotonic()`, no other child is made."""

    def __iter__(self) -> Iterator[ChildHandle]:
        """Those that live, the eldest first. Some may be buried while one looks at the others."""
        return iter([*self._children.values()])

    def populate(self) -> None:
        """As many as are wanted, besides those that are on their way out."""
        if time.monotonic() < self.fork_after:
            return
        for _ in range(self._wanted - sum(not child.retiring for child in self._children.values())):
            number = next(self._numbers)
            folder = self._folder / str(number)
            folder.mkdir(mode=0o700)
            try:
                connection, output, permits = self._nursery.fork(number, folder)
            except ZygoteFailed:
                self._replace_zygote()
                return
            child = self._children[number] = ChildHandle(number, connection, output, permits, folder)
            self._selector.register(connection, selectors.EVENT_READ, lambda child=child: self._hear(child))
            self._selector.register(output, selectors.EVENT_READ, lambda child=child: self._read(child))

    def listen(self, patience: float) -> None:
        """Wait so many seconds at most until any of them does something, and tell."""
        for key, _ in self._selector.select(patience):
            key.data()

    def flush(self, child: ChildHandle) -> None:
        """Have all that was said to it sent, as soon as it takes it in."""
        if child.unsent or child.stuffed:
            child.stuffed = child.unsent
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if child.unsent else 0)
            with suppress(KeyError, ValueError):
                self._selector.modify(child.connection, events, lambda: self._serve(child))

    def signal(self, child: ChildHandle, which: int) -> None:
        self._nursery.signal(child.number, which)

    def ignore_output(self, child: ChildHandle) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.output)

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, ready)

    def unwatch(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)

    def close(self) -> None:
        """Kills them all."""
        self._nursery.close()
        for child in self._children.values():
            child.close()
        self._children.clear()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- hearing

    def _lives(self, child: ChildHandle) -> bool:
        """It may have been buried since the selector looked."""
        return child.number in self._children

    def _hear(self, child: ChildHandle) -> None:
        if not self._lives(child):
            return
        try:
            for message in child.messages():
                if message is None:
                    self._ignore(child)
                    self._keeper.silent(child)
                else:
                    self._keeper.heard(child, message)
        except Garbage as error:
            self._ignore(child)
            self._keeper.garbled(child, str(error))

    def _read(self, child: ChildHandle) -> None:
        if not self._lives(child):
            return
        if not child.printed():
            self.ignore_output(child)
        else:
            self._keeper.printed(child)

    def _serve(self, child: ChildHandle) -> None:
        if self._lives(child):
            child.flush()
            self.flush(child)
            self._hear(child)

    def _ignore(self, child: ChildHandle) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.connection)

    # --- the zygote

    def _open_nursery(self) -> Nursery:
        nursery = Nursery(self._setup, self._environment)
        self._selector.register(nursery, selectors.EVENT_READ, self._hear_zygote)
        return nursery

    def _hear_zygote(self) -> None:
        for news in self._nursery.news():
            if isinstance(news, Ended):
                if news.number in self._children:
                    self._bury(self._children[news.number], news.exit)
            else:
                number, pid = news
                if number in self._children:
                    self._children[number].pid = pid
        if self._nursery.lost:
            self._replace_zygote()

    def _replace_zygote(self) -> None:
        """Raises ZygoteFailed where one after the other ends before it has made a child."""
        lost = self._nursery
        self._selector.unregister(lost)
        lost.close()
        self._failed_starts = 0 if lost.proved else self._failed_starts + 1
        if self._failed_starts >= _FAILED_STARTS:
            raise lost.failure()
        for child in self:
            self._bury(child, Exit())
        self._nursery = self._open_nursery()

    def _bury(self, child: ChildHandle, found: Exit) -> None:
        self._hear(child)  # what it said before it ended
        del self._children[child.number]
        self._ignore(child)
        self.ignore_output(child)
        if child.done or child.running or child.retiring:
            self._still_born = 0
        else:
            self._still_born += 1
            self.fork_after = time.monotonic() + min(_LONGEST_BACKOFF, _BACKOFF * 2**self._still_born)
        self._keeper.gone(child, found)
        child.close()
        shutil.rmtree(child.folder, ignore_errors=True)


def _sweep_up() -> None:
    """Remove the folders of workers of ours that were killed and could not do so themselves."""
    ours = f"{_FOLDER}-{_namespace()}-"
    for folder in Path(tempfile.gettempdir()).glob(f"{ours}*"):
        pid = folder.name.removeprefix(ours).partition("-")[0]
        with suppress(OSError, ValueError):
            if folder.stat().st_uid == os.getuid() and not _runs(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)


def _namespace() -> int:
    """Containers may share the folder of temporary files, but not the numbers of processes."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

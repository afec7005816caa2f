"""ChildHandle: the worker's side of one child."""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.execution.endings import Ending
from reconciler.execution.jobs import Job
from reconciler.execution.wire import Frames, blueprint_key, frame
from reconciler.spec.task import TaskResult

FLOOD = 2**20
"""Bytes a task may write to its standard output and error together."""
_KEPT = 4096
"""Bytes of that which are kept for the log."""
_CHUNK = 256 * 2**10


@dataclass(slots=True)
class Assignment:
    """A job that a child was given. `began` is None while another one is before it, else in `time.monotonic()`.
    `cpu_before` is what the child had used up when the job was first looked at, in seconds."""

    serial: int
    job: Job
    began: float | None = None
    cpu_before: float | None = None
    cancelled: bool = False
    written: int = 0
    said: bytearray = field(default_factory=bytearray)


class ChildHandle:
    """Never waits: what cannot be sent yet is kept until `flush`."""

    def __init__(
        self, number: int, connection: socket.socket, output: int, permits: int, folder: Path
    ) -> None:
        self.number, self.folder = number, folder
        self.connection, self.output, self._permits = connection, output, permits
        self.pid = 0
        """0 until the zygote has told it."""
        self.assigned: deque[Assignment] = deque()
        self.done = 0
        """Tasks that it ended in order."""
        self.ending: Ending | None = None
        """Why it is being ended; the first reason counts."""
        self.kill_at: float | None = None
        self.retiring = False
        """It gets no other task."""
        self.stuffed = False
        """It does not take in at once what it is told."""
        self.partial: TaskResult | None = None
        """What a task that was stopped could still tell."""
        self._frames = Frames()
        self._unsent = bytearray()
        self._withheld = 0
        """Permits for what has not been sent yet."""
        self._known: set[str] = set()
        """Blueprints it has been told, by key."""

    @property
    def running(self) -> Assignment | None:
        return self.assigned[0] if self.assigned else None

    @property
    def unsent(self) -> bool:
        return bool(self._unsent)

    def assign(self, assignment: Assignment) -> None:
        """Raises Garbage where the task has no JSON."""
        job = assignment.job
        key = blueprint_key(job.blueprint)
        data = frame(["task", assignment.serial, key, job.task, job.bounds])
        if key not in self._known:
            data = frame(["blueprint", job.blueprint]) + data
            self._known.add(key)
        self.assigned.append(assignment)
        if len(self.assigned) == 1:
            self.begin()
        self._withheld += 1
        self._send(data)

    def take_back(self) -> list[Job]:
        """The jobs it has not begun, which it will not begin any more: all but the first, or fewer if it has gone on
        to the next meanwhile."""
        taken: list[Assignment] = []
        while len(self.assigned) > 1 and self._lower():
            taken.append(self.assigned.pop())
        if taken:
            self.say(["dropped", [assignment.serial for assignment in taken]])
        return [assignment.job for assignment in reversed(taken)]

    def _lower(self) -> bool:
        """Have a permit back; False if the child has taken them all."""
        if self._withheld:
            self._withheld -= 1
            return True
        try:
            os.eventfd_read(self._permits)
        except BlockingIOError:
            return False
        return True

    def begin(self) -> None:
        """The first of its tasks starts to count."""
        if self.assigned:
            self.assigned[0].began = time.monotonic()

    def say(self, message: list[Any]) -> None:
        self._send(frame(message))

    def messages(self) -> Iterator[list[Any] | None]:
        """What it has said; None at the end. Raises Garbage."""
        while True:
            try:
                data = self.connection.recv(_CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                yield None
                return
            yield from self._frames.feed(data)
            if len(data) < _CHUNK:
                return

    def printed(self) -> bool:
        """Take in what it wrote to its output; False at the end of that."""
        try:
            data = os.read(self.output, _CHUNK)
        except BlockingIOError:
            return True
        if self.running is not None:
            self.running.written += len(data)
            self.running.said += data[: _KEPT - len(self.running.said)]
        return bool(data)

    def flush(self) -> None:
        while self._unsent:
            try:
                sent = self.connection.send(self._unsent)
            except BlockingIOError:
                return
            except OSError:  # it has ended; that is noticed where it is listened to
                self._unsent.clear()
                return
            del self._unsent[:sent]
        if self._withheld:
            # Never before the messages: who has a permit has heard of all that was sent ahead of it.
            os.eventfd_write(self._permits, self._withheld)
            self._withheld = 0

    def dismiss(self) -> None:
        """Let it go once it has nothing more to do."""
        self.retiring = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.connection.close()
        for descriptor in (self.output, self._permits):
            os.close(descriptor)

    def _send(self, data: bytes) -> None:
        self._unsent += data
        self.flush()

"""PipeHost: the Host of a task that runs in a child. Every question goes to the worker, and waits for its answer."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from reconciler.errors import Crashed, RunError, run_error
from reconciler.execution.wire import Frames, Garbage, frame, read_blueprint, read_failure
from reconciler.spec.task import Blueprint, Write
from reconciler.tools.host import Query

_CHUNK = 256 * 2**10
_MOST_IDS = 32
"""Ids asked for at a time at most; a child that ends loses those it has not used."""


class Pipe:
    """A child's end of its socket. Several threads of a task may ask at the same time; their questions take turns.

    `interrupted` is called when a question or message has gone through: what a signal wanted to interrupt meanwhile is
    interrupted there, as half a message would spoil all that follow.
    """

    def __init__(self, connection: socket.socket, interrupted: Callable[[], None] = lambda: None) -> None:
        self._socket = connection
        self._frames = Frames()
        self._came: deque[list[Any]] = deque()
        self._lock = threading.Lock()
        self._calls = 0
        self._interrupted = interrupted
        self.ended = False
        """The worker will say nothing more; only known once somebody listens."""
        self.owner: int | None = None
        """The thread that is sending or waiting for an answer."""

    def fileno(self) -> int:
        return self._socket.fileno()

    def next(self) -> list[Any] | None:
        """The next message that is no answer; None at the end of the socket."""
        while not self._came:
            if not self._receive():
                return None
        return self._came.popleft()

    def arrived(self) -> Iterator[list[Any]]:
        """The messages that are there now."""
        with suppress(BlockingIOError):
            while data := self._socket.recv(_CHUNK, socket.MSG_DONTWAIT):
                self._came.extend(self._frames.feed(data))
            self.ended = True
        while self._came:
            yield self._came.popleft()

    def say(self, data: bytes) -> None:
        with self._lock:
            self._socket.sendall(data)

    def ask(self, method: str, *arguments: Any) -> Any:
        """The worker's answer. Raises the RunError it answers with."""
        try:
            with self._lock:
                self.owner = threading.get_ident()
                self._calls += 1
                self._socket.sendall(frame(["call", self._calls, method, list(arguments)]))
                answer = self._answer(self._calls)
        finally:
            self.owner = None
        self._interrupted()
        if answer[0] == "refusal":
            failure = read_failure(answer[2])
            raise run_error(failure.code, failure.message, where=failure.where, hint=failure.hint)
        return answer[2]

    def _answer(self, call: int) -> list[Any]:
        while True:
            for message in self._came:
                if message[0] in ("answer", "refusal") and message[1] == call:
                    self._came.remove(message)
                    return message
            if not self._receive():
                raise Crashed("the worker went away")

    def _receive(self) -> bool:
        data = self._socket.recv(_CHUNK)
        self._came.extend(self._frames.feed(data))
        return bool(data)


class PipeHost:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._ids: dict[tuple[str, str], deque[int]] = {}
        self._wanted: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def reserve_id(self, type_name: str, model: str) -> int:
        # One at first, then ever more: most tasks write one row, and a child runs many tasks.
        key = (type_name, model)
        with self._lock:
            ready = self._ids.setdefault(key, deque())
            if not ready:
                wanted = self._wanted.get(key, 1)
                ready.extend(self._ask("reserve_ids", type_name, model, wanted))
                self._wanted[key] = min(2 * wanted, _MOST_IDS)
            return ready.popleft()

    def find(self, type_name: str, model: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._ask("find", type_name, model, key)
        return found

    def read(self, query: Query, writes: Sequence[Write]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._ask("read", asdict(query), [asdict(write) for write in writes])
        return rows

    def secret(self, agent: str, name: str) -> str:
        return str(self._ask("secret", agent, name))

    def take(self, agent: str, tool: str, rate: str) -> None:
        self._ask("take", agent, tool, rate)

    def blueprint(self, agent: str) -> Blueprint:
        return read_blueprint(self._ask("blueprint", agent))

    def _ask(self, method: str, *arguments: Any) -> Any:
        try:
            return self._pipe.ask(method, *arguments)
        except Garbage as error:
            raise RunError(f"asked for what cannot be said: {error}") from error

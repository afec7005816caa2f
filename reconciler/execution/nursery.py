"""The worker's side of the zygote: starts it, asks it for children, hears of their ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from reconciler.errors import ReconcilerError
from reconciler.execution.endings import Exit
from reconciler.execution.zygote import MAX_MESSAGE, Setup

_PASSED_ON = frozenset(
    {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR"}
)
"""What children inherit of the worker's environment; its database, keys and tokens stay with it."""
_PATIENCE = 2.0
"""Seconds the zygote has to end by itself."""


class ZygoteFailed(ReconcilerError):
    code = "zygote-failed"


@dataclass(frozen=True, slots=True)
class Ended:
    number: int
    exit: Exit


class Nursery:
    """A zygote that runs. `lost` is whether it has ended: then nobody here knows of its children any more, except
    that the kernel has killed them all."""

    def __init__(self, setup: Setup, environment: Mapping[str, str] | None = None) -> None:
        """Raises ZygoteFailed."""
        inherited = os.environ if environment is None else environment
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lost = False
        self.proved = False
        """It has made a child: it is not what it imports that fails."""
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "reconciler.execution.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={name: value for name, value in inherited.items() if name in _PASSED_ON},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            ours.send(setup.encoded())
        except OSError as error:
            raise self.failure() from error

    def fileno(self) -> int:
        return self._control.fileno()

    def fork(self, number: int, folder: Path) -> tuple[socket.socket, int, int]:
        """Have a child made: the worker's ends of its socket, of its output, and its permits. None of them blocks.

        Raises ZygoteFailed."""
        ours, theirs = socket.socketpair()
        reads, writes = os.pipe2(os.O_CLOEXEC)
        permits = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK | os.EFD_SEMAPHORE)
        try:
            self._send(["fork", number, str(folder)], theirs.fileno(), writes, permits)
        except BaseException:
            ours.close()
            os.close(reads)
            os.close(permits)
            raise
        finally:
            theirs.close()
            os.close(writes)
        ours.setblocking(False)
        os.set_blocking(reads, False)
        return ours, reads, permits

    def signal(self, number: int, which: int) -> None:
        """To the whole process group of a child, unless it has ended."""
        with suppress(ZygoteFailed):
            self._send(["signal", number, int(which)])

    def news(self) -> Iterator[Ended | tuple[int, int]]:
        """What it has said since: children that ended, and the number and process id of those that were made."""
        while not self.lost:
            try:
                data = self._control.recv(MAX_MESSAGE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            match orjson.loads(data) if data else None:
                case None:
                    self.lost = True
                case ["forked", number, pid]:
                    self.proved = True
                    yield number, pid
                case ["ended", number, status, cpu, memory]:
                    yield Ended(number, Exit(status, cpu, memory))

    def close(self) -> None:
        """Every child that still lives is killed."""
        self._control.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def failure(self) -> ZygoteFailed:
        """What there is to say of a zygote that does not do what it is for."""
        status = self._process.poll()
        told = "does not answer" if status is None else f"ended with status {status}"
        return ZygoteFailed(
            f"the process that makes children {told}", hint="what it wrote to standard error says why"
        )

    def _send(self, message: list[Any], *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [orjson.dumps(message)], descriptors)
        except OSError as error:
            self.lost = True
            raise self.failure() from error

"""The processes of the day, and what is known of their memory and open files."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.storm import _below

PATIENCE = 30.0
COME_UP = re.compile(rb"worker started|ready\.|leading|standing by|startup complete")
"""What a process says once it does what it is there for."""


@dataclass(frozen=True)
class Sample:
    """`at` in seconds of the day; `memory` resident, in bytes; `files` open descriptors."""

    at: float
    memory: int
    files: int


class Resident:
    """A process that should be there all day, and is started anew where it was killed. What it says is written to
    `log` by somebody else, since its own disk may be full."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name, self._command, self._environment = name, [*command], dict(environment)
        self.log = folder / f"{name}.log"
        self.samples: list[Sample] = []
        self.fallen: list[str] = []
        """How it ended by itself, which nothing of the day is a reason for."""
        self._lock = threading.Lock()
        self._readers: list[threading.Thread] = []
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """At once, with nothing said, as a power cut would; then it is there again."""
        self._note_fall()
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def kill_something_below(self, choose: Callable[[list[int]], int]) -> bool:
        """Once it has come up: Celery gives up where something happens to it before."""
        below = [*_below(self.pid)]
        if below and self._up:
            with suppress(ProcessLookupError):
                os.kill(choose(below), signal.SIGKILL)
        return bool(below)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def refuse_growth(self, refused: bool) -> None:
        """Whether what it and its children write to files is refused, however little, as on a full disk."""
        limit = 0 if refused else resource.RLIM_INFINITY
        for pid in (self.pid, *_below(self.pid)):
            with suppress(ProcessLookupError, PermissionError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def look_after(self) -> None:
        """Start it again where it ended by itself, and remember that it did."""
        if self._note_fall():
            self._process = self._start()

    def sample(self, at: float) -> None:
        with suppress(OSError, AttributeError):
            status = Path(f"/proc/{self.pid}/status").read_text()
            memory = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]
            files = len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - a count of names
            self.samples.append(Sample(at, memory, files))

    def stop(self) -> None:
        self._note_fall()
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fallen.append(f"did not stop within {PATIENCE:.0f} s")
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(5)

    def _note_fall(self) -> bool:
        code = self._process.poll()
        if code is not None:
            self.fallen.append(f"ended by itself with {code}")
        return code is not None

    def _start(self) -> subprocess.Popen[bytes]:
        self._up = False
        process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        reader = threading.Thread(target=self._write_down, args=(process,), daemon=True)
        reader.start()
        self._readers.append(reader)
        return process

    def _write_down(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as told:
            for line in told:
                with self._lock, self.log.open("ab") as log:
                    log.write(line)
                if COME_UP.search(line) and process is self._process:
                    self._up = True


@dataclass(frozen=True)
class Household:
    """Of each two the first is shot at and the second is spared."""

    controllers: Sequence[Resident]
    servers: Sequence[Resident]
    workers: Sequence[Resident]
    addresses: Sequence[str] = field(default=())
    """Of the servers."""

    @property
    def everybody(self) -> list[Resident]:
        return [*self.controllers, *self.servers, *self.workers]

    @property
    def spared(self) -> list[Resident]:
        return [self.controllers[-1], self.servers[-1], self.workers[-1]]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def now() -> float:
    return time.monotonic()

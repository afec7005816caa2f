"""The sandbox of a child: limits that every Unix has, and what this kernel can enforce besides.

Confining happens in the child itself, before it sees its first task, and cannot be undone there. The limits of single
tasks are set for each of them (`TaskLimits`), and watched from outside as well, where a task cannot reach them.
"""

from __future__ import annotations

import math
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reconciler.execution import landlock, seccomp
from reconciler.execution.kernel import prctl_no_new_privileges
from reconciler.execution.wire import Bounds

MAX_FILE = 64 * 2**20
"""Bytes of the largest file that a task may write."""
MAX_FOLDER = 256 * 2**20
"""Bytes of all files in a task's folder."""
MAX_OPEN = 256
"""Files and sockets open at the same time."""

_SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/opt")
_CONFIGURATION = (
    *(
        "resolv.conf",
        "hosts",
        "host.conf",
        "nsswitch.conf",
        "gai.conf",
        "services",
        "protocols",
        "mime.types",
    ),
    *("ssl", "pki", "ca-certificates", "crypto-policies"),
    *("localtime", "timezone", "ld.so.cache", "ld.so.conf", "ld.so.conf.d"),
)
"""Below /etc: what name resolution, TLS, time zones and loading of libraries read. No accounts, no keys."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class SandboxLevel(StrEnum):
    """How well children are confined here, each including those above it."""

    LIMITS = "limits"
    """Processor, memory, file sizes; its own process group; no inherited environment."""
    CALLS = "calls"
    """No other processes: none started, looked into or signalled."""
    FILES = "files"
    """No files but the system's, to read, and a private temporary folder."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What the kernel offers. `landlock` is its version, 0 for none."""

    landlock: int
    seccomp: bool

    @property
    def level(self) -> SandboxLevel:
        if self.landlock and self.seccomp:
            return SandboxLevel.FILES
        return SandboxLevel.CALLS if self.seccomp else SandboxLevel.LIMITS

    def __str__(self) -> str:
        found = [f"Landlock {self.landlock}"] if self.landlock else []
        return ", ".join(["limits", *found, *(["seccomp"] if self.seccomp else [])])


def protection() -> Protection:
    return Protection(landlock.version(), seccomp.available())


def confine(folder: Path) -> None:
    """Confine this process, for good, to what the kernel offers, with `folder` to write in."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, MAX_FILE)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN)
    with suppress(OSError):  # a kernel may refuse inside of some containers; the level says what is left
        prctl_no_new_privileges()
    if landlock.version():
        with suppress(OSError):
            landlock.restrict(read=readable(), write=(str(folder), *_DEVICES))
    # Last, as it would refuse what the others need.
    if seccomp.available():
        with suppress(OSError):
            seccomp.restrict()


class TaskLimits:
    """Limits of this process, moved from task to task: what it has used up before is not the next task's fault."""

    def __init__(self) -> None:
        self._idle = address_space()
        self._memory = 0

    def begin(self, bounds: Bounds) -> None:
        """CPU time ends in SIGPROF, and where that is not heeded, a second or two later in SIGXCPU; memory in
        MemoryError."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._soft(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + bounds.cpu) + 1)
        signal.setitimer(signal.ITIMER_PROF, bounds.cpu)
        # Only Linux says how much there is already, and only there the limit means what it says.
        if self._idle and bounds.memory != self._memory:
            self._soft(resource.RLIMIT_AS, self._idle + bounds.memory)
            self._memory = bounds.memory

    def end(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    @staticmethod
    def _soft(kind: int, value: int) -> None:
        _, hard = resource.getrlimit(kind)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, hard))


def address_space() -> int:
    """Bytes of address space this process has mapped; 0 where that cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def readable() -> Iterator[str]:
    """Where the interpreter, installed packages and the system's libraries and tables are."""
    yield from _SYSTEM
    yield from (f"/etc/{name}" for name in _CONFIGURATION)
    yield from {sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values()}
    # With an editable installation, the folder that holds the packages.
    yield from (path for path in sys.path if path)

"""Tripwires: what a task's Python code does beyond its sandbox, noticed while it does it.

The kernel refuses most of it anyway, wherever it comes from; from here come the reason for people, the incident, and a
refusal where the kernel cannot tell friend from foe: connections that did not go through `tools.egress`. Code that
was refused sees PermissionError, as the kernel would raise it, so that libraries that only look around go on.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from reconciler.execution.incidents import IncidentKind

Permitted = Callable[[str, int], bool]
"""Whether an address and port were checked before."""

_PROCESS = frozenset(
    {
        *("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.spawn", "os.system"),
        *("subprocess.Popen", "pty.spawn"),
    }
)
_SIGNALS = frozenset({"os.kill", "os.killpg"})
_SOCKETS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_FILES = frozenset(
    {"open", "os.listdir", "os.scandir", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link"}
)
_FILES |= {"sqlite3.connect", "os.symlink", "os.truncate", "os.chmod", "os.chown"}
WATCHED = _PROCESS | _SIGNALS | _SOCKETS | _FILES
"""All other events are none of our business, and there are many."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PROBED = ("/tmp", "/var/tmp", "/usr/tmp")
"""Where `tempfile` looks for a place to write in; refused as any other, but nobody means harm by asking."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """`told` is for people and quotes nothing that a task was given."""

    kind: IncidentKind
    told: str


class Tripwires:
    def __init__(self, folder: str, readable: Collection[str], permitted: Permitted) -> None:
        self._writable = (f"{folder.rstrip('/')}/", "/dev/")
        self._readable = tuple(f"{path.rstrip('/')}/" for path in readable) + self._writable
        self._folder, self._permitted, self._pid = folder, permitted, os.getpid()

    def crossing(self, event: str, arguments: tuple[Any, ...]) -> Crossing | None:
        """What an audit event of a running task amounts to, if it is not allowed."""
        if event in _FILES:
            return self._of_file(event, arguments)
        if event in _SOCKETS:
            return self._of_socket(event, arguments)
        if event in _PROCESS:
            return Crossing(IncidentKind.PROCESS, f"the task tried to start a process ({event})")
        if event in _SIGNALS and arguments[0] != self._pid:
            return Crossing(IncidentKind.PROCESS, "the task tried to signal another process")
        return None

    def _of_file(self, event: str, arguments: tuple[Any, ...]) -> Crossing | None:
        path = arguments[0]
        if path is None or isinstance(path, int):
            return None
        if event == "sqlite3.connect":
            path = str(path).removeprefix("file:").partition("?")[0]
            if path in ("", ":memory:"):
                return None
        full = self._absolute(os.fsdecode(path))
        writes = event not in ("open", "os.listdir", "os.scandir") or (
            event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
        )
        if f"{full}/".startswith(self._writable if writes else self._readable):
            return None
        if not writes and full.startswith(("/proc/self/", f"/proc/{self._pid}/")):
            return None
        if event == "open" and writes and full.rpartition("/")[0] in _PROBED:
            return Crossing(IncidentKind.FILES, "")
        what = "write" if writes else "read"
        return Crossing(IncidentKind.FILES, f"the task tried to {what} outside of its folder")

    def _absolute(self, path: str) -> str:
        if path.startswith("/") and ".." not in path:
            return path
        return os.path.normpath(os.path.join(self._folder, path))  # noqa: PTH118 - a path as the kernel will read it

    def _of_socket(self, event: str, arguments: tuple[Any, ...]) -> Crossing | None:
        address = arguments[1]
        if event == "socket.bind":
            return Crossing(IncidentKind.NETWORK, "the task tried to listen for connections")
        if isinstance(address, tuple) and self._permitted(str(address[0]), int(address[1])):
            return None
        if address is None:  # of a socket that is connected already
            return None
        return Crossing(
            IncidentKind.NETWORK, "the task tried to open a connection without its tools' network"
        )


def refused(crossing: Crossing) -> PermissionError:
    """What the kernel would say."""
    code = errno.EPERM if crossing.kind is IncidentKind.PROCESS else errno.EACCES
    return PermissionError(code, os.strerror(code))

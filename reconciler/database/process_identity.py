"""Which process somebody is, and whether that very process is provably gone.

A process number alone says little: numbers are used again, and other machines and containers have the same
ones. So it is remembered with when the process started, in which namespace of which running kernel.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_PROC = Path("/proc")
_ENDED = ("Z", "X")
"""States of a process that has ended but whose parent has not asked about it."""


def own_identity() -> dict[str, str]:
    return {"place": _place(), "pid": str(os.getpid()), "started": _started(os.getpid()) or ""}


def is_gone(identity: dict[str, str]) -> bool:
    """True only if it is certain. A process elsewhere, or of unknown origin, is never known to be gone."""
    pid = identity.get("pid", "")
    if not pid.isdigit() or identity.get("place") != _place():
        return False
    started = _started(int(pid))
    if started is None:
        return not _exists(int(pid))
    return started != identity.get("started")


def _place() -> str:
    """Names the set of processes within which a number means one: a PID namespace of a running kernel."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:  # not Linux: a host runs one set of processes
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """When it started, in ticks since boot; empty if it has ended; None if that cannot be known here."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The command's name is in parentheses and may hold anything; field 3 is the state, field 22 the start.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in _ENDED else fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True

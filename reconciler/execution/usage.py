"""What a running process uses, seen from outside, where it cannot lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """`cpu` in seconds since the process began, `memory` in bytes it holds now and shares with nobody."""

    cpu: float
    memory: int


def used_by(pid: int) -> Used | None:
    """None where it has ended, or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        memory = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return None
    # The command's name is in parentheses and may hold anything; of what follows, 11 and 12 are user and system time.
    fields = stat.rpartition(b")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Used(cpu, (int(memory[1]) - int(memory[2])) * _PAGE)


def size_of(folder: Path, most: int) -> int:
    """Bytes of the files below a folder, or the first number above `most` that they add up to. Whoever fills it may do
    so while it is looked at."""
    total, pending = 0, [str(folder)]
    while pending and total <= most:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total

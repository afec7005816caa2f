"""Ids of tasks: UUIDs of version 7 (RFC 9562), which sort as they were made."""

from __future__ import annotations

import os
import time
from threading import Lock
from uuid import UUID

_lock = Lock()
_latest = 0


def new_task_id() -> str:
    """36 characters. Of two made in one process the later is the greater; of two processes, by the clock."""
    global _latest
    with _lock:
        # Milliseconds in 48 bits, and 12 bits of the rest where the RFC leaves room for a finer clock.
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        _latest = stamp = max(milliseconds << 12 | rest * 4096 // 1_000_000, _latest + 1)
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return str(UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random))

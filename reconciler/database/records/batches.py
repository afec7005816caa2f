"""Lists of any length for `IN (...)`, cut to what one statement takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

Value = TypeVar("Value", str, int)

BATCH = 500
"""Values in one statement; SQLite's older builds take 999 parameters."""


def in_batches(values: Collection[Value]) -> Iterator[tuple[str, list[Value]]]:
    """(`(?, ?, …)`, the values that go there), each value once; nothing at all for no values."""
    wanted = list(dict.fromkeys(values))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        yield f"({', '.join('?' * len(batch))})", batch

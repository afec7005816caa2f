"""When a unit that failed is tried again: soon, then less and less often; at once if what is wanted changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from reconciler.control.controller.selection import Wait

FIRST = 1.0
LONGEST = 300.0


@dataclass(frozen=True, slots=True)
class _Failure:
    wanted: str
    error: str
    times: int
    due: float


class Backoff:
    """Failures by unit. Times are in seconds of the monotonic clock."""

    def __init__(self, *, jitter: Callable[[], float] = random.random) -> None:
        self._failures: dict[str, _Failure] = {}
        self._jitter = jitter

    def failed(self, unit: str, wanted: str, error: str, now: float) -> None:
        """`wanted` identifies what the unit was to lead to."""
        before = self._failures.get(unit)
        times = before.times + 1 if before is not None and before.wanted == wanted else 1
        pause = min(LONGEST, FIRST * 2 ** (times - 1)) * (0.75 + self._jitter() / 2)
        self._failures[unit] = _Failure(wanted, error, times, now + pause)

    def forget_all_but(self, units: Collection[str]) -> None:
        """Others are not in the plan any more: they succeeded, or nobody wants them now."""
        self._failures = {name: one for name, one in self._failures.items() if name in units}

    def waiting(self, wanted: Mapping[str, str], now: float) -> Mapping[str, Wait]:
        """The units not to be tried yet. `wanted` by unit: another than the one that failed is a new chance."""
        return {
            unit: Wait(
                "apply-failed", f"{one.error}; tried {one.times} times, again in {one.due - now:.0f} s", False
            )
            for unit, one in self._failures.items()
            if one.wanted == wanted.get(unit) and one.due > now
        }

    def next_due(self) -> float | None:
        return min((one.due for one in self._failures.values()), default=None)

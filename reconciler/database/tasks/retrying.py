"""Whether a task that failed is tried again, and when: a decision, nobody waits here."""

from __future__ import annotations

import random
from dataclasses import dataclass

from reconciler.errors import (
    Cancelled,
    Conflict,
    Crashed,
    InvalidOutput,
    ModelMissing,
    Overloaded,
    RateLimited,
    TimedOut,
    Truncated,
    Unavailable,
)
from reconciler.spec.task import Failure, TaskState

FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds before the second attempt, and at most before any; doubled each time."""
CONFLICT_WAIT = 0.05
"""Seconds: who met rows that others had changed reads them anew at once, only not all at the same moment."""

RETRIED = frozenset(
    kind.code
    for kind in (
        Conflict,
        Crashed,
        InvalidOutput,
        ModelMissing,
        Overloaded,
        RateLimited,
        TimedOut,
        Truncated,
        Unavailable,
    )
)
"""Failures that may be gone the next time. Of the others a second attempt would only be a repetition."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait`, in seconds, is how long a task that is pending again must wait."""

    state: TaskState
    wait: float = 0.0


def verdict(failure: Failure, attempts: int, max_attempts: int) -> Verdict:
    """What becomes of a task that failed at its `attempts`-th attempt."""
    if failure.code == Cancelled.code:
        return Verdict(TaskState.CANCELLED)
    if failure.code not in RETRIED:
        return Verdict(TaskState.FAILED)
    if attempts >= max_attempts:
        return Verdict(TaskState.DEAD_LETTER)
    return Verdict(TaskState.PENDING, _wait(failure.code, attempts))


def _wait(code: str, attempts: int) -> float:
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempts - 1, 16))
    if code == Conflict.code:
        longest = min(longest, CONFLICT_WAIT * 2.0**attempts)
    return longest * random.uniform(0.5, 1.0)

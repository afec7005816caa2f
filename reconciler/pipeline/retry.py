"""Whether a step that failed is tried again, and how long it waits before: a decision, not a sleep."""

from __future__ import annotations

from reconciler.spec.steps import Retry


def wait_before_next(
    retry: Retry | None, code: str, attempt: int, *, remaining: float, chance: float, asked: float = 0.0
) -> float | None:
    """Seconds to wait after attempt number `attempt` (from 1) failed with a code; None: it was the last.

    Exponential with full jitter: anything up to `backoff` doubled each time, bounded by `max_backoff`. `chance` from
    0 to 1 says how much of it. `asked` are the seconds that whoever refused asks for: it is at least those, within the
    same bound. A wait that would outlast the `remaining` seconds is not begun.
    """
    if retry is None or attempt >= retry.attempts or code not in retry.on:
        return None
    longest = min(retry.max_backoff, retry.backoff * 2.0 ** (attempt - 1))
    wait = max(chance * longest, min(asked, retry.max_backoff))
    return wait if wait < remaining else None

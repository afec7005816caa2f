"""The decision to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.pipeline.retry import wait_before_next
from reconciler.spec.steps import Retry, RetryOn

RETRIES = st.builds(
    Retry,
    attempts=st.integers(1, 20),
    backoff=st.floats(0.001, 1000),
    max_backoff=st.floats(0.001, 1000),
    on=st.lists(st.sampled_from(RetryOn), unique=True),
)
CODES = st.sampled_from([*(code.value for code in RetryOn), "denied", "crashed"])


@given(RETRIES, CODES, st.integers(1, 25), st.floats(-10, 10_000), st.floats(0, 1))
def test_a_wait_is_bounded_by_backoff_ceiling_and_deadline(
    retry: Retry, code: str, attempt: int, remaining: float, chance: float
) -> None:
    wait = wait_before_next(retry, code, attempt, remaining=remaining, chance=chance)
    if wait is None:
        return
    assert attempt < retry.attempts
    assert code in [error.value for error in retry.on]
    assert 0 <= wait < remaining
    assert wait <= min(retry.max_backoff, retry.backoff * 2 ** (attempt - 1))


@given(RETRIES, CODES, st.integers(1, 25), st.floats(0, 1))
def test_with_time_enough_only_code_and_attempts_decide(
    retry: Retry, code: str, attempt: int, chance: float
) -> None:
    wait = wait_before_next(retry, code, attempt, remaining=1e9, chance=chance)
    assert (wait is not None) == (attempt < retry.attempts and code in retry.on)


def test_the_longest_wait_doubles_up_to_its_ceiling() -> None:
    retry = Retry(attempts=6, backoff=1.0, max_backoff=5.0)
    waits = [wait_before_next(retry, "timeout", n, remaining=99, chance=1.0) for n in range(1, 7)]
    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0, None]


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 0.5), (0.3, 0.5), (2.0, 2.0), (3600.0, 5.0)])
def test_who_refuses_is_left_alone_for_as_long_as_it_asks_within_the_ceiling(
    asked: float, wait: float
) -> None:
    retry = Retry(attempts=2, backoff=1.0, max_backoff=5.0)
    assert wait_before_next(retry, "timeout", 1, remaining=99, chance=0.5, asked=asked) == wait
    assert wait_before_next(retry, "timeout", 1, remaining=wait, chance=0.5, asked=asked) is None


def test_a_step_that_says_nothing_is_not_tried_again() -> None:
    assert wait_before_next(None, "timeout", 1, remaining=99, chance=0.5) is None

"""Limits of an agent may only tighten those of its type."""

from __future__ import annotations

from reconciler.spec.limits import Limits, tightened


def test_of_two_limits_the_smaller_holds() -> None:
    of_type = Limits(timeout="90s", concurrency=4, memory="256Mi")
    of_agent = Limits(timeout="2m", concurrency=2, tasks_per_minute=60)
    assert tightened(of_type, of_agent) == Limits(
        timeout="90s", concurrency=2, memory="256Mi", tasks_per_minute=60
    )


def test_what_nobody_bounds_stays_unbounded() -> None:
    assert tightened(Limits(), Limits()) == Limits()

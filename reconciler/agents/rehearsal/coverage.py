"""Steps and branches that no test of a type ever took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.spec.steps import OnError, Step, flat
from reconciler.spec.task import StepTrace

Branch = Literal["step", "when", "fallback", "on_error"]


@dataclass(frozen=True, slots=True)
class Gap:
    """`branch` is what of the step was never exercised; `message` says it whole."""

    step: str
    branch: Branch
    message: str


class Coverage:
    """What the tests of one type have exercised so far."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = [*flat(steps)]
        self._seen: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, trace: Iterable[StepTrace]) -> None:
        for attempt in trace:
            if "/" not in attempt.step:  # steps of another agent are that one's to exercise
                self._seen[attempt.step.partition("[")[0]].add(attempt.status)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(gap for step in self._steps for gap in self._gaps(step))

    @property
    def share(self) -> float:
        """Branches taken of all there are, from 0 to 1."""
        everything = sum(1 + _has_condition(s) + (s.fallback is not None) + _goes_on(s) for s in self._steps)
        return 1 - len(self.gaps) / everything if everything else 1.0

    def _gaps(self, step: Step) -> Iterator[Gap]:
        seen = self._seen[step.id]
        if not seen - NOT_CALLED and step.parallel is None:
            never = "`when` is never true" if "skipped" in seen else "no test ever calls it"
            yield Gap(step.id, "when" if "skipped" in seen else "step", f"{step.id}: {never}")
        elif _has_condition(step) and "skipped" not in seen:
            yield Gap(step.id, "when", f"{step.id}: `when` is never false")
        if step.fallback is not None and "fallback" not in seen:
            yield Gap(step.id, "fallback", f"{step.id}: the fallback is never taken")
        if _goes_on(step) and "continued" not in seen:
            yield Gap(step.id, "on_error", f"{step.id}: `on_error: continue` never has to")


NOT_CALLED = frozenset({"skipped", "cancelled"})
"""Ends of a step that called nothing."""


def called_steps(trace: Iterable[StepTrace]) -> frozenset[str]:
    """Ids of the type's own steps that called something; a loop counts as one."""
    return frozenset(
        attempt.step.partition("[")[0]
        for attempt in trace
        if attempt.status not in NOT_CALLED and "/" not in attempt.step
    )


def _has_condition(step: Step) -> bool:
    return isinstance(step.when, str)


def _goes_on(step: Step) -> bool:
    return step.on_error is OnError.CONTINUE and step.parallel is None

"""Steps side by side as one step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from reconciler.errors import RunError
from reconciler.pipeline.branch import Branch, Scope, Seen
from reconciler.pipeline.side_by_side import side_by_side
from reconciler.spec.task import StepTrace

Runner = Callable[[Branch, Scope, Seen, str], None]


class Group:
    """The results of its steps by id. What later steps see of those inside them goes into `seen` as well."""

    what = "parallel"
    traced = False
    """Its steps are."""

    def __init__(self, step: str, runners: Sequence[tuple[str, Runner]], inside: Sequence[str]) -> None:
        """`inside` are the ids of all steps in it that later steps may read."""
        self._id, self._runners, self._inside = step, runners, inside

    def call(
        self, branch: Branch, scope: Scope, seen: Seen, deadline: float, trace: StepTrace
    ) -> dict[str, Any]:
        suffix = trace.step[len(self._id) :]
        seen_by = [Seen() for _ in self._runners]
        jobs = [
            partial(_run, runner, scope, own, suffix)
            for (_, runner), own in zip(self._runners, seen_by, strict=True)
        ]
        try:
            side_by_side(branch, jobs, len(jobs), deadline)
        except RunError:
            seen.update(
                dict.fromkeys(self._inside)
            )  # what a fallback, or going on without, leaves to be seen
            raise
        for own in seen_by:
            seen.update(own)
        return {step: own[step] for (step, _), own in zip(self._runners, seen_by, strict=True)}


def _run(runner: Runner, scope: Scope, seen: Seen, suffix: str, branch: Branch) -> None:
    runner(branch, scope, seen, suffix)

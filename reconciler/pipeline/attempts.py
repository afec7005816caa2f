"""One step until it has a result or has failed for good: attempts, waits between them, the fallback."""

from __future__ import annotations

import random
from time import monotonic
from typing import Any

from reconciler.errors import Cancelled, RunError
from reconciler.pipeline.branch import Branch, Scope, Seen
from reconciler.pipeline.calls import Call, ToolCall
from reconciler.pipeline.retry import wait_before_next
from reconciler.pipeline.sizes import size_or_none
from reconciler.spec.steps import OnError, Step
from reconciler.spec.task import StepStatus, StepTrace


class Attempts:
    """`names` are the fields of the result that expressions read: where a mock or the fallback gives an object without
    one of them, it is None there."""

    def __init__(self, step: Step, call: Call, fallback: ToolCall | None, names: frozenset[str]) -> None:
        self._id, self._retry, self._timeout = step.id, step.retry, step.timeout
        self._call, self._what, self._traced = call.call, call.what, call.traced
        self._fallback = fallback
        self._absent = dict.fromkeys(sorted(names))
        self._last: StepStatus = "continued" if step.on_error is OnError.CONTINUE else "failed"

    def run(self, branch: Branch, scope: Scope, seen: Seen, suffix: str) -> Any:
        step = self._id + suffix if suffix else self._id
        attempt = 1
        while True:
            began = monotonic()
            deadline = branch.deadline
            if self._timeout is not None:
                deadline = min(deadline, began + self._timeout)
            trace = StepTrace(step, self._what, attempt, "succeeded", branch.run.zero + began, 0.0)
            mark = len(branch.writes)
            try:
                branch.check(step)
                result = self._call(branch, scope, seen, deadline, trace)
            except RunError as error:
                branch.take_back(mark)
                wait = self._failed(branch, trace, began, error)
                if wait is None and (self._fallback is None or error.code == Cancelled.code):
                    raise
            else:
                if self._traced:
                    self._keep(branch, trace, began, result)
                if self._absent and branch.run.context.mock is not None:
                    return self._completed(result)
                return result
            if wait is None:
                return self._instead(branch, scope, step)
            branch.wait(wait, step)
            attempt += 1

    def _keep(self, branch: Branch, trace: StepTrace, began: float, result: Any) -> None:
        if branch.run.context.measured:
            trace.output_bytes = size_or_none(result)
        branch.ended(trace, began)

    def _failed(self, branch: Branch, trace: StepTrace, began: float, error: RunError) -> float | None:
        """Seconds until the next attempt; None where there is none."""
        error.where = error.where or trace.step
        wait = wait_before_next(
            self._retry,
            error.code,
            trace.attempt,
            remaining=branch.deadline - monotonic(),
            chance=random.random(),
            asked=error.retry_after,
        )
        status = self._last if wait is None and self._fallback is None else "failed"
        if self._traced:
            branch.failed(trace, began, "cancelled" if error.code == Cancelled.code else status, error)
        return wait

    def _instead(self, branch: Branch, scope: Scope, step: str) -> Any:
        """What the fallback gives."""
        assert self._fallback is not None
        began = monotonic()
        deadline = branch.deadline
        if self._timeout is not None:
            deadline = min(deadline, began + self._timeout)
        trace = StepTrace(step, self._fallback.what, 1, "fallback", branch.run.zero + began, 0.0)
        mark = len(branch.writes)
        try:
            result = self._fallback.call(branch, scope, {}, deadline, trace)
        except RunError as error:
            branch.take_back(mark)
            error.where = error.where or step
            branch.failed(trace, began, self._last, error)
            raise
        self._keep(branch, trace, began, result)
        return self._completed(result)

    def _completed(self, result: Any) -> Any:
        return {**self._absent, **result} if isinstance(result, dict) else result

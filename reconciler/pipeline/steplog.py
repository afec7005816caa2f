"""What a run says in the log: one line for each attempt and one for each end, no value in any of them."""

from __future__ import annotations

import logging

from reconciler.spec.task import Failure, StepTrace, Task

log = logging.getLogger("reconciler.pipeline")

_DEBUG, _INFO = logging.DEBUG, logging.INFO


def log_attempt(task: Task, trace: StepTrace) -> None:
    """Failures at level INFO: a retry or a fallback may mend them; all else at DEBUG."""
    level = _INFO if trace.error_code else _DEBUG
    if log.isEnabledFor(level):
        facts = {
            "task": task.id,
            "agent": task.agent,
            "step": trace.step,
            "call": trace.call,
            "attempt": trace.attempt,
            "status": trace.status,
            "duration": round(trace.duration, 6),
            "error_code": trace.error_code,
        }
        log.log(level, "step %s: %s", trace.step, trace.error_code or trace.status, extra=facts)


def log_failure(task: Task, failure: Failure) -> None:
    facts = {"task": task.id, "agent": task.agent, "error_code": failure.code, "where": failure.where}
    log.info("task %s failed: %s", task.id, failure.code, extra=facts)

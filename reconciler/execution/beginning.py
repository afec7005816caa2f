"""From a claim to a job: a task is begun only where policies allow it, and with its input opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.database.rows.cipher import Cipher
from reconciler.database.storable import UnfitValue
from reconciler.database.tasks.sealed_input import opened_task
from reconciler.errors import Unavailable
from reconciler.execution.endings import refused
from reconciler.execution.jobs import Done, Job, bounds_of
from reconciler.spec.task import Failure, TaskResult

if TYPE_CHECKING:
    from reconciler.database.tasks import Claimed
    from reconciler.execution.gate import Gate


def job_of(claimed: Claimed, gate: Gate | None, cipher: Cipher) -> Job | Done:
    """The job, or its end where it must not, or cannot, be begun."""
    job = Job(claimed.task, claimed.blueprint, bounds_of(claimed.limits))
    refusal = gate.refusal(claimed) if gate is not None else None
    if refusal is not None:
        return refused(job, refusal)
    try:
        return replace(job, task=opened_task(claimed.task, cipher))
    except UnfitValue as error:
        failure = Failure(Unavailable.code, error.message, "input", error.hint)
        return Done(job, TaskResult(failure=failure), 0.0)

"""How a child ended says how its task failed."""

from __future__ import annotations

import signal

import pytest

from reconciler.execution.endings import Exit, died, incident_of
from reconciler.execution.incidents import IncidentKind
from reconciler.execution.wire import Bounds
from reconciler.spec.task import Failure, TaskResult

EXITED_WITH_3 = 3 << 8


@pytest.mark.parametrize(
    ("status", "cpu", "before", "code", "told"),
    [
        (None, 0.0, None, "crashed", "lost"),
        (EXITED_WITH_3, 0.0, None, "crashed", "status 3"),
        (signal.SIGSEGV, 0.0, None, "crashed", "SIGSEGV"),
        (signal.SIGKILL, 100.0, None, "crashed", "SIGKILL"),
        (signal.SIGKILL, 100.0, 95.0, "crashed", "SIGKILL"),
        (signal.SIGKILL, 100.0, 80.0, "cpu_exceeded", "10 s"),
        (signal.SIGXCPU, 0.0, None, "cpu_exceeded", "10 s"),
        (signal.SIGPROF, 0.0, None, "cpu_exceeded", "10 s"),
        (60, 0.0, None, "crashed", "signal 60"),
    ],
)
def test_a_death_is_told_by_its_cause(
    status: int | None, cpu: float, before: float | None, code: str, told: str
) -> None:
    ending = died(Exit(status, cpu), Bounds(cpu=10.0), before)
    assert ending.failure.code == code
    assert told in ending.failure.message
    assert ending.incident is not None


@pytest.mark.parametrize(
    ("number", "memory", "hinted"),
    [
        (signal.SIGSEGV, 200, True),
        (signal.SIGABRT, 200, True),
        (signal.SIGSEGV, 20, False),
        (signal.SIGKILL, 200, False),
    ],
)
def test_code_that_falls_over_where_memory_runs_out_is_told_with_what_to_do(
    number: int, memory: int, hinted: bool
) -> None:
    ending = died(Exit(number, 0.0, memory * 2**20), Bounds(memory=256 * 2**20), None)
    assert ending.failure.code == "crashed"
    assert ("limits.memory" in ending.failure.hint) == hinted


@pytest.mark.parametrize(
    ("code", "spoiled", "kind"),
    [
        ("memory_exceeded", "memory", IncidentKind.MEMORY),
        ("cpu_exceeded", "stopped", IncidentKind.CPU),
        ("output_too_large", "", IncidentKind.OUTPUT),
        ("denied", "process", IncidentKind.PROCESS),
        ("denied", "", IncidentKind.DENIED),
        ("unavailable", "threads", None),
    ],
)
def test_coming_to_a_limit_in_order_is_an_incident_too(
    code: str, spoiled: str, kind: IncidentKind | None
) -> None:
    found = incident_of(TaskResult(failure=Failure(code, "so it is")), spoiled)
    assert (found.kind if found else None) is kind

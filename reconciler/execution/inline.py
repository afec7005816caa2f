"""Tasks run in this very process: for one task on the command line, for tests, and where nothing can be forked.

No sandbox and no limit but the time, which steps keep to by themselves: what runs here is as trusted as this process.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from reconciler.database import tasks
from reconciler.database.connection import Connection
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.tasks import Claimed, Ended, NewTask
from reconciler.database.upgrade import has_catalog
from reconciler.errors import NotFound, ReconcilerError
from reconciler.execution.beginning import job_of
from reconciler.execution.endings import incident_of
from reconciler.execution.jobs import Done, Job
from reconciler.execution.recording import recorded_incident
from reconciler.execution.secret_store import SecretStore
from reconciler.execution.tasks import TaskQueue
from reconciler.spec.task import Failure, TaskResult, TaskState, Values

if TYPE_CHECKING:
    from reconciler.agents.factory import AgentFactory
    from reconciler.agents.static import StaticAgents
    from reconciler.execution.gate import Gate
    from reconciler.execution.program import Program
    from reconciler.settings import Settings
    from reconciler.tools.host import Host

CLAIM_SECONDS = 3600.0
"""For how long a task run inline belongs to this process: nothing renews the claim while it runs."""


class InlineExecutor:
    """The `Executor` that runs a job as soon as it is polled."""

    def __init__(self, program: Program, host: Callable[[], Host]) -> None:
        self._program, self._host = program, host
        self._waiting: deque[Job] = deque()

    @property
    def free(self) -> int:
        return 1 - len(self._waiting)

    @property
    def busy(self) -> int:
        return len(self._waiting)

    def start(self, job: Job) -> None:
        self._waiting.append(job)

    def cancel(self, task_id: str) -> None:
        """Too late for what runs; what waits is not begun."""

    def withdraw(self) -> list[Job]:
        withdrawn = [*self._waiting]
        self._waiting.clear()
        return withdrawn

    def poll(self, timeout: float) -> list[Done]:
        if not self._waiting:
            time.sleep(timeout)
            return []
        job = self._waiting.popleft()
        began = time.monotonic()
        result = run_here(job, self._program, self._host())
        return [Done(job, result, time.monotonic() - began, incident_of(result))]

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Nothing is heard while a task runs, and between two of them the queue is looked at anyway."""

    def unwatch(self, descriptor: int) -> None: ...

    def close(self) -> None: ...


def run_here(job: Job, program: Program, host: Host) -> TaskResult:
    """Run a job to its end, in this process."""
    deadline = time.monotonic() + job.bounds.timeout
    context = program.factory.context(host, program.llm, program.network, deadline)
    try:
        return program.factory.build(job.blueprint).run(job.task, context)
    except ReconcilerError as error:
        return TaskResult(failure=Failure(error.code, error.message, error.where, error.hint))


@dataclass(frozen=True, slots=True)
class Ran:
    """A task after its run: `trace` has a mapping like StepTrace for each attempt of a step. A task that has not ended
    will be tried again."""

    id: str
    state: TaskState
    output: Values | None
    failure: Failure | None
    trace: Sequence[Mapping[str, Any]]


def run_inline(
    connection: Connection,
    factory: AgentFactory,
    task: NewTask | Claimed,
    settings: Settings,
    *,
    static: StaticAgents | None = None,
    cipher: Cipher = NO_KEY,
    gate: Gate | None = None,
) -> Ran:
    """Submit (validated), claim, run and finish one task; of one that was claimed already only the last two.

    Raises NotFound, InvalidInput, Denied where it cannot be submitted, Refused where a policy demands a sandbox. A task
    that is not free to be claimed, or ended before under the same idempotency key, is told as it stands.
    """
    if not has_catalog(connection):
        raise NotFound("there are no agents here yet", hint="reconcile --apply deploys them")
    if gate is not None:
        gate.check_host(connection)
    claimed = task if isinstance(task, Claimed) else _claim(connection, task, static, cipher)
    if isinstance(claimed, str):
        record = tasks.get(connection, claimed)
        return Ran(claimed, record.line.state, record.output, record.failure, record.trace)
    secrets = SecretStore(lambda agent: tasks.blueprint(connection, agent))
    host = DatabaseHost(connection, secrets=secrets, cipher=cipher)
    job = job_of(claimed, gate, cipher)
    result = job.result if isinstance(job, Done) else run_here(job, program_of(factory, settings), host)
    rules = gate.incident_rules if gate is not None else ()
    incident = recorded_incident(claimed, incident_of(result), "inline")
    (finished,) = tasks.finish(connection, [Ended(claimed, result, incident)], cipher=cipher, rules=rules)
    trace = [asdict(step) for step in result.trace]
    return Ran(finished.id, finished.state, finished.output, finished.failure, trace)


def program_of(factory: AgentFactory, settings: Settings) -> Program:
    from reconciler.execution import program
    from reconciler.execution.zygote import Setup

    return program.program_of(factory, Setup.of(settings))


def _claim(
    connection: Connection, task: NewTask, static: StaticAgents | None, cipher: Cipher
) -> Claimed | str:
    """The task, claimed; only its id where it cannot be claimed now."""
    (submitted,) = TaskQueue(connection, static, cipher).submit_all([task])
    worker = f"inline-{submitted.id}"
    return tasks.claim_one(connection, worker, submitted.id, ttl=CLAIM_SECONDS) or submitted.id

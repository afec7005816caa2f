"""What does the work: settings -> agents, queues, gates and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.agents.factory import AgentFactory
    from reconciler.database.connection import Connection
    from reconciler.database.rates import Counter
    from reconciler.database.rows.cipher import Cipher
    from reconciler.database.tasks import TaskKind
    from reconciler.execution.gate import Gate
    from reconciler.execution.inline import Ran
    from reconciler.execution.jobs import Executor
    from reconciler.execution.monitoring import Metrics
    from reconciler.execution.tasks import TaskQueue
    from reconciler.execution.worker import Worker
    from reconciler.settings import Settings
    from reconciler.spec.task import Values
    from reconciler.tools.host import Host


def agent_factory() -> AgentFactory:
    """What builds the agents of this process."""
    from reconciler.agents.factory import AgentFactory
    from reconciler.agents.static import installed_agents
    from reconciler.tools.registry import builtin_registry

    return AgentFactory(builtin_registry(), installed_agents())


def run_once(settings: Settings, agent: str, given: Values, overrides: Values, *, actor: str = "") -> Ran:
    """Runs an agent's task in this process, in one attempt, and records it. Raises NotFound; InvalidInput and Denied
    where the task cannot be submitted."""
    from reconciler.agents.static import installed_agents
    from reconciler.database.connection import connect
    from reconciler.database.tasks import NewTask
    from reconciler.execution.inline import run_inline

    task = NewTask(agent, given, overrides, max_attempts=1, origin="cli", actor=actor)
    with connect(settings.database, create=False) as connection:
        return run_inline(
            connection,
            agent_factory(),
            task,
            settings,
            static=installed_agents(),
            cipher=open_cipher(settings),
            gate=open_gate(settings, confined=False),
        )


def open_cipher(settings: Settings) -> Cipher:
    """What seals and opens encrypted fields; NO_KEY where no key is configured. Raises UsageError."""
    from reconciler.database.encryption import cipher_of

    return cipher_of(settings.encryption_keys, settings.encryption_keys_file)


def open_counter(settings: Settings) -> Counter | None:
    """What counts calls of tools; None: the database. Raises UsageError."""
    if not settings.redis_url:
        return None
    from reconciler.database.redis_rates import RedisRates

    return RedisRates(settings.redis_url)


def open_gate(settings: Settings, *, confined: bool) -> Gate:
    """What stands before tasks that run here, `confined` by this kernel or in this very process."""
    from reconciler.execution.gate import Gate
    from reconciler.execution.sandbox import protection
    from reconciler.manifests.pinned import Pinned
    from reconciler.spec.policy import Sandbox

    level = Sandbox(protection().level.value) if confined else None
    return Gate(level, Pinned(settings.policy))


def task_queue(connection: Connection, settings: Settings) -> TaskQueue:
    """The way in for tasks of all agents, dynamic and installed; sensitive inputs are sealed while they wait."""
    from reconciler.agents.static import installed_agents
    from reconciler.execution.tasks import TaskQueue

    return TaskQueue(connection, installed_agents(), open_cipher(settings))


def open_worker(
    settings: Settings,
    *,
    executor: str = "pool",
    children: int = 2,
    agents: frozenset[str] | None = None,
    kind: TaskKind | None = None,
    metrics: Metrics | None = None,
    schedule: bool = True,
) -> Worker:
    """A worker whose children are there and whose database is not open yet. Raises ZygoteFailed."""
    from reconciler.database.connection import connect
    from reconciler.execution.scheduler import Scheduler
    from reconciler.execution.worker import Scope, Worker, worker_name

    def open_executor(host: Callable[[], Host]) -> Executor:
        if executor == "inline":
            from reconciler.execution.inline import InlineExecutor, program_of

            return InlineExecutor(program_of(agent_factory(), settings), host)
        from reconciler.execution.host_calls import HostCalls
        from reconciler.execution.pool import Pool
        from reconciler.execution.zygote import Setup

        return Pool(Setup.of(settings), HostCalls(host), children=children)

    name = worker_name()
    return Worker(
        lambda: connect(settings.database, create=False, lock_timeout=settings.lock_timeout),
        open_executor,
        name=name,
        kind=executor,
        scope=Scope(agents, kind),
        ttl=settings.claim_seconds,
        cipher=open_cipher(settings),
        gate=open_gate(settings, confined=executor != "inline"),
        counter=open_counter(settings),
        metrics=metrics,
        scheduler=Scheduler(name) if schedule else None,
    )


def run_celery_worker(settings: Settings, *, children: int, kind: TaskKind | None) -> None:
    """Consumes the queues of all types, or of static agents, until told to stop. Raises UsageError without Celery."""
    from reconciler.errors import UsageError

    try:
        from reconciler.execution import celery_app
    except ImportError as error:
        raise UsageError("Celery is not installed", hint="pip install 'reconciler[celery]'") from error
    celery_app.work(settings, children=children, kind=kind)


def run_scheduler(settings: Settings, stopped: Callable[[], bool]) -> None:
    """Submits tasks by the clock until `stopped`. A database that does not answer is asked again."""
    from reconciler.database.connection import connect
    from reconciler.execution.scheduler import Scheduler, keep_scheduling
    from reconciler.execution.worker import worker_name

    def open_database() -> Connection:
        return connect(settings.database, create=False, lock_timeout=settings.lock_timeout)

    keep_scheduling(Scheduler(worker_name()), open_database, stopped)

"""The Celery application: `celery -A reconciler.execution.celery_app worker`, or `reconcile worker --executor celery`.

Messages name tasks, in a queue per type (`agents.<type>`) and one for static agents (`agents.static`); what is run, and
whether, the database says. Each of Celery's processes runs tasks in a sandboxed child of its own, records the end, and
only then acknowledges the message. Beside each worker runs a process that forwards what is due (`forwarder`) and
schedules, and that is started again where it was killed.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from celery import Celery, Task, bootsteps, signals

from reconciler.database.connection import Connection, connect
from reconciler.database.dispatch import live_types
from reconciler.database.encryption import cipher_of
from reconciler.database.redis_rates import RedisRates
from reconciler.errors import DatabaseError, ReconcilerError
from reconciler.execution.gate import Gate
from reconciler.execution.host_calls import HostCalls
from reconciler.execution.monitoring import configure_logging
from reconciler.execution.pool import Pool
from reconciler.execution.sandbox import protection
from reconciler.execution.single import Outcome, SingleRunner
from reconciler.execution.zygote import Setup
from reconciler.garbage import settled
from reconciler.manifests.pinned import Pinned
from reconciler.settings import Settings
from reconciler.spec.policy import Sandbox

if TYPE_CHECKING:
    from reconciler.database.tasks import TaskKind
    from reconciler.execution.jobs import Executor
    from reconciler.tools.host import Host

RUN = "reconciler.run"
STATIC_QUEUE = "agents.static"
REFRESH = 10.0
"""Seconds after which the queue of a new type is consumed."""
KIND_VARIABLE = "RECONCILER_CELERY_KIND"
"""Set by `reconcile worker --kind`, for the processes it starts: only the queues of agents of this kind."""

_LONGEST_WAIT = 30.0
_DATABASE_WAIT = 5.0
_FORWARDER_PATIENCE = 5.0
_FORWARDER_LOOK = 1.0

_log = structlog.get_logger(__name__)


class WorkerEnded(ReconcilerError):
    """A worker came to its end without having been asked to."""

    code = "worker-ended"


app = Celery("reconciler")
app.conf.update(
    broker_url=Settings.from_environment().broker_url,
    # A message is kept by the broker until the end of its task is in the database.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # How tasks ended is in the database.
    task_ignore_result=True,
    task_default_queue=STATIC_QUEUE,
    task_create_missing_queues=True,
    task_serializer="json",
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    # Redis hands a message to another worker when it was not acknowledged for so long. By then the task has ended or
    # is still claimed, and the message does nothing.
    broker_transport_options={"visibility_timeout": 3600, "confirm_publish": True},
    worker_hijack_root_logger=False,
    worker_soft_shutdown_timeout=30.0,
    worker_proc_alive_timeout=30.0,
)


def work(settings: Settings, *, children: int, kind: TaskKind | None) -> None:
    """Run a worker in this process until it is told to stop. Raises WorkerEnded where it gave up by itself."""
    # Celery's processes read the environment, as they do under Celery's own command.
    os.environ["RECONCILER_DATABASE_URL"] = settings.database
    if kind is not None:
        os.environ[KIND_VARIABLE] = kind
    # A name of its own: on RabbitMQ the second worker of one name is refused its control queue, and ends.
    name = f"--hostname=worker-{secrets.token_hex(4)}@%h"
    begun: list[Any] = []

    def note(instance: Any, **_: Any) -> None:
        begun.append(instance)

    signals.celeryd_after_setup.connect(note, weak=False)
    app.worker_main(
        [
            "worker",
            name,
            f"--concurrency={children}",
            "--without-gossip",
            "--without-mingle",
            "--loglevel=INFO",
        ]
    )
    # Celery says nothing of it to its caller, and whoever looks after this process should start it again.
    if any(worker.exitcode for worker in begun):
        raise WorkerEnded(
            "Celery's worker has given up; its log says why", hint="start it again: no task is lost"
        )


# --- in the processes of the worker's pool -----------------------------------------------------------

_runner: SingleRunner | None = None


@app.task(name=RUN, bind=True, max_retries=None)
def run(self: Task[Any, Any], task_id: str) -> None:
    """Run one task, if it is still to be run."""
    assert _runner is not None, "made when the process was"
    try:
        outcome = _runner.run(task_id)
    except DatabaseError as error:
        raise self.retry(countdown=_DATABASE_WAIT, exc=error) from error
    if outcome is Outcome.NOT_NOW:
        # Its agent has no room now. The forwarder would send it again, but only after a while.
        wait = min(_LONGEST_WAIT, 0.25 * 2.0 ** min(self.request.retries, 10))
        raise self.retry(countdown=wait)


@signals.worker_process_init.connect
def _open_runner(**_: Any) -> None:
    global _runner
    settings = Settings.from_environment()

    def open_pool(host: Callable[[], Host]) -> Executor:
        return Pool(Setup.of(settings), HostCalls(host), children=1)

    cipher = cipher_of(settings.encryption_keys, settings.encryption_keys_file)
    _runner = SingleRunner(
        lambda: _connect(settings),
        open_pool,
        ttl=settings.claim_seconds,
        cipher=cipher,
        gate=Gate(Sandbox(protection().level.value), Pinned(settings.policy)),
        counter=RedisRates(settings.redis_url) if settings.redis_url else None,
    )
    settled()


@signals.worker_process_shutdown.connect
def _close_runner(**_: Any) -> None:
    if _runner is not None:
        _runner.close()


# --- in the worker's main process, which must not keep what its pool would inherit --------------------


class ForwarderProcess:
    """Forwards and schedules beside this worker. A program of its own: its connections are nothing that the pool
    should ever inherit."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = True

    def keep(self) -> None:
        """Start it unless it runs: whatever ended it, without one no task would ever come."""
        if self._process is not None and (status := self._process.poll()) is not None:
            _log.warning("forwarder ended", status=status)
            self._process = None
        if self._process is None and self._wanted:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "reconciler.execution.celery_forwarder"], stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        self._wanted = False
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_FORWARDER_PATIENCE)


_forwarder = ForwarderProcess()


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    configure_logging(Settings.from_environment().log_format)
    # How each task ended is logged where that is known; that its message came and went says nothing more.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


@signals.worker_init.connect
def _settle(**_: Any) -> None:
    settled()


@signals.worker_shutting_down.connect
def _stop_forwarder(**_: Any) -> None:
    _forwarder.stop()


class Forwarding(bootsteps.StartStopStep):  # type: ignore[misc]
    """Looks after the forwarder for as long as there is a connection to the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        _forwarder.keep()
        self._timer = consumer.timer.call_repeatedly(_FORWARDER_LOOK, _forwarder.keep)

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()


class TypeQueues(bootsteps.StartStopStep):  # type: ignore[misc]
    """Consumes the queue of each type that has an agent, also of those that come later. Who names queues
    (`celery worker -Q agents.email-analysis`) gets these and no others."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._named = bool(getattr(consumer.app.amqp.queues, "_consume_from", None))
        self._kind = os.environ.get(KIND_VARIABLE, "")
        self._consumed: set[str] = set()
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Once a connection to the broker is there, and again after each that was lost."""
        if self._named or self._kind == "static":
            return
        if self._kind == "dynamic":
            consumer.cancel_task_queue(STATIC_QUEUE)
        self._consumed.clear()
        # Without asking for messages yet, for which nobody would be there: the event loop does, once it listens.
        queues = consumer.app.amqp.queues
        for queue in self._new():
            consumer.task_consumer.add_queue(queues.select_add(queue, exchange=queue, exchange_type="direct"))
        self._timer = consumer.timer.call_repeatedly(REFRESH, self._consume_new, (consumer,))

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _consume_new(self, consumer: Any) -> None:
        for queue in self._new():
            consumer.add_task_queue(queue)

    def _new(self) -> list[str]:
        """Queues that were not there the last time."""
        try:
            with _connect(Settings.from_environment()) as connection:
                queues = {f"agents.{name}" for name in live_types(connection)}
        except ReconcilerError as error:
            _log.warning("types not known", error=error.message)
            return []
        new = sorted(queues - self._consumed)
        self._consumed |= queues
        return new


app.steps["consumer"].update((TypeQueues, Forwarding))


def _connect(settings: Settings) -> Connection:
    return connect(settings.database, create=False, lock_timeout=settings.lock_timeout)

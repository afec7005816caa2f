"""`reconcile worker` and `reconcile scheduler`: programs that stay."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.cli.invocation import Invocation, shared_options
from reconciler.errors import NotFound, UsageError

if TYPE_CHECKING:
    from reconciler.database.tasks import TaskKind
    from reconciler.execution.worker import Until
    from reconciler.settings import Settings

EXECUTORS = ("pool", "inline", "celery")


@click.command()
@click.option(
    "--executor",
    type=click.Choice(EXECUTORS),
    default="pool",
    show_default=True,
    help="pool: sandboxed children; celery: tasks come by the broker; inline: no sandbox.",
)
@click.option(
    "--children",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    help="Processes that run tasks, one at a time each.",
)
@click.option("--agents", metavar="NAME[,NAME]", default="", help="Only tasks of these agents.")
@click.option("--kind", type=click.Choice(["dynamic", "static"]), help="Only tasks of agents of this kind.")
@click.option("--once", is_flag=True, help="Leave after one task.")
@click.option("--until-idle", is_flag=True, help="Leave when nothing is due.")
@click.option(
    "--grace",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long running tasks have to end when the worker is asked to stop.",
)
@click.option("--no-scheduler", is_flag=True, help="Leave the schedules of agents to others.")
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Answer Prometheus here, on 127.0.0.1.")
@click.option(
    "--metrics-address", default="127.0.0.1", metavar="ADDRESS", help="Answer Prometheus at this one."
)
@shared_options("database", "json", "debug")
def worker(
    invocation: Invocation,
    executor: str,
    children: int,
    agents: str,
    kind: TaskKind | None,
    once: bool,
    until_idle: bool,
    grace: float,
    no_scheduler: bool,
    metrics_port: int | None,
    metrics_address: str,
) -> None:
    """Work the queue until told to stop.

    SIGTERM or Ctrl-C: take nothing new, let what runs come to its end, give back what does not. A second one: leave
    at once. Logs go to standard error, as JSON with --json or RECONCILER_LOG_FORMAT=json.
    """
    from reconciler.bootstrap import open_worker, run_celery_worker
    from reconciler.database.failures import DatabaseMissing
    from reconciler.execution.monitoring import Metrics, configure_logging, serve_metrics

    if once and until_idle:
        raise UsageError("--once and --until-idle are two ways to leave", hint="give one of them")
    settings = invocation.settings()
    configure_logging("json" if invocation.json else settings.log_format)
    names = frozenset(filter(None, (name.strip() for name in agents.split(",")))) or None
    if executor == "celery":
        if once or until_idle:
            raise UsageError("a Celery worker stays until it is told to stop", hint="use --executor pool")
        if names:
            raise UsageError("Celery has a queue per type, not per agent", hint="use --executor pool")
        run_celery_worker(settings, children=children, kind=kind)
        return
    if names:
        _warn_of_strangers(settings, names)
    metrics = Metrics()
    if metrics_port is not None:
        try:
            serve_metrics(metrics, metrics_port, metrics_address)
        except OSError as error:
            raise UsageError(f"port {metrics_port} cannot be used: {error.strerror}") from error
    opened = open_worker(
        settings,
        executor=executor,
        children=children,
        agents=names,
        kind=kind,
        metrics=metrics,
        schedule=not no_scheduler,
    )
    until: Until = "once" if once else "idle" if until_idle else "stopped"
    with _stopped_by_signals(opened.stop, opened.watch):
        try:
            opened.run(until, grace=grace)
        except DatabaseMissing as error:
            raise NotFound(error.message, where=error.where, hint="reconcile --apply makes it") from error


def _warn_of_strangers(settings: Settings, names: Collection[str]) -> None:
    """A worker for an agent that nobody knows waits for ever; it may also be there before its agent is."""
    import structlog

    from reconciler.bootstrap import open_agent_registry
    from reconciler.spec.findings import did_you_mean

    known = [agent.name for agent in open_agent_registry(settings).list()]
    for name in sorted(set(names) - {*known}):
        structlog.get_logger(__name__).warning(
            "there is no such agent yet", agent=name, hint=did_you_mean(name, known)
        )


@click.command()
@shared_options("database", "json", "debug")
def scheduler(invocation: Invocation) -> None:
    """Submit the tasks of agents that are run by the clock, until told to stop.

    Workers do so by themselves; of all that are there, one schedules at a time.
    """
    from reconciler.bootstrap import run_scheduler
    from reconciler.execution.monitoring import configure_logging

    settings = invocation.settings()
    configure_logging("json" if invocation.json else settings.log_format)
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True

    with _stopped_by_signals(stop):
        run_scheduler(settings, lambda: stopped)


@contextmanager
def _stopped_by_signals(
    stop: Callable[[], None], watch: Callable[[int, Callable[[], None]], None] | None = None
) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`, wherever the program is; `watch` has it woken where it waits for descriptors."""
    hears, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    wakeup = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    if watch is not None:
        watch(hears, lambda: _drain(hears))
    for number, _ in before:
        signal.signal(number, lambda number, frame: stop())
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before:
            signal.signal(number, handler)
        os.close(hears)
        os.close(tells)


def _drain(descriptor: int) -> None:
    os.read(descriptor, 4096)

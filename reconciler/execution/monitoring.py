"""What workers and servers tell of themselves: structured logs, and counters for Prometheus.

Only programs that stay import this; a command that comes to its end has nobody who would scrape it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from reconciler.spec.task import StepTrace

if TYPE_CHECKING:
    from reconciler.database.tasks import Claimed, Finished
    from reconciler.execution.jobs import Done

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)


def configure_logging(log_format: str = "", stream: TextIO | None = None) -> None:
    """Everything logged by structlog or the standard library goes to standard error, one line each.

    `log_format` is `json` or `console`; empty: console where a person looks at it.
    """
    out = stream or sys.stderr
    as_json = log_format == "json" or (not log_format and not out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info if as_json else _unchanged,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Without the values of local variables, which a prettier traceback would show: keys and rows are among them.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if as_json else console
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


def _unchanged(logger: Any, method: str, event: Any) -> Any:
    return event


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        by_agent = ["agent"]
        self._tasks = self._counter("tasks", "Tasks that came to an end, or are to be tried again.", "state")
        self._failures = self._counter("task_failures", "Attempts that failed.", "code")
        self._steps = self._counter("steps", "Attempts of steps.", "call", "status")
        self._tokens = self._counter("tokens", "Tokens that language models counted.", "model")
        self._incidents = self._counter("incidents", "Violations seen while tasks ran.", "kind")
        self._task_seconds = self._histogram("task_seconds", "How long tasks ran.", *by_agent)
        self._step_seconds = self._histogram("step_seconds", "How long steps ran.", "call")
        self._running = Gauge(
            "reconciler_tasks_running", "Tasks that run in this worker now.", registry=self.registry
        )

    def ended(self, claimed: Claimed, done: Done, finished: Finished) -> None:
        agent = claimed.task.agent
        self._tasks.labels(agent, "lost" if finished.lost else finished.state.value).inc()
        self._task_seconds.labels(agent).observe(done.seconds)
        if finished.failure is not None:
            self._failures.labels(agent, finished.failure.code).inc()
        if done.incident is not None:
            self._incidents.labels(agent, done.incident.kind.value).inc()
        if done.result.tokens:
            self._tokens.labels(agent, done.result.model).inc(max(0, done.result.tokens))
        self._stepped(agent, done.result.trace)

    def running(self, count: int) -> None:
        self._running.set(count)

    def _stepped(self, agent: str, trace: Iterable[StepTrace]) -> None:
        for step in trace:
            self._steps.labels(agent, step.call, step.status).inc()
            self._step_seconds.labels(step.call).observe(step.duration)

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"reconciler_{name}", help_, ["agent", *labels], registry=self.registry)

    def _histogram(self, name: str, help_: str, *labels: str) -> Histogram:
        return Histogram(f"reconciler_{name}", help_, labels, registry=self.registry, buckets=_SECONDS)


def serve_metrics(metrics: Metrics, port: int, address: str = "127.0.0.1") -> None:
    """Have `GET /metrics` answered by a thread, as long as this process lives. Raises OSError where it cannot."""
    start_http_server(port, addr=address, registry=metrics.registry)

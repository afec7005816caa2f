"""Numbers of one server for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reconciler.spec.task import TaskState

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class ServerMetrics:
    """Counted by status alone on the way of every request: paths hold names, and there is no end of those."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "reconciler_http_requests", "Requests answered.", ["method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "reconciler_http_seconds", "How long answers took.", buckets=_SECONDS, registry=registry
        )
        self._tasks = Gauge(
            "reconciler_tasks", "Tasks that have not ended.", ["agent", "state"], registry=registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}

    def answered(self, method: str, status: int, seconds: float) -> None:
        known = self._answered.get((method, status))
        if known is None:
            known = self._answered[method, status] = self._requests.labels(method, status)
        known.inc()
        self._seconds.observe(seconds)

    def text(self, tasks: Mapping[str, Mapping[TaskState, int]]) -> bytes:
        """All numbers there are; `tasks` counts those that have not ended, by agent and state."""
        self._tasks.clear()
        for agent, counts in tasks.items():
            for state, count in counts.items():
                self._tasks.labels(agent, state.value).set(count)
        return generate_latest(self._registry)

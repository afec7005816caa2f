"""What a controller tells while it works: a line for each thing that happened, and gauges for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import structlog
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client import Counter as Total

from reconciler.control.controller.passes import Report
from reconciler.database.conditions import SOURCE, Condition

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_log = structlog.get_logger("reconciler.controller")


def log_report(report: Report, conditions: Iterable[Condition] = ()) -> None:
    """Nothing for a pass that found nothing new."""
    if report.error is not None:
        if report.changed:
            _log.error("source unreadable", code=report.error.code, message=report.error.message)
        return
    plan, outcome = report.plan, report.outcome
    if outcome is not None and (outcome.applied or outcome.failed):
        _log.info(
            "applied",
            revision=outcome.revision,
            units=len(outcome.applied),
            failed=len(outcome.failed),
            commit=plan.commit if plan else "",
            seconds=round(report.seconds, 3),
        )
        for unit, error in outcome.failed:
            _log.error("unit failed", unit=unit, message=error)
    for drift in plan.drift if plan else ():
        _log.warning("drift", object=drift.address, message=drift.message)
    for condition in report.changed:
        if condition.condition != "Ready":
            _log.warning(
                "condition",
                object=condition.address,
                condition=condition.condition,
                reason=condition.reason,
                message=condition.message,
            )


class Gauges:
    """How things stand after the newest pass, in a registry of their own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._objects = self._gauge("objects", "Objects by what is to be expected of them.", "condition")
        self._sync = self._gauge("objects_sync", "Objects by whether they are as wanted.", "sync")
        self._health = self._gauge("objects_health", "Objects by whether they work.", "health")
        self._source = self._gauge("source_ready", "1 while the source can be read and holds no errors.")
        self._drift = self._gauge("drift", "Differences that others made in the tables.")
        self._leading = self._gauge("controller_leading", "1 in the controller that holds the lease.")
        self._passes = Total(
            "reconciler_passes", "Passes by how they ended.", ["result"], registry=self.registry
        )
        self._units = Total(
            "reconciler_units", "Units by what came of them.", ["result"], registry=self.registry
        )
        self._seconds = Histogram(
            "reconciler_pass_seconds", "How long passes took.", buckets=_SECONDS, registry=self.registry
        )

    def passed(self, report: Report, conditions: Iterable[Condition]) -> None:
        self._passes.labels("failed" if report.error else "succeeded").inc()
        self._seconds.observe(report.seconds)
        if report.outcome is not None:
            self._units.labels("applied").inc(len(report.outcome.applied))
            self._units.labels("failed").inc(len(report.outcome.failed))
        if report.plan is not None:
            self._drift.set(len(report.plan.drift))
        if report.changed or report.outcome is not None:
            self.found(conditions)

    def found(self, conditions: Iterable[Condition]) -> None:
        every = list(conditions)
        source = [one for one in every if one.address == SOURCE]
        objects = [one for one in every if one.address != SOURCE]
        self._source.set(float(all(one.condition == "Ready" for one in source)))
        for gauge, found in (
            (self._objects, Counter(one.condition for one in objects)),
            (self._sync, Counter(one.sync for one in objects)),
            (self._health, Counter(one.health for one in objects)),
        ):
            gauge.clear()
            for label, count in found.items():
                gauge.labels(label).set(count)

    def leading(self, leads: bool) -> None:
        self._leading.set(float(leads))

    def _gauge(self, name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(f"reconciler_{name}", help_, labels, registry=self.registry)

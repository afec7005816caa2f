"""`reconcile --watch`: a program that stays, follows the source and keeps the database as it says."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from reconciler.cli.invocation import Invocation
from reconciler.cli.plan_request import WatchRequest
from reconciler.errors import PartlyApplied, UsageError

if TYPE_CHECKING:
    from reconciler.control.controller.passes import Report
    from reconciler.control.controller.telling import Gauges
    from reconciler.database.conditions import Condition


def run_watch(invocation: Invocation, request: WatchRequest) -> int:
    """SIGTERM or Ctrl-C: the unit that is being applied is the last. A second one: leave at once."""
    from reconciler.bootstrap import open_controller
    from reconciler.control.controller.telling import Gauges, log_report
    from reconciler.execution.monitoring import configure_logging

    settings = invocation.settings()
    configure_logging("json" if invocation.json else settings.log_format)
    for talkative in (
        "alembic",
        "watchfiles",
        "reconciler.pipeline",
    ):  # of rehearsals, whose failures are verdicts
        logging.getLogger(talkative).setLevel(logging.WARNING)
    gauges = Gauges()
    if request.metrics_port is not None:
        _serve(gauges, request.metrics_port)

    def told(report: Report, conditions: Collection[Condition]) -> None:
        log_report(report)
        gauges.passed(report, conditions)

    controller = open_controller(
        settings, interval=request.interval, allow=invocation.allow, actor=invocation.actor(), told=told
    )
    with _stopped_by_signals(controller.stop):
        report = controller.run(once=request.once)
    return _status(report) if request.once and report is not None else 0


def _status(report: Report) -> int:
    if report.error is not None:
        raise report.error
    failed = report.outcome is not None and report.outcome.failed
    return PartlyApplied.exit_status if failed or report.waiting else 0


def _serve(gauges: Gauges, port: int) -> None:
    from prometheus_client import start_http_server

    try:
        start_http_server(port, addr="127.0.0.1", registry=gauges.registry)
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror}") from error


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def heard(number: int, frame: FrameType | None) -> None:
        stop()
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in before:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

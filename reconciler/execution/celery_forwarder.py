"""`python -m reconciler.execution.celery_forwarder`: forwards and schedules beside a Celery worker, as long as that."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from reconciler.database.connection import Connection, connect
from reconciler.execution.celery_app import RUN, app
from reconciler.execution.forwarder import Forwarder
from reconciler.execution.kernel import prctl_die_with_parent
from reconciler.execution.monitoring import configure_logging
from reconciler.execution.scheduler import Scheduler
from reconciler.execution.worker import worker_name
from reconciler.garbage import settled
from reconciler.settings import Settings


class CeleryBroker:
    """The `Broker` of forwarders, by Celery's own connections."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, messages: Sequence[tuple[str, str]]) -> None:
        """The messages bear the ids of their tasks, which is how Celery's own tools show them."""
        amqp = self._app.amqp
        with self._app.producer_pool.acquire(block=True, timeout=10) as producer:
            try:
                with _together(producer):
                    for queue, task_id in messages:
                        # What is shown of the arguments is given, as finding it out costs half of a message.
                        shown = {"argsrepr": f"('{task_id}',)", "kwargsrepr": "{}"}
                        message = amqp.create_task_message(
                            task_id, RUN, (task_id,), {}, ignore_result=True, **shown
                        )
                        amqp.send_task_message(producer, RUN, message, queue=queue)
            except (OperationalError, *producer.connection.connection_errors) as error:
                raise ConnectionError(f"the broker did not take a message: {error}") from error

    def depth(self, queue: str) -> int:
        try:
            with self._app.connection_for_write() as connection:
                channel = connection.default_channel
                try:
                    return int(channel.queue_declare(queue=queue, passive=True).message_count)
                except connection.channel_errors:  # nobody has made it yet
                    return 0
        except OperationalError as error:
            raise ConnectionError(f"the broker did not answer: {error}") from error


def _together(producer: Any) -> AbstractContextManager[object]:
    """Redis takes messages by the hundred, where this version of kombu knows how to ask for it."""
    batch: AbstractContextManager[object] = producer.batch() if hasattr(producer, "batch") else nullcontext()
    return batch


def main() -> None:
    prctl_die_with_parent(os.getppid())
    settings = Settings.from_environment()
    configure_logging(settings.log_format)
    stopped = False

    def stop(*_: Any) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker says when

    def open_database() -> Connection:
        return connect(settings.database, create=False, lock_timeout=settings.lock_timeout)

    settled()
    name = worker_name()
    scheduler = Scheduler(name)
    Forwarder(open_database, CeleryBroker(app), name, scheduler.tick).work(lambda: stopped)


if __name__ == "__main__":
    main()

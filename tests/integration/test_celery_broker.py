"""What the forwarder tells a broker stands there, in order, once it was told; what was not taken is an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Queue

from reconciler.execution.celery_app import RUN
from reconciler.execution.celery_forwarder import CeleryBroker
from tests.faults.brokers import Broker, broker

QUEUE = "agents.tallies"


@pytest.fixture(params=["redis", "rabbitmq"])
def found(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with broker(request.param) as found:
        yield found


@pytest.fixture
def app(found: Broker) -> Iterator[Celery]:
    with Celery(broker=found.url, set_as_current=False) as app:
        app.conf.update(task_create_missing_queues=True, task_ignore_result=True)
        app.conf.update(broker_transport_options={"confirm_publish": True})
        yield app


def standing(url: str) -> list[Any]:
    """The messages of the queue, taken out of it."""
    with Connection(url) as connection:
        queue = Queue(QUEUE)(connection.default_channel)
        return [*iter(lambda: queue.get(no_ack=True), None)]


def test_each_message_names_its_task_in_a_way_that_celery_reads(found: Broker, app: Celery) -> None:
    ids = [f"task-{number}" for number in range(120)]
    sender = CeleryBroker(app)
    sender.send([(QUEUE, id_) for id_ in ids])
    assert sender.depth(QUEUE) == len(ids)
    messages = standing(found.url)
    assert [message.payload[0] for message in messages] == [[id_] for id_ in ids]
    told = [
        (message.headers["task"], message.headers["id"], message.headers["argsrepr"]) for message in messages
    ]
    assert told == [(RUN, id_, f"('{id_}',)") for id_ in ids]


def test_a_queue_that_nobody_has_made_is_empty(app: Celery) -> None:
    assert CeleryBroker(app).depth("agents.nobody") == 0


def test_a_broker_whose_connection_is_cut_is_told_everything_by_the_next_one(
    found: Broker, app: Celery
) -> None:
    sender = CeleryBroker(app)
    for number in range(5):
        found.proxy.cut()
        try:
            sender.send([(QUEUE, f"task-{number}"), (QUEUE, f"again-{number}")])
        except ConnectionError:
            sender.send([(QUEUE, f"task-{number}"), (QUEUE, f"again-{number}")])
    said = {message.payload[0][0] for message in standing(found.url)}
    assert said == {f"{word}-{number}" for number in range(5) for word in ("task", "again")}


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_where_no_broker_is_that_is_a_connection_error(scheme: str) -> None:
    with Celery(broker=f"{scheme}://127.0.0.1:1", set_as_current=False) as app:
        app.conf.update(task_publish_retry=False, broker_connection_timeout=1)
        sender = CeleryBroker(app)
        with pytest.raises(ConnectionError, match="the broker did not take a message"):
            sender.send([(QUEUE, "task-1")])

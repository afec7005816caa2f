"""What is due is handed to the broker once its commit is there, and again if the broker lost it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from reconciler.database import tasks
from reconciler.database.connection import Connection, connect
from reconciler.database.tasks import NewTask
from reconciler.execution import forwarder as forwarding
from reconciler.execution.forwarder import Forwarder
from tests.integration.tallies import deploy_tallies, submit_tallies


class Shelf:
    """A broker in memory."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.standing: Counter[str] = Counter()
        self.down = False

    def send(self, messages: Sequence[tuple[str, str]]) -> None:
        if self.down:
            raise ConnectionError("nobody is there")
        self.sent += messages
        self.standing.update(queue for queue, _ in messages)

    def depth(self, queue: str) -> int:
        return self.standing[queue]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy_tallies(opened)
        yield opened


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "LOOK", 0.01)
    monkeypatch.setattr(forwarding, "SWEEP", 0.0)
    monkeypatch.setattr(forwarding, "RENEW", 0.0)


def turns(number: int) -> Any:
    """Says stop after so many turns."""
    left = iter(range(number))
    return lambda: next(left, None) is None


def forward(url: str, shelf: Shelf, number: int = 3) -> None:
    Forwarder(lambda: connect(url), shelf, "tester").work(turns(number))


def test_each_task_is_sent_once_to_the_queue_of_its_type(connection: Connection, database_url: str) -> None:
    ids = submit_tallies(connection, 3)
    (static,) = tasks.submit(connection, [NewTask("echo", {}, kind="static")])
    shelf = Shelf()
    forward(database_url, shelf, 5)
    assert sorted(shelf.sent) == sorted(
        [*(("agents.tallies", id_) for id_ in ids), ("agents.static", static.id)]
    )


def test_what_is_not_committed_is_not_sent(connection: Connection, database_url: str) -> None:
    if connection.dialect == "sqlite":
        pytest.skip("the forwarder cannot even take its lease while another writes")
    shelf = Shelf()
    with connection.transaction():
        submit_tallies(connection, 1)
        forward(database_url, shelf)
        assert shelf.sent == []
    forward(database_url, shelf)
    assert len(shelf.sent) == 1


def test_what_is_not_due_yet_waits(connection: Connection, database_url: str) -> None:
    tasks.submit(connection, [NewTask("counter", {"number": 1}, not_before="2999-01-01T00:00:00.000000Z")])
    shelf = Shelf()
    forward(database_url, shelf)
    assert shelf.sent == []


def test_what_the_broker_lost_is_sent_again_and_what_stands_there_is_not(
    connection: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "OVERLAP", 0.0)
    monkeypatch.setattr(forwarding, "LOST_AFTER", 0.01)
    submit_tallies(connection, 1)
    shelf = Shelf()
    forward(database_url, shelf, 4)
    assert len(shelf.sent) == 1
    shelf.standing.clear()
    forward(database_url, shelf, 2)
    assert len(shelf.sent) == 2


def test_a_task_whose_worker_died_is_sent_again(connection: Connection, database_url: str) -> None:
    (id_,) = submit_tallies(connection, 1)
    tasks.claim_one(connection, "dead", id_, ttl=60)
    connection.execute("UPDATE tasks SET expires_at = '2000-01-01T00:00:00.000000Z'")
    shelf = Shelf()
    forward(database_url, shelf)
    assert shelf.sent == [("agents.tallies", id_)]


def test_a_broker_that_is_away_is_asked_again(connection: Connection, database_url: str) -> None:
    submit_tallies(connection, 2)
    shelf = Shelf()
    shelf.down = True
    stopped = turns(6)

    def recovering() -> bool:
        shelf.down = next(failing, False)
        return bool(stopped())

    failing = iter([True, True])
    Forwarder(lambda: connect(database_url), shelf, "tester").work(recovering)
    assert len(shelf.sent) == 2


def test_of_two_one_forwards(connection: Connection, database_url: str) -> None:
    from reconciler.database.lease import acquire

    acquire(connection, "forwarder", holder="another")
    submit_tallies(connection, 1)
    shelf = Shelf()
    forward(database_url, shelf)
    assert shelf.sent == []

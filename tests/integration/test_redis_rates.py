"""Rates counted in Redis hold for all processes together, and what cannot be counted is not done."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from collections.abc import Callable, Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from secrets import token_hex
from typing import Any

import pytest

from reconciler.database.connection import connect
from reconciler.database.rates import Rate
from reconciler.database.redis_rates import PREFIX, RedisRates
from reconciler.database.rows.host import DatabaseHost
from reconciler.errors import RateLimited, Unavailable, UsageError
from reconciler.execution.worker import Worker
from reconciler.tools.host import Host

URL = "redis://127.0.0.1:6379/0"
PROCESSES, SECONDS, PER_SECOND = 4, 4.0, 400


@pytest.fixture(scope="module")
def redis() -> str:
    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=1).close()
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail("no Redis at 127.0.0.1:6379")
        pytest.skip("no Redis at 127.0.0.1:6379")
    return URL


@pytest.fixture
def name(redis: str) -> Iterator[str]:
    found = f"test/{token_hex(6)}"
    yield found
    RedisRates(redis)._client.delete(PREFIX + found)


def test_a_rate_allows_so_many_and_no_more(redis: str, name: str) -> None:
    rates = RedisRates(redis)
    assert [rates.take(Rate(name, 3, 3600)) for _ in range(5)] == [True, True, True, False, False]


def test_room_returns_with_time(redis: str, name: str) -> None:
    rates = RedisRates(redis)
    assert [rates.take(Rate(name, 2, 0.2)) for _ in range(3)] == [True, True, False]
    time.sleep(0.22)
    assert rates.take(Rate(name, 2, 0.2))


def take_all(name: str, ready: Barrier, told: Queue[list[float]]) -> None:
    rates, taken = RedisRates(URL), []
    rate = Rate(name, PER_SECOND, 1)
    rates.take(Rate(f"{name}/warm", 1, 1))
    ready.wait(60)
    until = time.time() + SECONDS
    while (now := time.time()) < until:
        if rates.take(rate):
            taken.append(now)
    told.put(taken)


def test_four_processes_together_keep_a_rate_and_use_all_of_it(redis: str, name: str) -> None:
    """No second has more than the rate allows, and no more than a hundredth of it is left."""
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(PROCESSES), context.Queue()
    takers = [context.Process(target=take_all, args=(name, ready, told)) for _ in range(PROCESSES)]
    for taker in takers:
        taker.start()
    found = [told.get(timeout=60) for _ in takers]
    for taker in takers:
        taker.join()
    taken = sorted(moment for part in found for moment in part)
    assert all(found), "each had its share"
    # The moment is that of asking, and the server counts a little later: some slack at the edges of a second.
    worst = max(
        sum(other < moment + 0.98 for other in taken[index : index + 2 * PER_SECOND])
        for index, moment in enumerate(taken)
    )
    assert worst <= PER_SECOND
    assert len(taken) >= 0.99 * PER_SECOND * SECONDS


def test_a_host_counts_where_it_is_told_to(redis: str, name: str, sqlite_url: str) -> None:
    host = DatabaseHost(lambda: connect(sqlite_url), counter=RedisRates(redis))
    agent = name.replace("/", "-")
    host.take(agent, "http_request", "1/hour")
    with pytest.raises(RateLimited, match="1 times per hour"):
        host.take(agent, "http_request", "1/hour")
    RedisRates(redis)._client.delete(f"{PREFIX}calls/{agent}/http_request")


def test_what_cannot_be_counted_is_not_done() -> None:
    with pytest.raises(Unavailable, match="cannot be counted"):
        RedisRates("redis://127.0.0.1:1/0").take(Rate("x", 1, 1))


def test_an_address_that_is_none_is_told_without_being_quoted() -> None:
    with pytest.raises(UsageError) as caught:
        RedisRates("http://:hunter2@x")
    assert "hunter2" not in str(caught.value)


def test_counting_costs_little(redis: str, name: str) -> None:
    """Far below what a commit costs. The median, as the machine may have other things to do."""
    rates, rate = RedisRates(redis), Rate(name, 10**9, 3600)
    costs = []
    for _ in range(2000):
        began = time.perf_counter()
        rates.take(rate)
        costs.append(time.perf_counter() - began)
    median = sorted(costs)[len(costs) // 2]
    print(f"median of one count: {median * 1e6:.0f} µs")
    assert median < 0.001


def test_a_worker_counts_where_it_is_told_to(redis: str, sqlite_url: str) -> None:
    """The host that answers its tasks has the counter that the worker was given."""
    hosts: list[Callable[[], Host]] = []

    def keep(host: Callable[[], Host]) -> Any:
        hosts.append(host)

    Worker(lambda: connect(sqlite_url), keep, counter=RedisRates(redis))
    agent = f"agent-{token_hex(6)}"
    hosts[0]().take(agent, "template", "1/second")
    with pytest.raises(RateLimited):
        hosts[0]().take(agent, "template", "1/second")

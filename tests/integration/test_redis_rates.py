"""Rates counted in Redis hold for all processes together, and what cannot be counted is not done."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from secrets import token_hex
from typing import Any

import pytest

from reconciler.database.connection import connect
from reconciler.database.rates import Rate
from reconciler.database.redis_rates import PREFIX, RedisRates
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.upgrade import ensure_catalog
from reconciler.errors import RateLimited, Unavailable, UsageError
from reconciler.execution.worker import Worker
from reconciler.tools.host import Host

URL = "redis://127.0.0.1:6379/0"
PROCESSES, SECONDS, PER_SECOND, MINUTE = 4, 4.0, 400, 60.0


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


def take_all(
    name: str,
    seconds: float,
    rate: str,
    database: str,
    ready: Barrier,
    told: Queue[list[tuple[float, float]]],
) -> None:
    """Takes whatever there is. Of each, the moments before and after it was taken."""
    agent, taken = name.replace("/", "-"), []
    host = DatabaseHost(lambda: connect(database), counter=None if database else RedisRates(URL))
    with suppress(RateLimited):
        host.take(f"{agent}-warm", "tool", "1/second")
    ready.wait(60)
    until = time.time() + seconds
    while (now := time.time()) < until:
        try:
            host.take(agent, "tool", rate)
        except RateLimited:
            time.sleep(0.0005)
        else:
            taken.append((now, time.time()))
    told.put(taken)


def test_four_processes_together_keep_a_rate_and_use_all_of_it(redis: str, name: str) -> None:
    """No second has more than the rate allows, and no more than a hundredth of it is left."""
    taken = taken_by_four(name, SECONDS)
    check_kept(taken)
    assert len(taken) >= 0.99 * PER_SECOND * SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("counted_in", "rate"),
    [
        ("redis", "400/second"),
        ("redis", "6000/minute"),
        ("sqlite", "6000/minute"),
        ("postgresql", "6000/minute"),
    ],
)
def test_a_rate_holds_for_a_minute_within_a_hundredth(
    counted_in: str, rate: str, name: str, request: pytest.FixtureRequest
) -> None:
    """Never more within a second; and of what a minute allows no more is taken and no less, by whoever comes first."""
    database = ""
    if counted_in != "redis":
        database = request.getfixturevalue(f"{counted_in.removesuffix('ql')}_url")
        with connect(database) as connection:
            ensure_catalog(connection)
    taken = taken_by_four(name, MINUTE, rate, database)
    count, unit = int(rate.partition("/")[0]), rate.partition("/")[2]
    allowed = count * (MINUTE if unit == "second" else 1)
    print(f"{counted_in}: {len(taken)} in {MINUTE:.0f} s of {allowed:.0f}")
    assert len(taken) <= 1.01 * allowed
    if unit == "second":
        check_kept(taken)  # how much of it is used is up to the machine: what comes late is late for good
    else:
        assert len(taken) >= 0.99 * allowed


def taken_by_four(
    name: str, seconds: float, rate: str = f"{PER_SECOND}/second", database: str = ""
) -> list[tuple[float, float]]:
    """By so many processes at once, each as fast as it can."""
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(PROCESSES), context.Queue()
    takers = [
        context.Process(target=take_all, args=(name, seconds, rate, database, ready, told))
        for _ in range(PROCESSES)
    ]
    for taker in takers:
        taker.start()
    found = [told.get(timeout=seconds + 60) for _ in takers]
    for taker in takers:
        taker.join()
    assert all(found), "each had its share"
    return sorted(moment for part in found for moment in part)


def check_kept(taken: list[tuple[float, float]]) -> None:
    """What was certainly taken within one second: asked for after its beginning, answered before its end."""
    answered = sorted(after for _, after in taken)
    for index, (begin, _) in enumerate(taken):
        certain = bisect_left(answered, begin + 1.0) - index
        assert certain <= PER_SECOND, f"{certain} within a second"


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

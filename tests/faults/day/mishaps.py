"""What happens to the household all day. Each mishap is a deed that is over soon; `Weather` does them at random."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
from redis import Redis

from tests.faults.brokers import Proxy
from tests.faults.day.residents import Household
from tests.ollama_protocol import Request
from tests.ollama_server import Fault, OllamaServer, Scripted, fitting

FAULTS = [fault for fault in Fault if fault is not Fault.ENDLESS_LINE]
"""Of the language model: all but the one that keeps a processor busy."""
FAULTY_SHARE = 0.3
LONGER_THAN_A_LEASE = 4.0
FULL = 1.5
"""Seconds that a disk stays full, and a language model away."""

Deed = Callable[[], None]


class Weather:
    """Does one of the deeds every so often. `count` says how often which was done."""

    def __init__(self, deeds: Mapping[str, Deed], seed: int, pause: tuple[float, float]) -> None:
        self._deeds, self._random, self._pause = deeds, random.Random(seed), pause
        self._left: list[str] = []
        self.count: Counter[str] = Counter()

    def next_pause(self) -> float:
        """Seconds until the next."""
        return self._random.uniform(*self._pause)

    def strike(self) -> None:
        """In an order of chance, but each as often as the others."""
        if not self._left:
            self._left = self._random.sample([*self._deeds], len(self._deeds))
        name = self._left.pop()
        self._deeds[name]()
        self.count[name] += 1


def ill_tempered(seed: int) -> Callable[[Request], Scripted]:
    """How the language model of the day answers: as it should, or with one of its faults."""
    chance = random.Random(seed)
    return lambda request: chance.choice(FAULTS) if chance.random() < FAULTY_SHARE else fitting(request)


def of_processes(household: Household, seed: int) -> dict[str, Deed]:
    chance = random.Random(seed)
    controller, server, worker = household.controllers[0], household.servers[0], household.workers[0]

    def something_below_a_worker() -> None:
        chance.choice(household.workers).kill_something_below(chance.choice)

    def lease_holder_sleeps() -> None:
        controller.pause()
        later(LONGER_THAN_A_LEASE, controller.resume)

    def disk_is_full() -> None:
        victim = chance.choice(household.everybody)
        victim.refuse_growth(True)
        later(FULL, lambda: victim.refuse_growth(False))

    return {
        "a worker was killed": worker.kill,
        "something below a worker was killed": something_below_a_worker,
        "a controller was killed": controller.kill,
        "a controller slept for longer than a lease": lease_holder_sleeps,
        "an API server was killed": server.kill,
        "files could not grow": disk_is_full,
    }


def of_ollama(ollama: OllamaServer) -> dict[str, Deed]:
    def away() -> None:
        ollama.stop()
        later(FULL, lambda: ignored(ollama.start))

    return {"the language model was away": away}


def of_broker(proxy: Proxy, url: str) -> dict[str, Deed]:
    def forgets() -> None:
        with Redis.from_url(url) as redis:
            redis.flushdb()

    return {"connections to the broker were cut": proxy.cut, "the broker forgot all messages": forgets}


def of_postgres(url: str) -> dict[str, Deed]:
    def cut() -> None:
        server = urlsplit(url)._replace(path="/postgres").geturl()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (urlsplit(url).path.removeprefix("/"),),
            )

    return {"connections to the database were cut": cut}


_pending: list[threading.Timer] = []


def later(seconds: float, deed: Deed) -> None:
    timer = threading.Timer(seconds, deed)
    timer.daemon = True
    _pending.append(timer)
    timer.start()


def end_all() -> None:
    """Wait until whatever is to be undone later is undone."""
    while _pending:
        _pending.pop().join()


def ignored(deed: Callable[[], object]) -> None:
    with suppress(OSError):
        deed()


__all__ = ["Weather", "end_all", "ill_tempered", "of_broker", "of_ollama", "of_postgres", "of_processes"]

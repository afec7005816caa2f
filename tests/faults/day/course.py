"""The course of a day: who is there, for how long it goes on, and what is found in the evening."""

from __future__ import annotations

import os
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.database.api_keys import Role, create_key
from reconciler.database.connection import connect
from reconciler.database.encryption import generate
from reconciler.database.upgrade import ensure_catalog
from tests.acceptance.command_line import PROGRAM, CommandLine
from tests.faults.brokers import Proxy
from tests.faults.controlled import digests, wait_until
from tests.faults.day import audit, mishaps
from tests.faults.day.people import Author, Branch, Clients, Desk, Folder, Person, Reader, Submitter, Talker
from tests.faults.day.residents import Household, Resident, free_port, now
from tests.faults.day.written import CANARY
from tests.faults.test_edits import wanted
from tests.git_server import serving as serving_git
from tests.ollama_server import OllamaServer
from tests.repository import Repository

PAIRS = ("pool-sqlite", "celery-postgresql")
BROKER = os.environ.get("RECONCILER_TEST_DAY_REDIS_URL", "redis://127.0.0.1:6379/10")
QUIET = 90.0
"""Seconds after the last mishap within which all has to have come to rest."""
LONG_ENOUGH = 180.0
"""Seconds of a day after which memory and open files can be judged: by then whatever is loaded late is loaded."""
PEPPER = f"{CANARY}-pepper"


@dataclass(frozen=True)
class Report:
    """`broken` are the promises that were not kept; `text` says what happened."""

    broken: Sequence[str]
    text: str


def spend(pair: str, url: str, folder: Path, seconds: float, seed: int = 1) -> Report:
    """A day of so many seconds. `url` is an empty database, `folder` an empty folder."""
    day = _Day(pair, url, folder, seed)
    with day.broker() as proxy, day.desk() as (desk, source), OllamaServer() as ollama:
        ollama.respond = mishaps.ill_tempered(seed)
        day.open(source, ollama.url, proxy)
        try:
            day.pass_by(desk, ollama, proxy, seconds)
            day.settle(desk)
        finally:
            for resident in day.household.everybody:
                resident.stop()
        return day.report(desk, source, seconds)


class _Day:
    def __init__(self, pair: str, url: str, folder: Path, seed: int) -> None:
        self._pair, self._url, self._folder, self._seed = pair, url, folder, seed
        self._over = threading.Event()
        self._sealing = generate("k1")
        self.took = 0.0
        self.broken: list[str] = []

    @contextmanager
    def broker(self) -> Iterator[Proxy | None]:
        if self._pair.startswith("pool"):
            yield None
            return
        from urllib.parse import urlsplit

        from redis import Redis

        with Redis.from_url(BROKER) as redis:
            redis.flushdb()
            parts = urlsplit(BROKER)
            assert parts.hostname
            with Proxy(parts.hostname, parts.port or 6379) as proxy:
                yield proxy
            redis.flushdb()

    @contextmanager
    def desk(self) -> Iterator[tuple[Desk, str]]:
        """Where authors write, and what controllers and servers follow."""
        if self._pair.startswith("pool"):
            yield Folder(self._folder / "agents.d"), str(self._folder / "agents.d")
            return
        work = Repository(self._folder / "work")
        work.commit({"agents.d/README": "manifests of the day"})
        bare = work.bare_copy(self._folder / "repositories" / "agents.git")
        with serving_git(bare.parent) as server:
            yield Branch(work), f"git+{server.url}/agents.git@main#agents.d"

    # --- morning

    def open(self, source: str, ollama: str, proxy: Proxy | None) -> None:
        with connect(self._url) as connection:
            ensure_catalog(connection)
            self._keys = {
                role: create_key(connection, role.value, role, pepper=PEPPER.encode(), created_by="day")[0]
                for role in (Role.OPERATOR, Role.AUTHOR)
            }
        key_file = self._folder / "keys"
        key_file.write_text(self._sealing)
        around = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "RECONCILER_SOURCE": source,
            "RECONCILER_DATABASE_URL": self._url,
            "RECONCILER_CACHE_DIR": str(self._folder / "cache"),
            "RECONCILER_ENCRYPTION_KEYS_FILE": str(key_file),
            "RECONCILER_OLLAMA_URL": ollama,
            "RECONCILER_API_PEPPER": PEPPER,
            "RECONCILER_API_REQUESTS_PER_MINUTE": "99999999",
            "RECONCILER_CLAIM_SECONDS": "2",
            "RECONCILER_LEASE_SECONDS": "3",
            "RECONCILER_LOG_FORMAT": "json",
            "RECONCILER_GIT_TOKEN": f"{CANARY}-git",
            "LETTERS_TOKEN": f"{CANARY}-token",
        }
        if proxy is not None:
            around["RECONCILER_BROKER_URL"] = BROKER.replace(":6379", f":{proxy.port}")
        self.line = CommandLine(
            self._folder, **{k: v for k, v in around.items() if k not in ("PATH", "HOME")}
        )
        self._around = around
        executor = ["--executor", "celery"] if proxy is not None else []
        ports = [free_port() for _ in range(2)]
        self.household = Household(
            controllers=[self._resident(f"controller-{n}", "--watch", "--interval", "0.5") for n in range(2)],
            servers=[
                self._resident(f"server-{n}", "serve", "--port", str(port)) for n, port in enumerate(ports)
            ],
            workers=[self._resident(f"worker-{n}", "worker", "--children", "2", *executor) for n in range(2)],
            addresses=[f"http://127.0.0.1:{port}" for port in ports],
        )

    def _resident(self, name: str, *arguments: str) -> Resident:
        around = {**self._around, "RECONCILER_ACTOR": name}
        return Resident(name, [str(PROGRAM), *arguments], around, self._folder)

    # --- day

    def pass_by(self, desk: Desk, ollama: OllamaServer, proxy: Proxy | None, seconds: float) -> None:
        self.clients = Clients(self.household.addresses, self._over)
        reader, author_key = self._keys[Role.OPERATOR], self._keys[Role.AUTHOR]
        self.author = Author(desk, self._seed)
        wait_until(lambda: "agent/clerk" in digests(self._url), "the first manifests are applied")
        wait_until(self._all_serve, "the API is served")
        self.submitters = [Submitter(self.clients, author_key, self._seed)]
        self.talker = Talker(self.clients, author_key, self._seed)
        people = [
            Person(self.author.work, self._over, 0.7),
            Person(self.talker.work, self._over, 1.0),
            Person(Reader(self.clients, reader, self._seed).work, self._over, 0.1),
            *(Person(one.work, self._over, 0.12) for one in self.submitters),
        ]
        deeds = mishaps.of_processes(self.household, self._seed) | mishaps.of_ollama(ollama)
        if proxy is not None:
            deeds |= mishaps.of_broker(proxy, BROKER) | mishaps.of_postgres(self._url)
        # In a long day there is more quiet between two mishaps, in which processes grow if they do.
        self.weather = mishaps.Weather(deeds, self._seed, (0.5, 1.5) if seconds <= 60 else (1.0, 5.0))
        for person in people:
            person.start()
        began = now()
        strike_at = began + self.weather.next_pause()
        while now() - began < seconds:
            time.sleep(min(1.0, seconds / 40))
            for resident in self.household.everybody:
                resident.look_after()
                resident.sample(now() - began)
            if now() >= strike_at:
                self.weather.strike()
                strike_at = now() + self.weather.next_pause()
        self.took = now() - began
        mishaps.end_all()
        self._over.set()
        for person in people:
            person.join(30)
            if person.failure is not None:
                self.broken.append(f"somebody stopped working: {person.failure!r}")

    def _all_serve(self) -> bool:
        for address in self.household.addresses:
            urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
        return True

    # --- evening

    def settle(self, desk: Desk) -> None:
        self.author.settle()
        self._wait("every manifest is in place", lambda: digests(self._url) == wanted(desk.folder))
        self._wait("every task has ended", self._all_ended)

    def _wait(self, what: str, holds: Any) -> None:
        try:
            wait_until(holds, what, QUIET)
        except AssertionError as error:
            self.broken.append(str(error))

    def _all_ended(self) -> bool:
        with connect(self._url, create=False) as db:
            # Attempts wait longer and longer; here that would only make the evening longer.
            db.execute("UPDATE tasks SET not_before = submitted_at WHERE state = 'pending'")
            ((left,),) = db.execute("SELECT count(*) FROM tasks WHERE state IN ('pending', 'running')")
        return not left

    def report(self, desk: Desk, source: str, seconds: float) -> Report:
        submitter = self.submitters[0]
        broken = [*self.broken, *submitter.contradicted, *self.clients.wrong]
        plan = self.line("--plan", "--detailed-exitcode")
        if plan.code:
            broken.append(f"the plan is not empty:\n{plan.out}{plan.err}")
        chain = self.line("audit", "--verify")
        if chain.code:
            broken.append(f"the audit is broken: {chain.out}{chain.err}")
        with connect(self._url, create=False) as db:
            broken += audit.rows(db, submitter.promised)
            broken += audit.revisions(db)
            ((applied,),) = db.execute("SELECT count(*) FROM revisions")
            ((letters,),) = db.execute("SELECT count(*) FROM letters__letter")
            ((attempts,),) = db.execute("SELECT coalesce(sum(attempts), 0) FROM tasks")
        broken += audit.logs(self.household.everybody)
        broken += audit.secrets(
            self._told(plan.out + chain.out), [*self._keys.values(), self._sealing.split(":")[1].strip()]
        )
        live = digests(self._url)
        broken += [
            f"agent {name} was built and is not there"
            for name in self.talker.built
            if f"agent/{name}" not in live
        ]
        if seconds >= LONG_ENOUGH:
            for resident in self.household.spared:
                broken += audit.flat(resident, seconds)
        facts = {
            "Pair": f"{self._pair}, {self.took:.0f} s, Python {sys.version.split()[0]}",
            "Tasks": f"{submitter.begun} begun, {len(submitter.promised)} promised, {letters} letters,"
            f" {attempts} attempts",
            "Edits": _counted(self.author.edits),
            "Revisions": str(applied),
            "Builder": f"{self.talker.held} sessions, {len(self.talker.built)} agents built, of"
            f" {len(self.talker.unheard)} nobody heard",
            "API": f"{_counted(self.clients.answers)}; {self.clients.unanswered} not answered",
            **{f"Mishap: {name}": str(count) for name, count in sorted(self.weather.count.items())},
            **{f"Kept: {one.name}": audit.course(one.samples) for one in self.household.spared},
            "Given up": "; ".join(self.talker.given_up) or "nothing",
        }
        return Report(broken, _text(facts, broken))

    def _told(self, said: str) -> Iterator[tuple[str, str | bytes]]:
        yield "what commands say", said
        for resident in self.household.everybody:
            if resident.log.exists():
                yield f"the log of {resident.name}", resident.log.read_bytes()
        yield "what the API answered", "\n".join(self.clients.texts)
        yield from audit.texts_of_database(self._url)
        for path in (self._folder / "cache").rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self._folder)), path.read_bytes()


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(
        f"{count} × {name}" for name, count in sorted(counts.items(), key=lambda one: str(one[0]))
    )


def _text(facts: Mapping[str, str], broken: Sequence[str]) -> str:
    lines = [f"{name:<52} {value}" for name, value in facts.items()]
    verdict = ["All promises were kept."] if not broken else [f"{len(broken)} promises were broken:", *broken]
    return "\n".join([*lines, "", *verdict])

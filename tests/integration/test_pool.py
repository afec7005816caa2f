"""Whatever a task does, it comes to its end in time, the reason is told, and the next task finds a pool as before."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Denied
from reconciler.execution.incidents import IncidentKind
from reconciler.execution.nursery import ZygoteFailed
from reconciler.execution.pool import Done, Job, Pool
from reconciler.execution.sandbox import SandboxLevel, protection
from reconciler.execution.wire import Bounds, Garbage
from reconciler.execution.zygote import Setup
from reconciler.spec.codec import canonical
from reconciler.spec.task import Blueprint, Task
from tests.integration.deployed import agent_of, type_of
from tests.ollama_server import OllamaServer

ROOT = str(Path(__file__).parents[2])
SETUP = Setup("tests.integration.hostile_agents:program")
ROOM = 2.0
"""Seconds by which a task may outlive its limit."""

needs = pytest.mark.skipif
confined = needs(protection().level != SandboxLevel.FILES, reason=f"this kernel offers {protection()} only")


class Harness:
    """A pool, and answers to what its tasks ask."""

    def __init__(self, children: int = 1, setup: Setup = SETUP) -> None:
        self.asked: list[tuple[str, list[Any]]] = []
        self._numbers = count(1)
        environment = {
            **os.environ,
            "PYTHONPATH": ROOT,
            "RECONCILER_DATABASE_URL": "postgresql://u:secret@h/d",
        }
        self.pool = Pool(setup, self._answer, children=children, environment=environment)

    def job(self, agent: str, *, bounds: Bounds | None = None, **given: Any) -> Job:
        task = Task(f"task-{next(self._numbers)}", agent, given, "2026-01-01T00:00:00Z")
        return Job(task, Blueprint(agent, "", "static"), bounds or Bounds())

    def run(self, agent: str, *, bounds: Bounds | None = None, **given: Any) -> Done:
        self.pool.start(self.job(agent, bounds=bounds, **given))
        (done,) = self.wait(1)
        return done

    def deed(self, deed: str, **bounds: Any) -> Done:
        return self.run("hostile", bounds=Bounds(**bounds), deed=deed)

    def running(self, number: int) -> list[int]:
        """The processes of the children that run tasks, once so many do."""
        end = time.monotonic() + 10
        while True:
            pids = [c.pid for c in self.pool._brood if c.running is not None and c.pid > 0]
            if len(pids) == number:
                time.sleep(0.1)  # until the task has got to where it does what it is for
                return pids
            assert time.monotonic() < end
            assert self.pool.poll(0.1) == []

    def wait(self, number: int, seconds: float = 20.0) -> list[Done]:
        done: list[Done] = []
        end = time.monotonic() + seconds
        while len(done) < number:
            assert time.monotonic() < end, f"{len(done)} of {number} tasks came to an end"
            done += self.pool.poll(0.2)
        return done

    def _answer(self, job: Job, method: str, arguments: list[Any]) -> Any:
        self.asked.append((method, arguments))
        match method, arguments:
            case "secret", [_, "key"]:
                return "s3cret"
            case "secret", _:
                raise Denied("no such secret", where="here", hint="bind it")
            case "reserve_ids", [_, _, int(number)]:
                return [*range(100, 100 + number)]
        raise Garbage("nobody asks that")


@pytest.fixture
def harness() -> Iterator[Harness]:
    harness = Harness()
    with harness.pool:
        yield harness


SMALL = 128 * 2**20

HOSTILE = [
    ("eat", {"memory": SMALL}, "memory_exceeded", IncidentKind.MEMORY),
    ("eat_at_once", {"memory": SMALL}, "memory_exceeded", IncidentKind.MEMORY),
    ("spin", {"cpu": 1.0}, "cpu_exceeded", IncidentKind.CPU),
    ("spin_deaf", {"cpu": 1.0}, "cpu_exceeded", IncidentKind.CPU),
    ("spin_deaf", {"timeout": 0.5}, "timeout", IncidentKind.TIMEOUT),
    ("oversleep", {"timeout": 0.5}, "timeout", IncidentKind.TIMEOUT),
    ("oversleep_deaf", {"timeout": 0.5}, "timeout", IncidentKind.TIMEOUT),
    ("swallow", {"timeout": 0.5}, "timeout", IncidentKind.TIMEOUT),
    ("fork", {}, "denied", IncidentKind.PROCESS),
    ("run_program", {}, "denied", IncidentKind.PROCESS),
    ("shoot_the_zygote", {}, "denied", IncidentKind.PROCESS),
    ("flood", {}, "output_too_large", IncidentKind.OUTPUT),
    ("return_much", {"memory": 2**30, "output": 1000}, "output_too_large", IncidentKind.OUTPUT),
    ("garbage", {}, "crashed", IncidentKind.PROTOCOL),
    ("huge_message", {}, "crashed", IncidentKind.PROTOCOL),
    ("forge_result", {}, "crashed", IncidentKind.PROTOCOL),
    ("hang_up", {}, "crashed", IncidentKind.PROTOCOL),
    ("leave", {}, "crashed", IncidentKind.CRASH),
    ("crash", {}, "crashed", IncidentKind.CRASH),
]


@pytest.mark.parametrize(
    ("deed", "bounds", "code", "kind"), HOSTILE, ids=[f"{case[0]}-{case[2]}" for case in HOSTILE]
)
def test_a_hostile_task_is_ended_in_time_and_the_next_one_runs(
    deed: str, bounds: dict[str, Any], code: str, kind: IncidentKind, harness: Harness
) -> None:
    harness.run("echo")  # so that what is measured is not the start of the first child
    began = time.monotonic()
    done = harness.deed(deed, **bounds)
    took = time.monotonic() - began

    assert done.result.failure is not None
    assert done.result.failure.code == code, done.result.failure.message
    assert done.incident is not None
    assert done.incident.kind is kind
    # Processor time is not time on the wall: where others compute as well, it takes longer to use up.
    assert took < (2 * (bounds["cpu"] + ROOM) if "cpu" in bounds else bounds.get("timeout", 2.0) + ROOM)
    assert harness.run("echo", text="hello").result.output is not None


CONFINED = [
    ("fork_by_hand", "Operation not permitted"),
    ("read_a_secret", ""),
    ("write_outside", "Permission denied"),
    ("write_inside", "notes.txt"),
    ("listen", "Permission denied"),
]


@confined
@pytest.mark.parametrize(("deed", "said"), CONFINED)
def test_the_kernel_refuses_what_is_not_for_tasks(deed: str, said: str, harness: Harness) -> None:
    assert harness.deed(deed).result.output == {"said": said}


def test_nothing_of_the_workers_environment_reaches_a_task(harness: Harness) -> None:
    output = harness.deed("look_around").result.output
    assert output is not None
    assert not {name for name in output["said"].split(",") if "RECONCILER" in name}


def test_the_next_task_finds_an_empty_folder(harness: Harness) -> None:
    first, second = (harness.deed("write_inside") for _ in range(2))
    assert first.result.output == second.result.output == {"said": "notes.txt"}


def test_what_a_task_prints_is_kept_for_the_log(harness: Harness) -> None:
    done = harness.deed("print_a_line")
    assert done.result.output == {"said": "printed"}
    assert done.said == b"as agents do\n"


def test_a_task_asks_its_host_across_the_pipe(harness: Harness) -> None:
    output = harness.run("asker").result.output
    assert output is not None
    assert output["secret"] == "s3cret"
    assert len(output["ids"]) == 5
    assert harness.asked[0] == ("secret", ["asker", "key"])
    assert [arguments[2] for method, arguments in harness.asked if method == "reserve_ids"] == [1, 2, 4]


def test_a_cancelled_task_stops_at_once_and_is_no_incident(harness: Harness) -> None:
    job = harness.job("hostile", deed="oversleep")
    harness.pool.start(job)
    harness.running(1)
    began = time.monotonic()
    harness.pool.cancel(job.task.id)
    (done,) = harness.wait(1)
    assert time.monotonic() - began < ROOM
    assert done.result.failure is not None
    assert done.result.failure.code == "cancelled"
    assert done.incident is None


def test_a_task_that_waits_is_cancelled_without_being_run(harness: Harness) -> None:
    running, waiting = harness.job("hostile", deed="oversleep"), harness.job("echo")
    harness.pool.start(running)
    harness.pool.start(waiting)
    harness.pool.cancel(waiting.task.id)
    (done,) = harness.wait(1)
    assert done.job == waiting
    assert done.result.failure is not None
    assert done.result.failure.code == "cancelled"


def test_a_child_serves_many_tasks_and_is_replaced_when_it_has_served_enough() -> None:
    harness = Harness()
    harness.pool._tasks_per_child = 5
    with harness.pool:
        pids = [done.result.output["pid"] for _ in range(12) if (done := harness.run("echo")).result.output]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [5, 5, 2]


def test_children_killed_from_outside_fail_only_what_they_ran() -> None:
    harness = Harness(children=2)
    with harness.pool:
        jobs = [harness.job("hostile", deed="oversleep", bounds=Bounds(timeout=30)) for _ in range(2)]
        jobs += [harness.job("echo") for _ in range(20)]
        for job in jobs:
            harness.pool.start(job)
        for pid in harness.running(2):
            os.kill(pid, signal.SIGKILL)
        done = harness.wait(22)
    failed = [one for one in done if one.result.failure]
    assert {one.job.task.id for one in failed} == {job.task.id for job in jobs[:2]}
    assert {one.result.failure.code for one in failed if one.result.failure} == {"crashed"}


def test_what_was_sent_ahead_is_taken_back_from_behind_a_slow_task() -> None:
    harness = Harness(children=2)
    with harness.pool:
        for _ in range(300):  # until tasks are known to be short
            harness.run("echo")
        slow = harness.job("hostile", deed="nap")
        jobs = [harness.job("echo") for _ in range(5)]
        harness.pool.start(slow)
        for job in jobs:
            harness.pool.start(job)
        done = harness.wait(5)
        assert {one.job.task.id for one in done} == {job.task.id for job in jobs}
        (last,) = harness.wait(1)
    assert last.job == slow
    assert last.result.output == {"said": "rested"}


def test_a_cancelled_task_takes_none_along_that_was_sent_after_it() -> None:
    harness = Harness(children=1)
    with harness.pool:
        for _ in range(300):
            harness.run("echo")
        slow = harness.job("hostile", deed="oversleep")
        jobs = [harness.job("echo") for _ in range(5)]
        harness.pool.start(slow)
        for job in jobs:
            harness.pool.start(job)
        harness.pool.poll(0)
        harness.pool.cancel(slow.task.id)
        done = {one.job.task.id: one.result for one in harness.wait(6)}
    failure = done.pop(slow.task.id).failure
    assert failure is not None
    assert failure.code == "cancelled"
    assert all(result.failure is None for result in done.values())


def test_a_pool_outlives_its_zygote() -> None:
    harness = Harness()
    with harness.pool:
        harness.run("echo")
        harness.pool.start(harness.job("hostile", deed="oversleep"))
        harness.running(1)
        harness.pool._brood._nursery._process.kill()
        (lost,) = harness.wait(1)
        assert lost.result.failure is not None
        assert lost.result.failure.code == "crashed"
        assert harness.run("echo").result.output is not None


def test_children_know_the_key_of_ollama_and_no_environment_does(ollama: OllamaServer) -> None:
    asks = {"model": "llama3.2", "prompt": "Well?"}
    agent_type = type_of(
        "asker",
        tools=[{"name": "llm_processor", "models": ["llama3.2"]}],
        pipeline=[{"id": "ask", "tool": "llm_processor", "with": asks}],
        output={"from": "ask", "fields": {"text": "text"}},
    )
    texts = canonical(agent_type), canonical(agent_of("ann", "asker"))
    job = Job(
        Task("t1", "ann", {}, "2026-01-01T00:00:00Z"), Blueprint("ann", "d", "dynamic", *texts), Bounds()
    )
    harness = Harness(setup=Setup(ollama_url=ollama.url, ollama_api_key="key-of-ours"))
    with harness.pool:
        harness.pool.start(job)
        (done,) = harness.wait(1)
        zygote = harness.pool._brood._nursery._process.pid
        kin = [zygote, *map(int, Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split())]
        assert len(kin) > 1
        for pid in kin:
            for told in ("environ", "cmdline"):
                assert b"key-of-ours" not in Path(f"/proc/{pid}/{told}").read_bytes()
    assert done.result.output == {"text": "Hello."}
    assert ollama.requests[0].headers["authorization"] == "Bearer key-of-ours"


def test_a_zygote_that_cannot_start_is_no_reason_to_try_for_ever() -> None:
    pool = Pool(Setup("tests.integration.nowhere:program"), lambda job, method, arguments: None)
    with pool, pytest.raises(ZygoteFailed, match="ended with status 1"):
        eventually(lambda: bool(pool.poll(0.1)), 20)


def test_nothing_is_left_behind() -> None:
    harness = Harness(children=2)
    with harness.pool:
        harness.run("echo")
        harness.pool.start(harness.job("hostile", deed="oversleep_deaf"))
        pids = harness.running(1)
        folder = harness.pool._brood._folder
    assert not folder.exists()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)

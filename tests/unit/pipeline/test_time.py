"""Timeouts, deadlines and cancellation: what stops a task, how soon, and what stays of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.errors import RunError
from reconciler.spec.task import TaskResult
from reconciler.tools.base import Capability, EffectClass, ToolDeclaration
from reconciler.tools.tool import Tool, ToolContext
from tests.unit.pipeline.scripted import World, told


def took(world: World, **options: Any) -> tuple[TaskResult, float]:
    began = time.monotonic()
    result = world.run(context=world.context(**options))
    return result, time.monotonic() - began


def failed(result: TaskResult) -> str:
    assert result.failure is not None
    return f"{result.failure.code} {result.failure.where}"


@pytest.mark.parametrize("tool", ["say", "dawdle"])
def test_a_step_ends_at_its_timeout_whether_its_tool_looks_at_the_time_or_not(tool: str) -> None:
    world = World({"pipeline": [{"id": "a", "tool": tool, "with": {"seconds": 0.6}, "timeout": "50ms"}]})
    result, seconds = took(world)
    assert failed(result) == "timeout a"
    assert seconds < 0.4


@pytest.mark.parametrize("tool", ["say", "dawdle"])
def test_a_step_that_ends_in_time_is_not_disturbed(tool: str) -> None:
    step = {"id": "a", "tool": tool, "with": {"value": {"n": 1}, "seconds": 0.01}, "timeout": "5s"}
    world = World({"pipeline": [step], "output": {"from": "a", "fields": {"n": "integer"}}})
    assert world.run().output == {"n": 1}


def test_each_attempt_has_the_timeout_for_itself() -> None:
    step = {
        "id": "a",
        "tool": "say",
        "with": {"seconds": 0.06},
        "timeout": "30ms",
        "retry": {"attempts": 3, "backoff": "1ms"},
    }
    result, seconds = took(World({"pipeline": [step]}))
    assert told(result.trace) == ["a failed timeout", "a 2 failed timeout", "a 3 failed timeout"]
    assert 0.09 <= seconds < 0.5


def test_a_failure_in_a_watched_call_is_the_failure_of_the_step() -> None:
    step = {"id": "a", "tool": "dawdle", "with": {"fail": ["denied"]}, "timeout": "5s"}
    assert failed(World({"pipeline": [step]}).run()) == "denied a"


def test_no_retry_waits_past_the_deadline_of_the_task() -> None:
    step = {"id": "a", "tool": "say", "with": {"fail": ["timeout"] * 20}}
    retry = {"attempts": 20, "backoff": "10m", "max_backoff": "10m"}
    result, seconds = took(World({"pipeline": [{**step, "retry": retry}]}), seconds=0.2)
    assert failed(result) == "timeout a"
    assert seconds < 0.5


def test_a_group_ends_at_its_timeout() -> None:
    inner = [{"id": name, "tool": "say", "with": {"seconds": 2}} for name in ("a", "b")]
    result, seconds = took(World({"pipeline": [{"id": "both", "parallel": inner, "timeout": "50ms"}]}))
    assert failed(result) == "timeout a"
    assert seconds < 1


def test_nothing_is_called_after_the_deadline() -> None:
    world = World({"pipeline": [{"id": "a", "tool": "say"}]})
    result, _ = took(world, seconds=-1)
    assert failed(result) == "timeout a"
    assert world.say.calls == []


def test_a_cancelled_task_ends_between_two_steps() -> None:
    world = World({"pipeline": [{"id": "a", "tool": "say"}, {"id": "b", "tool": "say"}]})
    result, _ = took(world, cancelled=lambda: bool(world.say.calls))
    assert failed(result) == "cancelled b"
    assert told(result.trace) == ["a succeeded", "b cancelled cancelled"]


def test_a_cancelled_task_does_not_wait_for_its_next_attempt() -> None:
    retry = {"attempts": 2, "backoff": "10m", "max_backoff": "10m"}
    step = {"id": "a", "tool": "say", "with": {"fail": ["timeout"]}, "retry": retry}
    world = World({"pipeline": [step]})
    result, seconds = took(world, seconds=3600, cancelled=lambda: bool(world.say.calls))
    assert failed(result) == "cancelled a"
    assert seconds < 0.5


def test_a_cancelled_task_does_not_wait_for_a_call_that_is_watched() -> None:
    world = World({"pipeline": [{"id": "a", "tool": "dawdle", "with": {"seconds": 1}, "timeout": "30s"}]})
    result, seconds = took(world, cancelled=lambda: bool(world.dawdle.calls))
    assert failed(result) == "cancelled a"
    assert seconds < 0.6


@pytest.mark.parametrize("on_error", ["fail", "continue"])
def test_no_step_goes_on_after_cancellation(on_error: str) -> None:
    loop = {"id": "each", "for_each": [1, 2, 3], "tool": "say", "on_error": on_error}
    world = World({"pipeline": [{**loop, "fallback": {"tool": "say"}}, {"id": "end", "tool": "say"}]})
    result, _ = took(world, cancelled=lambda: len(world.say.calls) >= 2)
    assert failed(result).startswith("cancelled")
    assert [step for step, _ in world.say.calls] == ["each[0]", "each[1]"]


def test_steps_beside_one_that_fails_do_not_begin_another_pass() -> None:
    loop = {"id": "many", "for_each": [0.01] * 200, "tool": "say", "with": {"seconds": "{{ item }}"}}
    failing = {"id": "bad", "tool": "say", "with": {"fail": ["denied"]}}
    world = World({"pipeline": [{"id": "both", "parallel": [failing, loop]}]})
    result, seconds = took(world)
    assert failed(result) == "denied bad"
    assert seconds < 1
    assert len(world.say.calls) < 50


def test_all_threads_of_a_run_end_with_it() -> None:
    before = threading.active_count()
    inner = [{"id": f"s{n}", "tool": "say", "with": {"seconds": 0.01}} for n in range(5)]
    World({"pipeline": [{"id": "all", "parallel": inner}]}).run()
    assert threading.active_count() == before


def test_as_many_passes_run_at_a_time_as_the_step_says() -> None:
    step = {"id": "each", "for_each": [1] * 12, "concurrency": 3, "tool": "gauge"}
    world = _with_tool(Gauge, {"pipeline": [step]})
    gauge = world.registry.tool("gauge")
    assert isinstance(gauge, Gauge)
    world.run()
    assert gauge.most == 3


class Gauge(Tool):
    declaration = ToolDeclaration(
        "gauge", "Gauge", "Counts calls at the same time.", EffectClass.NONE, {}, {}
    )
    honours_deadline = True

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.01)
        with self._lock:
            self.now -= 1


class LateWriter(Tool):
    """Writes a row when it has been given up already."""

    declaration = ToolDeclaration(
        "late_writer",
        "Late writer",
        "Writes late.",
        EffectClass.WRITE,
        {},
        {},
        capabilities=frozenset({Capability.TABLES}),
    )

    def __init__(self) -> None:
        self.error = ""
        self.done = threading.Event()

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        context.rows.write("note", "insert", (), {"text": "in time"})
        time.sleep(0.2)
        try:
            context.rows.write("note", "insert", (), {"text": "too late"})
        except RunError as error:
            self.error = error.code
        self.done.set()


def test_a_call_that_was_given_up_writes_no_more() -> None:
    world = _with_tool(
        LateWriter,
        {
            "models": {"note": {"fields": {"text": "string"}}},
            "pipeline": [
                {"id": "a", "tool": "late_writer", "timeout": "50ms", "on_error": "continue"},
                {"id": "b", "tool": "say", "with": {"seconds": 0.3}},
            ],
        },
    )
    writer = world.registry.tool("late_writer")
    assert isinstance(writer, LateWriter)
    result = world.run()
    assert writer.done.wait(2)
    assert writer.error == "cancelled"
    assert (result.failure, result.writes) == (None, ())


def test_a_tool_that_declares_no_tables_has_none() -> None:
    class Meddler(LateWriter):
        declaration = ToolDeclaration("meddler", "Meddler", "Writes.", EffectClass.NONE, {}, {})

    spec = {"models": {"note": {"fields": {"text": "string"}}}, "pipeline": [{"id": "a", "tool": "meddler"}]}
    assert failed(_with_tool(Meddler, spec).run()) == "denied a"


def _with_tool(tool: type[Tool], spec: Mapping[str, Any]) -> World:
    granted = [*spec.get("tools", ()), {"name": tool.declaration.name}]
    return World({**spec, "tools": granted}, more=[tool])

"""What a pipeline does besides its steps: digests, grants, sizes, logs, and its own mistakes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.pipeline.pipeline import ProcessingPipeline
from reconciler.spec.task import Task
from reconciler.tools.base import EffectClass, ToolDeclaration
from reconciler.tools.registry import ToolRegistry
from reconciler.tools.tool import Tool, ToolContext
from tests.unit.pipeline.scripted import World, agent_type

ASK = {
    "tools": [{"name": "llm_processor", "models": ["m"]}],
    "input": {"text": "text"},
    "pipeline": [
        {"id": "ask", "tool": "llm_processor", "with": {"model": "m", "prompt": "Say: {{ input.text }}"}}
    ],
}


def digest(prompt: str, **more: Any) -> str:
    step = {"id": "ask", "tool": "llm_processor", "with": {"model": "m", "prompt": prompt, **more}}
    return World({**ASK, "pipeline": [step]}).pipeline.prompt_digest


def test_the_prompt_digest_changes_with_the_prompts_and_nothing_else() -> None:
    assert digest("a") == digest("a", temperature=0.5)
    assert digest("a") != digest("b")
    assert digest("a") != digest("a", system="be brief")
    assert World({"pipeline": [{"id": "a", "tool": "say"}]}).pipeline.prompt_digest == ""


def test_a_result_carries_the_prompt_digest_whether_it_is_a_failure_or_not() -> None:
    world = World({**ASK, "input": {"text": {"type": "text", "required": True}}})
    result = world.run({})
    assert result.failure is not None
    assert result.prompt_digest == world.pipeline.prompt_digest != ""


class ShowGrant(Tool):
    declaration = ToolDeclaration("show_grant", "Show", "Gives its recipients.", EffectClass.NONE, {}, {})
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        return {"recipients": context.grant.recipients}


def test_recipients_of_a_grant_come_from_the_settings_of_the_task() -> None:
    spec = {
        "settings": {"boss": "string", "deputy": "string"},
        "tools": [
            {
                "name": "show_grant",
                "recipients": ["a@example.com", "{{ settings.boss }}", "{{ settings.deputy }}"],
            }
        ],
        "pipeline": [{"id": "a", "tool": "show_grant"}],
        "output": {"from": "a", "fields": {"recipients": "list"}},
    }
    world = World(spec, more=[ShowGrant])
    for boss in ("b@example.com", "c@example.com"):
        result = world.run(settings={"boss": boss})
        assert result.output == {"recipients": ["a@example.com", boss]}


def test_a_tool_that_is_not_installed_is_told_when_the_pipeline_is_made() -> None:
    spec = {"pipeline": [{"id": "a", "tool": "say"}]}
    with pytest.raises(UsageError, match="no tool `say`"):
        ProcessingPipeline(agent_type("subject", spec), ToolRegistry())


def test_sizes_are_measured_where_somebody_asks() -> None:
    world = World({"pipeline": [{"id": "a", "tool": "say", "with": {"value": {"n": 1}}}]})
    (trace,) = world.run().trace
    assert (trace.input_bytes, trace.output_bytes) == (0, 0)
    (trace,) = world.run(context=replace(world.context(), measured=True)).trace
    assert (trace.input_bytes, trace.output_bytes) == (len('{"value":{"n":1}}'), len('{"n":1}'))


def test_every_attempt_is_told_as_it_ends() -> None:
    world = World({"pipeline": [{"id": "a", "tool": "say"}, {"id": "b", "when": False, "tool": "say"}]})
    assert tuple(world.told) == ()
    result = world.run()
    assert tuple(world.told) == result.trace


def test_a_mistake_of_our_own_ends_the_task_and_tells_its_user_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(step: str, params: Mapping[str, Any] | None) -> Any:
        raise KeyError("a value of the task")

    world = World({"pipeline": [{"id": "a", "tool": "say"}]})
    failure = world.run(context=world.context(mock=broken)).failure
    assert failure is not None
    assert (failure.code, failure.message) == ("crashed", "the pipeline broke: KeyError")
    assert "Traceback" in caplog.text


def test_the_log_has_facts_and_no_values(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "reconciler.pipeline")
    steps = [
        {"id": "a", "tool": "say", "with": {"value": "s3cret"}},
        {"id": "b", "tool": "say", "with": {"value": "s3cret", "fail": ["denied"]}},
    ]
    World({"pipeline": steps}).run()
    records = [record for record in caplog.records if record.name == "reconciler.pipeline"]
    facts = [
        (r.levelname, getattr(r, "step", ""), getattr(r, "status", ""), getattr(r, "error_code", ""))
        for r in records
    ]
    assert facts == [
        ("DEBUG", "a", "succeeded", ""),
        ("INFO", "b", "failed", "denied"),
        ("INFO", "", "", "denied"),
    ]
    assert all(getattr(record, "task", "") == "task-1" for record in records)
    assert "s3cret" not in caplog.text


def test_one_pipeline_runs_many_tasks_at_the_same_time() -> None:
    spec = {
        "input": {"n": "integer"},
        "pipeline": [
            {
                "id": "a",
                "for_each": [1, 2],
                "concurrency": 2,
                "tool": "say",
                "with": {"value": "{{ input.n * item }}"},
            },
            {"id": "b", "tool": "say", "with": {"value": {"sum": "{{ steps.a | sum }}"}}},
        ],
        "output": {"from": "b", "fields": {"sum": "integer"}},
    }
    world = World(spec)

    def run(n: int) -> Any:
        task = Task(f"task-{n}", "subject", {"n": n}, "2026-01-01T00:00:00Z")
        return world.pipeline.run(task, {}, world.context()).output

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(run, range(40))] == [{"sum": 3 * n} for n in range(40)]

"""Python classes as agents: found when asked for, held to what they declare, and harmless when broken."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.agents.base import BaseAgent
from reconciler.agents.factory import AgentFactory
from reconciler.agents.static import StaticAgents
from reconciler.errors import NotFound, UsageError
from reconciler.llm.memory import ScriptedModel
from reconciler.pipeline.context import RunContext
from reconciler.spec.task import Blueprint, Task, TaskResult
from reconciler.tools.egress import Network
from reconciler.tools.registry import builtin_registry

from .packages import Install, install

__all__ = ["install"]

COUNTER = '''
from reconciler.agents.base import BaseAgent


class Counter(BaseAgent):
    """Counts the words of a text, and labels it by the keyword tool."""

    name = "counter"
    title = "Word counter"
    description = "Counts words."
    owner = "words@example.com"
    version = "2.1.0"
    labels = {"team": "words"}
    input = {"text": {"type": "text", "required": True}, "least": {"type": "integer", "default": 1}}
    output = {"words": {"type": "integer", "required": True}, "label": "string"}
    tools = [{"name": "keyword_classifier", "limits": {"calls": 1}}]

    def process_task(self, task, context):
        words = len(task.input["text"].split())
        if words < task.input["least"]:
            return {"words": "too few"}
        found = self.call(context, "keyword_classifier", {"text": task.input["text"], "rules": {"greeting": ["hello"]},
                                                          "default": "other"})
        if task.input["text"] == "hello again":
            self.call(context, "keyword_classifier", {"text": "x", "rules": {"a": ["b"]}, "default": "other"})
        if task.input["text"] == "hello model":
            self.call(context, "llm_processor", {})
        if task.input["text"] == "hello crash":
            raise RuntimeError("out of words")
        return {"words": words, "label": found["label"]}
'''


class NoHost:
    """A static agent asks its host for nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the host was asked to {name}")


def run(agents: StaticAgents, name: str, values: Mapping[str, Any], **task: Any) -> TaskResult:
    factory = AgentFactory(builtin_registry(), agents)
    context = factory.context(NoHost(), ScriptedModel(), Network(), time.monotonic() + 5)
    agent = factory.build(Blueprint(name, "", "static"))
    return agent.run(Task("t1", name, values, "2026-11-24T10:00:00.000000Z", **task), context)


@pytest.fixture
def counters(install: Install) -> StaticAgents:
    install("counting", COUNTER, {"counter": "Counter"})
    return StaticAgents(entry_points=True)


def test_an_installed_agent_is_named_without_being_imported(counters: StaticAgents) -> None:
    assert "counter" in counters.names()
    assert "counting" not in sys.modules
    assert counters.problem("counter") == ""
    assert "counting" in sys.modules


def test_what_the_class_says_is_what_a_manifest_would_mean(counters: StaticAgents) -> None:
    declared = counters.declared("counter")
    spec = declared.spec
    assert (declared.name, declared.metadata.labels) == ("counter", {"team": "words"})
    assert (spec.title, spec.version, spec.owner) == ("Word counter", "2.1.0", "words@example.com")
    assert list(spec.input) == ["text", "least"]
    assert spec.output is not None
    assert list(spec.output.fields or {}) == ["words", "label"]


def test_it_runs_with_defaults_filled_in_its_tools_called_and_traced(counters: StaticAgents) -> None:
    result = run(counters, "counter", {"text": "hello world"})
    assert result.failure is None
    assert result.output == {"words": 2, "label": "greeting"}
    [step] = result.trace
    assert (step.step, step.call, step.status) == ("keyword_classifier[0]", "keyword_classifier", "succeeded")


@pytest.mark.parametrize(
    ("values", "task", "code", "where", "told"),
    [
        ({}, {}, "invalid_input", "input", "text"),
        ({"text": 3}, {}, "invalid_input", "input/text", "text"),
        ({"text": "a", "size": 1}, {}, "invalid_input", "input/size", "size"),
        ({"text": "a"}, {"settings": {"x": 1}}, "invalid_input", "settings/x", "no settings"),
        ({"text": "a", "least": 2}, {}, "invalid_output", "output/words", "whole number"),
        ({"text": "hello again"}, {}, "budget_exceeded", "keyword_classifier[1]", "at most 1 calls"),
        ({"text": "hello model"}, {}, "denied", "llm_processor", "not granted"),
        ({"text": "hello crash"}, {}, "crashed", "", "out of words"),
    ],
)
def test_what_goes_wrong_ends_the_task_with_a_code_and_a_place(
    counters: StaticAgents, values: dict[str, Any], task: dict[str, Any], code: str, where: str, told: str
) -> None:
    result = run(counters, "counter", values, **task)
    assert result.failure is not None
    assert (result.failure.code, result.failure.where) == (code, where)
    assert told in result.failure.message
    assert result.output is None


def test_what_a_failed_task_had_called_stays_in_its_trace(counters: StaticAgents) -> None:
    trace = run(counters, "counter", {"text": "hello again"}).trace
    assert [(step.step, step.status) for step in trace] == [
        ("keyword_classifier[0]", "succeeded"),
        ("keyword_classifier[1]", "failed"),
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise RuntimeError('no network')", "RuntimeError: no network"),
        ("import nowhere", "No module named 'nowhere'"),
        ("Counter = 3", "is no class on BaseAgent"),
        (COUNTER.replace('name = "counter"', 'name = "other"'), "is not named `counter`"),
        (
            COUNTER.replace('"keyword_classifier", "limits"', '"keyword_clasifier", "limits"'),
            "there is no tool",
        ),
        (COUNTER.replace('"type": "text"', '"type": "texts"'), "declares what no agent can be"),
        (COUNTER.replace('version = "2.1.0"', 'version = "2"'), "version"),
        (COUNTER.replace("tools = [", "tools = ['database_writer', "), "a static agent has none"),
    ],
)
def test_a_broken_package_is_told_of_and_stops_nobody_else(install: Install, source: str, told: str) -> None:
    install("broken_counting", source, {"counter": "Counter"})
    install("sound_counting", COUNTER.replace('"counter"', '"sound"'), {"sound": "Counter"})
    agents = StaticAgents(entry_points=True)
    assert told in agents.problem("counter")
    with pytest.raises((NotFound, UsageError)):
        agents.bound("counter", builtin_registry())
    assert run(agents, "sound", {"text": "hello"}).output == {"words": 1, "label": "greeting"}


def test_two_packages_that_bring_one_name_bring_none(install: Install) -> None:
    install("counting_a", COUNTER, {"counter": "Counter"})
    install("counting_b", COUNTER, {"counter": "Counter"})
    assert "two installed packages" in StaticAgents(entry_points=True).problem("counter")


def test_an_agent_nobody_brings_is_not_found_and_a_close_name_is_offered(counters: StaticAgents) -> None:
    with pytest.raises(NotFound) as caught:
        counters.bound("countr", builtin_registry())
    assert caught.value.hint == "did you mean `counter`?"


def test_a_class_without_input_takes_anything() -> None:
    class Echo(BaseAgent):
        name = "echo"

        def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
            return task.input

    assert run(StaticAgents(Echo), "echo", {"any": ["thing"]}).output == {"any": ["thing"]}

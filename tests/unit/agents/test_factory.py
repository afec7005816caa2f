"""AgentFactory: what is built once, what is built again, and what threads that ask at once are given."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reconciler.agents.base import BaseAgent
from reconciler.agents.dynamic import DynamicAgent
from reconciler.agents.factory import AgentFactory
from reconciler.agents.static import StaticAgents
from reconciler.errors import NotFound, UsageError
from reconciler.pipeline.context import RunContext
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import canonical
from reconciler.spec.state import digest_of
from reconciler.spec.task import Blueprint, Task
from reconciler.tools.registry import ToolRegistry, builtin_registry
from tests.unit.plans.samples import agent, agent_type

SPLITTING = {
    "input": {"text": {"type": "text", "required": True}},
    "tools": [{"name": "text_splitter"}],
    "pipeline": [{"id": "split", "tool": "text_splitter", "with": {"text": "{{ input.text }}"}}],
}


class Echo(BaseAgent):
    name = "echo"

    def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
        return task.input


def blueprint(name: str = "inbox", of_type: AgentType | None = None) -> Blueprint:
    type_text = canonical(of_type or agent_type(**SPLITTING))
    agent_text = canonical(agent(name))
    return Blueprint(name, digest_of(f"{type_text} {agent_text}"), "dynamic", type_text, agent_text)


def factory(kept: int = 8) -> AgentFactory:
    return AgentFactory(builtin_registry(), StaticAgents(Echo), kept=kept)


def test_a_blueprint_becomes_the_agent_it_describes() -> None:
    built = factory().build(blueprint("inbox"))
    assert isinstance(built, DynamicAgent)
    assert (built.name, built.agent_type.name) == ("inbox", "mail")


def test_an_agent_is_built_once_until_its_digest_changes() -> None:
    made = factory()
    first = made.build(blueprint())
    assert made.build(blueprint()) is first
    assert made.build(blueprint(of_type=agent_type(version="1.0.1", **SPLITTING))) is not first
    assert made.build(blueprint("other")) is not first


def test_what_was_not_used_for_longest_goes_first() -> None:
    made = factory(kept=2)
    one, two = made.build(blueprint("one")), made.build(blueprint("two"))
    assert made.build(blueprint("one")) is one
    made.build(blueprint("three"))
    assert made.build(blueprint("one")) is one
    assert made.build(blueprint("two")) is not two


def test_threads_that_ask_at_once_are_given_one_agent() -> None:
    made = factory()
    with ThreadPoolExecutor(8) as threads:
        built = {id(found) for found in threads.map(lambda _: made.build(blueprint()), range(32))}
    assert len(built) == 1


def test_a_static_agent_is_built_from_its_name() -> None:
    made = factory()
    found = made.build(Blueprint("echo", "", "static"))
    assert found.name == "echo"
    assert made.build(Blueprint("echo", "", "static")) is found
    with pytest.raises(NotFound, match="there is no static agent ech"):
        made.build(Blueprint("ech", "", "static"))


def test_a_tool_that_is_not_installed_is_told_when_the_agent_is_built() -> None:
    with pytest.raises(UsageError, match="text_splitter"):
        AgentFactory(ToolRegistry(), StaticAgents()).build(blueprint())

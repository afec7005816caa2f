"""Tests of types that do not stand alone: they refer to other types' tables, call agents, or fall back outside."""

from __future__ import annotations

from typing import Any

from reconciler.agents.rehearsal import Rehearsal, rehearse
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, address_of
from reconciler.tools.registry import builtin_registry
from tests.unit.plans.samples import agent, agent_type

INPUT = {"text": {"type": "string", "required": True}}
WRITER = {"name": "database_writer", "models": ["entry"]}


def entry_type(name: str, **spec: Any) -> AgentType:
    """A type with one table, whose pipeline keeps `input.text` there unless `spec` says otherwise."""
    save = {
        "id": "save",
        "tool": "database_writer",
        "with": {"model": "entry", "mode": "insert", "values": {"text": "{{ input.text }}"}},
    }
    return agent_type(
        name,
        **{
            "input": INPUT,
            "models": {"entry": {"fields": {"text": {"type": "string", "required": True}}}},
            "output": {"model": "entry", "from": "save"},
            "tools": [WRITER],
            "pipeline": [save],
        }
        | spec,
    )


def rehearsed(of: AgentType, *others: Spec) -> Rehearsal:
    known = {address_of(other): other for other in others}
    return rehearse(of, builtin_registry(), known.get)


def told(found: Rehearsal) -> list[str]:
    return [difference.message for verdict in found.verdicts for difference in verdict.differences]


def test_the_tables_of_other_types_are_there_to_be_referred_to() -> None:
    remarks = entry_type(
        "remarks",
        models={
            "entry": {
                "fields": {
                    "text": {"type": "string", "required": True},
                    "about": {"type": "reference", "model": "notes.entry"},
                }
            }
        },
        tests=[
            {"name": "stands alone", "input": {"text": "a"}, "expect": {"rows": {"entry": 1}}},
        ],
    )
    assert told(rehearsed(remarks, entry_type("notes"))) == []


def test_a_reference_to_a_row_that_is_not_there_is_refused_as_in_production() -> None:
    fields = {"about": {"type": "reference", "model": "notes.entry"}}
    values = {"model": "entry", "mode": "insert", "values": {"about": 7}}
    remarks = entry_type(
        "remarks",
        models={"entry": {"fields": fields}},
        pipeline=[{"id": "save", "tool": "database_writer", "with": values}],
        tests=[{"name": "t", "input": {"text": "a"}, "expect": {"error": "row_refused"}}],
    )
    assert told(rehearsed(remarks, entry_type("notes"))) == []


CALLING = {
    "tools": [],
    "models": {},
    "output": {"fields": {"text": "string"}, "from": "kept"},
    "pipeline": [{"id": "kept", "agent": "diary", "input": {"text": "{{ input.text }}"}}],
}


def test_an_agent_that_is_a_step_runs_for_real_or_answers_as_mocked() -> None:
    caller = entry_type(
        "caller",
        **CALLING,
        tests=[
            {"name": "real", "input": {"text": "a"}, "expect": {"output": {"text": "a"}, "called": ["kept"]}},
            {
                "name": "mocked",
                "input": {"text": "a"},
                "mocks": {"kept": {"text": "b"}},
                "expect": {"output": {"text": "b"}},
            },
        ],
    )
    assert told(rehearsed(caller, entry_type("notes"), agent("diary", "notes"))) == []


def test_an_agent_that_is_a_step_reaches_outside_no_more_than_the_type_itself() -> None:
    asking = entry_type(
        "asking",
        models={},
        output=None,
        tools=[{"name": "http_request", "hosts": ["docs.example.org"]}],
        pipeline=[
            {
                "id": "page",
                "tool": "http_request",
                "with": {"url": "https://docs.example.org/x"},
                "on_error": "continue",
            }
        ],
    )
    caller = entry_type("caller", **CALLING | {"output": None}, tests=[{"name": "t", "input": {"text": "a"}}])
    [message] = told(rehearsed(caller, asking, agent("diary", "asking")))
    assert message.startswith("a fallback or another agent wants to reach docs.example.org:443")


def test_a_fallback_reaches_outside_no_more_than_a_step() -> None:
    falling = entry_type(
        "falling",
        tools=[
            {"name": "llm_processor", "models": ["llama3.2"]},
            {"name": "http_request", "hosts": ["docs.example.org"]},
        ],
        models={},
        output=None,
        pipeline=[
            {
                "id": "ask",
                "tool": "llm_processor",
                "with": {"model": "llama3.2", "prompt": "?"},
                "fallback": {"tool": "http_request", "with": {"url": "https://docs.example.org/x"}},
                "on_error": "continue",
            }
        ],
        tests=[{"name": "t", "input": {"text": "a"}, "mocks": {"ask": {"error": "timeout"}}}],
    )
    [message] = told(rehearsed(falling))
    assert message.startswith("a fallback or another agent wants to reach docs.example.org:443")


def test_a_tool_that_is_not_installed_fails_every_test_and_says_so() -> None:
    strange = entry_type(
        "strange", tools=[{"name": "telepathy"}], tests=[{"name": "t", "input": {"text": "a"}}]
    )
    [message] = told(rehearsed(strange))
    assert message.startswith("the type cannot be run: there is no tool `telepathy`")

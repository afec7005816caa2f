"""Documents against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.manifests.link import link
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec
from reconciler.spec.findings import Finding
from tests.unit.manifests.example import told

HEAD = {"apiVersion": "reconciler/v1"}


def agent_type(name: str, **spec: Any) -> AgentType:
    return AgentType.model_validate(
        {**HEAD, "kind": "AgentType", "metadata": {"name": name}, "spec": {"version": "1.2.0", **spec}}
    )


def agent(name: str, of: str, **spec: Any) -> Agent:
    return Agent.model_validate(
        {**HEAD, "kind": "Agent", "metadata": {"name": name}, "spec": {"type": of, **spec}}
    )


class Others:
    """Specs by address; `broken` addresses exist but cannot be read."""

    def __init__(self, *specs: AgentType | Agent, broken: tuple[str, ...] = ()) -> None:
        kinds = {AgentType: "type", Agent: "agent"}
        self.specs: Mapping[str, Spec] = {f"{kinds[type(spec)]}/{spec.name}": spec for spec in specs}
        self.addresses = (*self.specs, *broken)

    def names(self, kind: str) -> list[str]:
        return [address.partition("/")[2] for address in self.addresses if address.startswith(f"{kind}/")]

    def link(self, address: str) -> list[Finding]:
        return link(address, self.specs[address], self.specs.get, self.names)


MAIL = agent_type(
    "mail",
    settings={
        "to": {"type": "string", "required": True},
        "size": {"type": "integer", "max": 9},
        "box": {"type": "string", "default": "a"},
    },
    secrets=["password"],
    limits={"timeout": "90s", "memory": "256Mi", "concurrency": 4},
)
RIGHT = {"settings": {"to": "x"}, "secrets": {"password": {"env": "PASSWORD"}}}

AGENTS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a right one", {}, []),
    ("tighter limits", {"limits": {"timeout": "90s", "concurrency": 1, "cpu": "5s"}}, []),
    ("a longer time", {"limits": {"timeout": "91s"}}, ["limit-loosened /spec/limits/timeout"]),
    (
        "more of two",
        {"limits": {"memory": "1Gi", "concurrency": 5}},
        ["limit-loosened /spec/limits/memory", "limit-loosened /spec/limits/concurrency"],
    ),
    ("an unknown setting", {"settings": {"to": "x", "siz": 1}}, ["unknown-setting /spec/settings/siz"]),
    ("a missing setting", {"settings": {}}, ["missing-setting /spec/settings"]),
    ("an unset required setting", {"settings": {"to": None}}, ["value-missing /spec/settings/to"]),
    ("a setting out of range", {"settings": {"to": "x", "size": 10}}, ["value-range /spec/settings/size"]),
    ("a setting of another type", {"settings": {"to": 1}}, ["value-type /spec/settings/to"]),
    ("an unbound secret", {"secrets": {}}, ["missing-secret /spec/secrets"]),
    (
        "a secret too many",
        {"secrets": {"password": {"env": "A"}, "pasword": {"env": "B"}}},
        ["unknown-secret /spec/secrets/pasword"],
    ),
    ("the major version", {"version": "^1"}, []),
    ("another major version", {"version": "^2"}, ["version-unsatisfied /spec/version"]),
    ("a newer minor version", {"version": "~1.3"}, ["version-unsatisfied /spec/version"]),
]


@pytest.mark.parametrize(
    ("spec", "expected"), [case[1:] for case in AGENTS], ids=[case[0] for case in AGENTS]
)
def test_an_agent_fits_its_type(spec: dict[str, Any], expected: list[str]) -> None:
    others = Others(MAIL, agent("a", "mail", **{**RIGHT, **spec}))
    assert told(others.link("agent/a")) == expected


def test_an_agent_of_no_type_is_told_what_was_meant() -> None:
    (finding,) = Others(MAIL, agent("a", "mial", **RIGHT)).link("agent/a")
    assert told([finding]) == ["unknown-type /spec/type"]
    assert finding.hint == "did you mean `mail`?"


def test_an_agent_of_a_broken_type_is_not_judged() -> None:
    assert Others(agent("a", "mail", **RIGHT), broken=("type/mail",)).link("agent/a") == []


def test_an_agent_of_a_deprecated_type_is_told_what_to_use() -> None:
    old = agent_type("old", deprecated="Use mail.")
    (finding,) = Others(old, agent("a", "old")).link("agent/a")
    assert told([finding]) == ["type-deprecated /spec/type (warning)"]
    assert finding.hint == "Use mail."


def referring(model: str) -> AgentType:
    fields = {"a": {"type": "reference", "model": model}}
    return agent_type("from", models={"m": {"fields": fields}}, input=fields)


TARGET = agent_type("target", models={"thread": {"fields": {"x": "text"}}})


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("target.thread", None),
        ("m", None),
        ("from.m", None),
        ("target.tread", "unknown-model"),
        ("tarrget.thread", "unknown-type"),
    ],
)
def test_references_lead_to_models_of_other_types(model: str, code: str | None) -> None:
    places = ["/spec/input/a/model", "/spec/models/m/fields/a/model"]
    expected = [f"{code} {place}" for place in places] if code else []
    assert told(Others(TARGET, referring(model)).link("type/from")) == expected


def test_references_to_a_broken_type_are_not_judged() -> None:
    assert Others(referring("target.thread"), broken=("type/target",)).link("type/from") == []


HELPER = agent_type(
    "helper", input={"text": {"type": "string", "required": True, "max_length": 3}, "size": "integer"}
)


def calling(**step: Any) -> AgentType:
    return agent_type("caller", pipeline=[{"id": "both", "parallel": [{"id": "ask", **step}]}])


PLACE = "/spec/pipeline/0/parallel/0"
CALLS: list[tuple[dict[str, Any], list[str]]] = [
    ({"agent": "h", "input": {"text": "abc"}}, []),
    ({"agent": "h", "input": {"text": "{{ input.whatever }}", "size": "{{ 1 }}"}}, []),
    ({"agent": "h", "input": {"text": "abcd"}}, [f"value-length {PLACE}/input/text"]),
    ({"agent": "h", "input": {"text": "a", "siz": 1}}, [f"unknown-input {PLACE}/input/siz"]),
    ({"agent": "h"}, [f"missing-input {PLACE}/input"]),
    ({"agent": "hh"}, [f"unknown-agent {PLACE}/agent"]),
]


@pytest.mark.parametrize(("step", "expected"), CALLS)
def test_another_agent_is_given_what_its_type_takes(step: dict[str, Any], expected: list[str]) -> None:
    assert told(Others(HELPER, agent("h", "helper"), calling(**step)).link("type/caller")) == expected


def test_a_disabled_agent_will_not_answer() -> None:
    others = Others(HELPER, agent("h", "helper", enabled=False), calling(agent="h", input={"text": "a"}))
    assert told(others.link("type/caller")) == [f"agent-disabled {PLACE}/agent (warning)"]


def test_a_broken_agent_or_its_broken_type_are_not_judged() -> None:
    assert Others(calling(agent="h"), broken=("agent/h",)).link("type/caller") == []
    assert Others(calling(agent="h"), agent("h", "helper"), broken=("type/helper",)).link("type/caller") == []


def ring(*names: str) -> Others:
    """Types of which each runs an agent of the next, and the last one of the first."""
    following = dict(zip(names, (*names[1:], names[0]), strict=True))
    types = [
        agent_type(name, pipeline=[{"id": "s", "agent": f"a-{after}"}]) for name, after in following.items()
    ]
    return Others(*types, *(agent(f"a-{name}", name) for name in names))


@pytest.mark.parametrize("names", [("one",), ("one", "two"), ("one", "two", "three")])
def test_an_agent_never_ends_up_running_itself(names: tuple[str, ...]) -> None:
    others = ring(*names)
    for name in names:
        (finding,) = others.link(f"type/{name}")
        assert told([finding]) == ["agent-cycle /spec/pipeline/0/agent"]
    assert "one → agent a-" in others.link("type/one")[0].message


def test_two_ways_to_the_same_agent_are_no_cycle() -> None:
    end = agent_type("end")
    middle = [agent_type(name, pipeline=[{"id": "s", "agent": "e"}]) for name in ("left", "right")]
    start = agent_type("start", pipeline=[{"id": "l", "agent": "l"}, {"id": "r", "agent": "r"}])
    agents = [agent("e", "end"), agent("l", "left"), agent("r", "right")]
    assert Others(start, *middle, end, *agents).link("type/start") == []


def test_a_type_that_leads_into_a_cycle_is_not_part_of_it() -> None:
    others = ring("one", "two")
    outside = agent_type("outside", pipeline=[{"id": "s", "agent": "a-one"}])
    assert link("type/outside", outside, others.specs.get, others.names) == []


@pytest.mark.parametrize(
    ("given", "finds"),
    [
        ({}, []),
        ({"text": {"type": "string"}}, []),
        ({"text": {"type": "string", "required": True, "default": "x"}}, []),
        ({"text": {"type": "string", "required": True}}, ["schedule-without-input /spec/schedule (warning)"]),
    ],
)
def test_the_clock_gives_an_agent_no_input(given: dict[str, Any], finds: list[str]) -> None:
    scheduled = agent("noon", "lunch", schedule="0 12 * * *")
    assert told(Others(agent_type("lunch", input=given), scheduled).link("agent/noon")) == finds
    unscheduled = Others(agent_type("lunch", input=given), agent("noon", "lunch"))
    assert unscheduled.link("agent/noon") == []

"""Types against policies and ceilings."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.policy.ceilings import CEILINGS
from reconciler.policy.check import check_policy
from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import Finding, pointer
from reconciler.spec.policy import Policy

HEAD = {"apiVersion": "reconciler/v1"}


def agent_type(**spec: Any) -> AgentType:
    return AgentType.model_validate(
        {**HEAD, "kind": "AgentType", "metadata": {"name": "t"}, "spec": {"version": "1.0.0", **spec}}
    )


def policy(name: str = "default", **spec: Any) -> Policy:
    return Policy.model_validate({**HEAD, "kind": "Policy", "metadata": {"name": name}, "spec": spec})


def told(findings: list[Finding]) -> list[str]:
    return [f"{finding.code} {pointer(finding.path)}" for finding in findings]


GRANTS: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("a tool is denied", {"tools": {"deny": ["x"]}}, {"name": "x"}, ["policy-tool /spec/tools/0/name"]),
    ("another tool is denied", {"tools": {"deny": ["y"]}}, {"name": "x"}, []),
    ("only some are allowed", {"tools": {"allow": ["y"]}}, {"name": "x"}, ["policy-tool /spec/tools/0/name"]),
    ("it is among those", {"tools": {"allow": ["x"]}}, {"name": "x"}, []),
    ("no tool is allowed", {"tools": {"allow": []}}, {"name": "x"}, ["policy-tool /spec/tools/0/name"]),
    (
        "denied beats allowed",
        {"tools": {"allow": ["x"], "deny": ["x"]}},
        {"name": "x"},
        ["policy-tool /spec/tools/0/name"],
    ),
    ("a host below", {"hosts": ["*.example.com"]}, {"name": "x", "hosts": ["A.Example.com"]}, []),
    (
        "the host itself",
        {"hosts": ["*.example.com"]},
        {"name": "x", "hosts": ["example.com"]},
        ["policy-host /spec/tools/0/hosts/0"],
    ),
    (
        "a host that ends alike",
        {"hosts": ["*.example.com"]},
        {"name": "x", "hosts": ["a.example.com", "badexample.com"]},
        ["policy-host /spec/tools/0/hosts/1"],
    ),
    (
        "a wider pattern",
        {"hosts": ["*.a.example.com"]},
        {"name": "x", "hosts": ["*.example.com"]},
        ["policy-host /spec/tools/0/hosts/0"],
    ),
    ("a narrower pattern", {"hosts": ["*.example.com"]}, {"name": "x", "hosts": ["*.a.example.com"]}, []),
    ("Unicode", {"hosts": ["xn--bcher-kva.example"]}, {"name": "x", "hosts": ["BÜCHER.example"]}, []),
    (
        "no host at all",
        {"hosts": []},
        {"name": "x", "hosts": ["a.com"]},
        ["policy-host /spec/tools/0/hosts/0"],
    ),
    (
        "what is no host",
        {"hosts": ["*"]},
        {"name": "x", "hosts": ["http://a.com"]},
        ["policy-host /spec/tools/0/hosts/0"],
    ),
    ("every host", {"hosts": ["*"]}, {"name": "x", "hosts": ["a.com", "*.b.org"]}, []),
    ("hosts unsaid", {}, {"name": "x", "hosts": ["a.com"]}, []),
    (
        "a recipient of the domain",
        {"recipients": ["*@example.com"]},
        {"name": "x", "recipients": ["A@example.com", "{{ settings.to }}"]},
        [],
    ),
    (
        "a recipient elsewhere",
        {"recipients": ["*@example.com"]},
        {"name": "x", "recipients": ["a@example.org"]},
        ["policy-recipient /spec/tools/0/recipients/0"],
    ),
    (
        "a domain where one is allowed",
        {"recipients": ["a@example.com"]},
        {"name": "x", "recipients": ["*@example.com"]},
        ["policy-recipient /spec/tools/0/recipients/0"],
    ),
    (
        "a model",
        {"models": ["llama3.2"]},
        {"name": "llm_processor", "models": ["llama3.2:latest", "mistral"]},
        ["policy-model /spec/tools/0/models/1"],
    ),
    (
        "models of an unknown tool",
        {"models": []},
        {"name": "x", "models": ["mistral"]},
        ["policy-model /spec/tools/0/models/0"],
    ),
    ("tables are no language models", {"models": []}, {"name": "database_writer", "models": ["note"]}, []),
]


@pytest.mark.parametrize(
    ("rules", "grant", "expected"), [case[1:] for case in GRANTS], ids=[case[0] for case in GRANTS]
)
def test_grants_stay_within_a_policy(
    rules: dict[str, Any], grant: dict[str, Any], expected: list[str]
) -> None:
    assert told(check_policy(agent_type(tools=[grant]), [policy(**rules)])) == expected


LARGE: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "fields",
        {"models": {"m": {"fields": {"a": "text", "b": "text", "c": "text"}}}},
        ["/spec/models/m/fields"],
    ),
    ("fields", {"input": {"a": "text", "b": "text", "c": "text"}}, ["/spec/input"]),
    ("models", {"models": {name: {"fields": {"a": "text"}} for name in "abc"}}, ["/spec/models"]),
    (
        "steps",
        {"pipeline": [{"id": "a", "parallel": [{"id": "b", "tool": "x"}, {"id": "c", "tool": "x"}]}]},
        ["/spec/pipeline"],
    ),
    (
        "nesting",
        {"pipeline": [{"id": "a", "tool": "x", "with": {"a": [{"b": 1}]}}]},
        ["/spec/pipeline/0/with"],
    ),
    (
        "nesting",
        {"pipeline": [{"id": "a", "parallel": [{"id": "b", "parallel": [{"id": "c", "tool": "x"}]}]}]},
        ["/spec/pipeline/0/parallel/0/parallel/0"],
    ),
    ("enum_values", {"input": {"a": {"type": "enum", "values": ["x", "y", "z"]}}}, ["/spec/input/a/values"]),
    (
        "enum_values",
        {"input": {"a": {"type": "list", "items": {"type": "enum", "values": ["x", "y", "z"]}}}},
        ["/spec/input/a/items/values"],
    ),
    ("text_bytes", {"description": "äa"}, ["/spec/description"]),
    (
        "text_bytes",
        {"pipeline": [{"id": "a", "tool": "x", "with": {"p": ["a", {"q": "abc"}]}}]},
        ["/spec/pipeline/0/with/p/1/q"],
    ),
    (
        "text_bytes",
        {"pipeline": [{"id": "a", "tool": "x", "fallback": {"tool": "y", "with": {"q": "abc"}}}]},
        ["/spec/pipeline/0/fallback/with/q"],
    ),
    ("text_bytes", {"tests": [{"name": "a", "input": {"x": "abc"}}]}, ["/spec/tests/0/input/x"]),
    ("text_bytes", {"settings": {"a": {"type": "string", "default": "abc"}}}, ["/spec/settings/a/default"]),
    (
        "indexes",
        {
            "models": {
                "m": {
                    "fields": {
                        "a": {"type": "string", "index": True},
                        "b": {"type": "string", "unique": True},
                    },
                    "indexes": [{"fields": ["a", "b"]}],
                }
            }
        },
        ["/spec/models/m"],
    ),
]


@pytest.mark.parametrize(("measure", "spec", "places"), LARGE)
def test_a_type_is_no_more_complex_than_a_policy_allows(
    measure: str, spec: dict[str, Any], places: list[str]
) -> None:
    assert told(check_policy(agent_type(**spec), [policy(limits={measure: 3})])) == []
    assert told(check_policy(agent_type(**spec), [policy(limits={measure: 2})])) == [
        f"too-complex {place}" for place in places
    ]


def test_limits_stay_within_a_policy() -> None:
    asked = agent_type(limits={"timeout": "10m", "memory": "2Gi", "concurrency": 4})
    (finding,) = check_policy(asked, [policy(limits={"timeout": "10m", "memory": "1Gi"})])
    assert told([finding]) == ["policy-limit /spec/limits/memory"]
    assert finding.message == "`memory` is 2Gi; the policy `default` allows 1Gi"


def test_a_limit_that_is_not_set_is_not_judged() -> None:
    assert check_policy(agent_type(), [policy(limits={"timeout": "1s", "memory": "1Mi"})]) == []


def test_all_policies_hold_at_once() -> None:
    asked = agent_type(tools=[{"name": "x", "hosts": ["a.example.com"]}], limits={"timeout": "5m"})
    findings = check_policy(
        asked, [policy("wide", hosts=["*.example.com"], limits={"timeout": "1m"}), policy("narrow", hosts=[])]
    )
    assert told(findings) == ["policy-host /spec/tools/0/hosts/0", "policy-limit /spec/limits/timeout"]
    assert "`narrow`" in findings[0].message
    assert "`wide`" in findings[1].message


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"limits": {"timeout": "2d"}}, "policy-limit /spec/limits/timeout"),
        (
            {
                "models": {f"m{i}": {"fields": {"a": "text"}} for i in range(CEILINGS.models or 0)}
                | {"more": {"fields": {"a": "text"}}}
            },
            "too-complex /spec/models",
        ),
        (
            {"pipeline": [{"id": "a", "tool": "template", "with": {"template": "x" * 300_000}}]},
            "too-complex /spec/pipeline/0/with/template",
        ),
    ],
    ids=["time", "models", "texts"],
)
def test_ceilings_hold_without_any_policy(spec: dict[str, Any], expected: str) -> None:
    assert told(check_policy(agent_type(**spec), [])) == [expected]
    generous = policy(limits={"timeout": "30d", "models": 10_000, "text_bytes": "1Gi"})
    assert told(check_policy(agent_type(**spec), [generous])) == [expected]


def test_there_is_a_ceiling_for_everything() -> None:
    assert [name for name, bound in CEILINGS if bound is None] == []

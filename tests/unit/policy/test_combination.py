"""Private data, untrusted content and a way out: each two are harmless, all three have to be acknowledged."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.policy.check import check_policy
from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import pointer
from reconciler.spec.policy import Policy

HEAD = {"apiVersion": "reconciler/v1"}
SEND = {"id": "send", "tool": "email_connector", "with": {"to": "a@example.com"}}
FETCH = {"id": "fetch", "tool": "email_connector", "with": {"action": "fetch"}}
MAIL = {"name": "email_connector", "recipients": ["a@example.com"]}
HTTP = {"name": "http_request", "hosts": ["api.example.com"]}
ANY_HTTP = {"name": "http_request", "hosts": ["api.example.com", "*.example.com"]}
READER = {"name": "database_reader", "models": ["m"]}

PRIVATE: list[dict[str, Any]] = [
    {"models": {"m": {"fields": {"a": {"type": "string", "sensitive": True}}}}},
    {"models": {"m": {"fields": {"a": {"type": "text", "encrypted": True}}}}},
    {"settings": {"a": {"type": "string", "sensitive": True}}},
    {"secrets": ["a"]},
    {"tools": [READER]},
]
UNTRUSTED: list[dict[str, Any]] = [
    {"input": {"text": "text"}},
    {"input": {"text": "json"}},
    {"input": {"text": {"type": "string", "max_length": 998}}},
    {"pipeline": [FETCH]},
    {"tools": [HTTP]},
]
OUT: list[tuple[dict[str, Any], str]] = [
    ({"tools": [MAIL], "pipeline": [SEND]}, "/name"),
    ({"tools": [ANY_HTTP]}, "/hosts/1"),
]
HARMLESS: list[dict[str, Any]] = [
    {"input": {"kind": {"type": "enum", "values": ["a"]}, "at": "datetime"}},
    {"input": {"id": {"type": "string", "max_length": 40}}},
    {"tools": [HTTP]},
    {"tools": [MAIL], "pipeline": [FETCH]},
    {},
]


def merged(*parts: dict[str, Any]) -> AgentType:
    spec: dict[str, Any] = {"version": "1.0.0"}
    for part in parts:
        for key, value in part.items():
            joined = (
                [*spec.get(key, []), *value] if isinstance(value, list) else {**spec.get(key, {}), **value}
            )
            spec[key] = joined
    return AgentType.model_validate({**HEAD, "kind": "AgentType", "metadata": {"name": "t"}, "spec": spec})


def policy(value: str) -> Policy:
    spec = {"lethal_combination": value}
    return Policy.model_validate({**HEAD, "kind": "Policy", "metadata": {"name": "p"}, "spec": spec})


def told(agent_type: AgentType, *policies: Policy) -> list[tuple[str, str]]:
    found = [f for f in check_policy(agent_type, policies) if f.code == "lethal-combination"]
    return [(finding.severity, pointer(finding.path)) for finding in found]


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize("untrusted", UNTRUSTED)
@pytest.mark.parametrize(("out", "place"), OUT)
def test_all_three_together_are_warned_of(
    private: dict[str, Any], untrusted: dict[str, Any], out: dict[str, Any], place: str
) -> None:
    found = merged(private, untrusted, out)
    ((severity, pointed),) = told(found)
    assert severity == "warning"
    assert pointed.startswith("/spec/tools/")
    assert pointed.endswith(place)


@pytest.mark.parametrize("other", HARMLESS)
@pytest.mark.parametrize("private", PRIVATE)
def test_private_data_with_only_one_of_the_others_is_harmless(
    private: dict[str, Any], other: dict[str, Any]
) -> None:
    assert told(merged(private, other)) == []


def test_an_untrusted_text_that_can_go_out_is_harmless_without_anything_private() -> None:
    assert told(merged(UNTRUSTED[0], OUT[0][0])) == []
    assert told(merged(UNTRUSTED[3], OUT[1][0])) == []


LETHAL = (PRIVATE[0], UNTRUSTED[0], OUT[0][0])


def test_what_was_acknowledged_is_told_no_more() -> None:
    assert told(merged(*LETHAL, {"acknowledge": ["lethal-combination"]})) == []


def test_a_policy_may_forbid_it_whatever_was_acknowledged() -> None:
    found = merged(*LETHAL, {"acknowledge": ["lethal-combination"]})
    assert told(found, policy("warn")) == []
    assert told(found, policy("block")) == [("error", "/spec/tools/0/name")]
    assert told(merged(*LETHAL), policy("warn"), policy("block")) == [("error", "/spec/tools/0/name")]

"""The bounds that nobody can raise, where they are measured, and what a finding suggests."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.policy.ceilings import CEILINGS
from reconciler.policy.check import check_policy
from reconciler.spec.findings import pointer

from .test_check import agent_type, policy

ELSEWHERE = {"models": {"row": {"fields": {"owner": {"type": "reference", "model": "others.owner"}}}}}
SMALL, LARGE = {"type": "enum", "values": ["a"]}, {"type": "enum", "values": [f"v{n}" for n in range(501)]}


def test_the_ceilings_are_those_that_the_rest_is_built_to_carry() -> None:
    assert CEILINGS.model_dump(exclude_none=True) == {
        "timeout": "1d",
        "memory": "8Gi",
        "cpu": "1d",
        "tasks_per_minute": 100_000,
        "concurrency": 1_000,
        "output_bytes": "64Mi",
        "fields": 200,
        "models": 50,
        "steps": 200,
        "nesting": 12,
        "enum_values": 500,
        "text_bytes": "256Ki",
        "indexes": 32,
    }


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ({"settings": {"a": LARGE}}, "/spec/settings/a/values"),
        ({"input": {"a": LARGE}}, "/spec/input/a/values"),
        ({"models": {"m": {"fields": {"a": LARGE}}}}, "/spec/models/m/fields/a/values"),
        ({"output": {"fields": {"a": LARGE}, "from": "x"}}, "/spec/output/fields/a/values"),
    ],
)
def test_values_are_counted_wherever_fields_are(spec: dict[str, Any], place: str) -> None:
    found = check_policy(agent_type(**spec), [])
    assert place in [pointer(one.path) for one in found if one.code == "too-complex"], found


def test_where_a_policy_does_not_speak_of_tables_any_may_be_referred_to() -> None:
    assert check_policy(agent_type(**ELSEWHERE), [policy(hosts=[])]) == []


@pytest.mark.parametrize(
    ("said", "spec", "hint"),
    [
        ({"tables": []}, ELSEWHERE, "allowed: no table of another type"),
        ({"tables": ["more.*"]}, ELSEWHERE, "allowed: more.*"),
        (
            {"models": []},
            {"tools": [{"name": "x", "models": ["llama3.2"]}]},
            "no language model is allowed",
        ),
        (
            {"models": ["llama3.2"]},
            {"tools": [{"name": "x", "models": ["llama3.1"]}]},
            "did you mean `llama3.2`?",
        ),
    ],
)
def test_a_finding_says_what_is_allowed_instead(
    said: dict[str, Any], spec: dict[str, Any], hint: str
) -> None:
    (finding,) = check_policy(agent_type(**spec), [policy(**said)])
    assert finding.hint == hint

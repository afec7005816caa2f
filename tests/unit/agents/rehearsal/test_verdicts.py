"""Verdicts of manifests' tests, by the table `cases/rehearsal/verdicts.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.agents.rehearsal import Rehearsal, rehearse
from reconciler.manifests.checks.agent_type import check_type
from reconciler.spec.agent_type import AgentType
from reconciler.tools.registry import builtin_registry

FILE = Path(__file__).parents[3] / "cases" / "rehearsal" / "verdicts.yaml"
CASES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())

GRANTS = [
    {"name": "llm_processor", "models": ["llama3.2"]},
    {"name": "http_request", "hosts": ["docs.example.org"]},
    {"name": "html_to_text"},
    {"name": "text_splitter"},
    {"name": "keyword_classifier"},
    {"name": "database_reader", "models": ["note"]},
    {"name": "database_writer", "models": ["note"]},
]
NOTE = {
    "text": {"type": "string", "required": True, "unique": True},
    "stars": {"type": "integer", "min": 1, "max": 5},
    "price": {"type": "decimal", "precision": 8, "scale": 2},
    "at": "datetime",
    "done": {"type": "boolean", "default": False},
}
INPUT = {
    "text": {"type": "string", "required": True},
    "stars": "integer",
    "price": "decimal",
    "at": "datetime",
}
SAVE = {
    "id": "save",
    "tool": "database_writer",
    "with": {
        "model": "note",
        "mode": "insert",
        "values": {
            "text": "{{ input.text }}",
            "stars": "{{ input.stars | default(none) }}",
            "price": "{{ input.price | default(none) }}",
            "at": "{{ input.at | default(none) }}",
        },
    },
}


def type_of(case: dict[str, Any]) -> AgentType:
    spec = {
        "version": "1.0.0",
        "settings": case.get("settings", {}),
        "input": INPUT,
        "models": {"note": {"fields": NOTE}},
        "output": {"model": "note", "from": "save"},
        "tools": GRANTS,
        "pipeline": case.get("pipeline", [SAVE]),
        "tests": case["tests"],
    }
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "AgentType",
        "metadata": {"name": "notes"},
        "spec": spec,
    }
    made = AgentType.model_validate(document)
    assert [f for f in check_type(made) if f.severity == "error"] == [], "the case itself is a sound type"
    return made


def rehearsed(case: dict[str, Any]) -> Rehearsal:
    return rehearse(type_of(case), builtin_registry(), lambda address: None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_verdict_tells_all_that_differs_and_nothing_else(case: dict[str, Any]) -> None:
    found = rehearsed(case)
    told = {
        v.test: {difference.at: difference.message for difference in v.differences} for v in found.verdicts
    }
    assert {name: list(places) for name, places in told.items()} == {
        name: list(places) for name, places in case["verdicts"].items()
    }, told
    for name, places in case["verdicts"].items():
        for place, words in places.items():
            assert words in told[name][place]
    if "gaps" in case:
        assert [f"{gap.step}/{gap.branch}" for gap in found.gaps] == case["gaps"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_no_test_waits_for_a_retry_or_a_network(case: dict[str, Any]) -> None:
    assert all(verdict.seconds < 1 for verdict in rehearsed(case).verdicts)

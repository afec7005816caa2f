"""What a call of each built-in tool gets told, and what later steps may expect of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from reconciler.manifests.checks.agent_type import check_type
from reconciler.spec.findings import Finding
from tests.unit.manifests.example import CASES, example, told

CALLS: list[dict[str, Any]] = yaml.safe_load(
    (CASES / "check_type" / "calls.yaml").read_text(encoding="utf-8")
)
PLACE = ("spec", "pipeline", 3, "with")


def findings_of_call(
    tool: str, parameters: dict[str, Any], grant: dict[str, Any] | None, edits: dict[str, Any], then: str = ""
) -> list[Finding]:
    """Findings about a call behind the example's pipeline, or about a text `then` of one more step."""
    edits = {**edits, "/spec/pipeline/-": {"id": "call", "tool": tool, "with": parameters}}
    granted = {g.name: index for index, g in enumerate(example().spec.tools)}
    if tool in granted and grant is not None:
        edits[f"/spec/tools/{granted[tool]}"] = {"name": tool, **grant}
    elif tool not in granted:
        edits["/spec/tools/4"] = {"name": tool, **(grant or {})}
    place: tuple[str | int, ...] = PLACE
    if then:
        place = ("spec", "pipeline", 4, "with")
        edits["/spec/tools/-"] = {"name": "template"}
        edits["/spec/pipeline/4"] = {"id": "then", "tool": "template", "with": {"template": then}}
    found = check_type(example(edits))
    return [replace(f, path=f.path[len(place) :]) for f in found if f.path[: len(place)] == place]


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case["says"])
def test_a_call_is_told_exactly(case: dict[str, Any]) -> None:
    findings = findings_of_call(case["tool"], case["with"], case.get("grant"), case.get("set", {}))
    assert told(findings) == case["finds"]
    if "hint" in case:
        assert case["hint"] in findings[0].hint


ANALYSIS = {"models": ["analysis"]}
RESULTS = [
    ("llm_processor", {"model": "llama3.2", "prompt": "x"}, None, ["text"], ["output"]),
    ("llm_processor", {"model": "llama3.2", "prompt": "x", "output": {"a": "text"}}, None, ["a"], ["text"]),
    (
        "database_reader",
        {"model": "analysis"},
        ANALYSIS,
        ["rows[0].summary", "first.id", "count"],
        ["rows[0].x", "last"],
    ),
    ("database_reader", {"model": "analysis", "fields": ["id"]}, ANALYSIS, ["first.id"], ["first.summary"]),
    (
        "email_connector",
        {"to": "{{ settings.urgent_to }}", "subject": "x", "text": "y"},
        None,
        ["sent"],
        ["messages"],
    ),
    ("email_connector", {"action": "fetch"}, None, ["messages[0].body", "count"], ["sent", "messages[0].x"]),
    (
        "http_request",
        {"url": "{{ input.body }}"},
        None,
        ["status", "body", "headers.etag", "json.a.b"],
        ["text"],
    ),
    ("http_request", {"url": "{{ input.body }}", "output": {"a": "text"}}, None, ["json.a"], ["json.b"]),
    ("text_splitter", {"text": "x"}, None, ["chunks[0]", "count"], ["parts"]),
    (
        "text_extract",
        {"text": "x", "patterns": {"number": "[0-9]+"}},
        None,
        ["number"],
        ["text", "number[0]"],
    ),
    (
        "text_extract",
        {"text": "x", "patterns": {"number": "[0-9]+"}, "all": True},
        None,
        ["number[0]"],
        ["number.x"],
    ),
    ("template", {"template": "x"}, None, ["text"], ["template"]),
    (
        "keyword_classifier",
        {"text": "x", "rules": {"a": ["b"]}, "default": "c"},
        None,
        ["label", "category"],
        ["a"],
    ),
    ("json_transform", {"values": {"a": {"b": "{{ steps.save }}"}}}, None, ["a.b.summary"], ["b", "a.b.x"]),
    ("html_to_text", {"html": "x"}, None, ["text", "title", "links[0]"], ["html"]),
]


@pytest.mark.parametrize(("tool", "parameters", "grant", "known", "unknown"), RESULTS)
def test_later_steps_know_what_a_call_gives(
    tool: str, parameters: dict[str, Any], grant: dict[str, Any] | None, known: list[str], unknown: list[str]
) -> None:
    for result in known:
        assert findings_of_call(tool, parameters, grant, {}, f"{{{{ steps.call.{result} }}}}") == []
    for result in unknown:
        found = findings_of_call(tool, parameters, grant, {}, f"{{{{ steps.call.{result} }}}}")
        assert told(found) == ["expression /template"], result

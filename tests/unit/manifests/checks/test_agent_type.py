"""What a single document of a type gets told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manifests.checks.agent_type import check_type
from reconciler.manifests.document import read
from reconciler.spec.agent_type import AgentType
from reconciler.tools.registry import ToolRegistry, builtin_registry
from tests.unit.manifests.example import CASES, example, told

FINDINGS: list[dict[str, Any]] = yaml.safe_load(
    (CASES / "check_type" / "findings.yaml").read_text(encoding="utf-8")
)
SHIPPED = sorted((Path(__file__).parents[3] / "agents.d").glob("**/type.yaml"))


def test_the_example_of_the_language_is_right() -> None:
    assert check_type(example()) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_the_shipped_examples_have_no_errors(path: Path) -> None:
    (document,) = read(path.read_bytes(), path.name).documents
    findings = check_type(AgentType.model_validate(document.value))
    assert [f for f in findings if f.severity == "error"] == []


@pytest.mark.parametrize("case", FINDINGS, ids=lambda case: case["says"])
def test_an_edit_of_the_example_is_told_exactly(case: dict[str, Any]) -> None:
    findings = check_type(example(case["set"]))
    assert sorted(told(findings)) == sorted(case["finds"])
    if "hint" in case or "offset" in case:
        first = next(f for f in findings if told([f]) == case["finds"][:1])
        assert case.get("hint", "") in first.hint
        assert first.offset == case.get("offset", first.offset)


def test_every_wrong_place_is_told_at_once() -> None:
    findings = check_type(
        example({"/spec/output/from": "sav", "/spec/pipeline/0/with/prompt": "{{ input.x }}{{ input.y }}"})
    )
    assert told(findings) == [
        "unknown-step /spec/output/from",
        "expression /spec/pipeline/0/with/prompt",
        "expression /spec/pipeline/0/with/prompt",
    ]


def test_findings_of_the_same_type_come_in_the_same_order() -> None:
    broken = example({"/spec/input": {}, "/spec/settings": {}})
    assert len(check_type(broken)) > 5
    assert check_type(broken) == check_type(broken)


def test_a_secret_written_where_its_name_belongs_is_not_repeated() -> None:
    login = {"username": "agent", "password_secret": "hunter2-hunter2"}
    (finding,) = check_type(example({f"/spec/pipeline/2/with/{name}": text for name, text in login.items()}))
    assert "hunter2" not in finding.message + finding.hint


def test_only_tools_of_the_given_registry_exist() -> None:
    codes = {f.code for f in check_type(example(), ToolRegistry())}
    assert codes == {"unknown-tool"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "{{ input.body }}", "{{", "{{ steps.save }}", "id"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "id", "sender", "{{ x }}"]), inner, max_size=3)
    ),
    max_leaves=8,
)
TOOLS = sorted(builtin_registry().names())


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """A step that calls a built-in tool with whatever, under names that the tool knows."""
    declaration = builtin_registry().get(draw(st.sampled_from(TOOLS)))
    assert declaration is not None
    given_names = draw(st.lists(st.sampled_from(sorted(declaration.parameters)), unique=True))
    meant = st.sampled_from(["analysis", "upsert", "update", "fetch", "send", ["sender"], {"sender": "a"}])
    parameters = {name: draw(meant | JSON) for name in given_names}
    return {"id": "fuzzed", "tool": declaration.name, "with": parameters}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(calls())
def test_no_value_of_a_parameter_makes_a_check_fail(step: dict[str, Any]) -> None:
    edits = {
        "/spec/pipeline/-": step,
        "/spec/tools": [{"name": name, "models": ["analysis"]} for name in TOOLS],
    }
    for finding in check_type(example(edits)):
        assert finding.code
        assert finding.message

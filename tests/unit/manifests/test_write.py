"""Documents written into files: nothing of what people wrote around a change is lost."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.manifests.document import read
from reconciler.manifests.write import file_for, put, rendered, without

AGENTS_D = Path(__file__).parents[3] / "agents.d"
SHIPPED = sorted(AGENTS_D.rglob("*.yaml"))

TWO = """\
# The first of two.
apiVersion: reconciler/v1
kind: Policy
metadata: {name: one}   # one
spec:
  limits: {steps: 5}
---
# The second.
apiVersion: reconciler/v1
kind: Policy
metadata: {name: two}
spec:
  # Few.
  limits: {steps: 7}    # seven
"""


def _document(text: str, index: int = 0) -> dict[str, Any]:
    return deepcopy(read(text.encode(), "").documents[index].value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_putting_what_is_there_changes_no_byte(path: Path) -> None:
    text = path.read_text()
    assert put(text, _document(text)) == text


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_rendered_document_reads_as_itself(path: Path) -> None:
    document = _document(path.read_text())
    assert _document(rendered(document)) == document


def _without_checks(document: dict[str, Any]) -> None:
    del document["spec"]["models"]["analysis"]["checks"]


def _new_step(document: dict[str, Any]) -> None:
    step = {"id": "note", "tool": "template", "with": {"template": "one {{ input.subject }}\ntwo\n"}}
    document["spec"]["pipeline"].insert(1, step)


def _new_field(document: dict[str, Any]) -> None:
    document["spec"]["models"]["analysis"]["fields"]["extra"] = {"type": "string", "max_length": 30}


def _bumped(document: dict[str, Any]) -> None:
    document["spec"]["version"] = "1.1.0"


CHANGES = {
    _bumped: (1, 1),
    _new_field: (1, 0),
    _new_step: (6, 0),
    _without_checks: (0, 2),
}
"""Each change with the lines it adds and removes."""


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_a_change_touches_its_own_lines_and_no_others(change: Callable[[dict[str, Any]], None]) -> None:
    text = (AGENTS_D / "email-analysis/type.yaml").read_text()
    document = _document(text)
    change(document)
    result = put(text, document)
    lines = list(unified_diff(text.splitlines(), result.splitlines(), n=0, lineterm=""))[2:]
    marks = [line[0] for line in lines]
    assert (marks.count("+"), marks.count("-")) == CHANGES[change]
    assert _document(result) == document


def test_the_other_documents_of_a_file_stay_as_they_are() -> None:
    document = _document(TWO, 1)
    document["spec"]["limits"]["steps"] = 8
    assert put(TWO, document) == TWO.replace("steps: 7", "steps: 8")


def test_a_document_of_a_new_address_comes_last() -> None:
    document = {**_document(TWO), "metadata": {"name": "three"}}
    result = put(TWO, document)
    assert result.startswith(TWO + "---\n")
    assert _document(result, 2) == document


def test_a_document_is_taken_out_with_its_own_comments_only() -> None:
    assert without(TWO, "policy/two") == TWO[: TWO.index("---")]
    assert without(TWO, "policy/one") == TWO[TWO.index("# The second") :]
    assert without(TWO[: TWO.index("---")], "policy/one") == ""


def test_a_broken_file_is_not_touched() -> None:
    with pytest.raises(UsageError, match="broken"):
        put("a: [1,\n", _document(TWO))


@pytest.mark.parametrize("document", [{}, {"kind": "Agent"}, {"kind": "Nonsense", "metadata": {"name": "x"}}])
def test_what_is_no_manifest_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="kind"):
        put("", document)


def test_new_documents_find_their_place() -> None:
    named = {"metadata": {"name": "x"}}
    assert file_for({"kind": "AgentType", **named}) == "x/type.yaml"
    assert file_for({"kind": "Agent", **named, "spec": {"type": "t"}}) == "t/x.yaml"
    assert file_for({"kind": "Policy", **named}) == "policies/x.yaml"


_TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=30)
_TRICKY = [
    "no",
    "on",
    "012",
    "1:30",
    "~",
    "null",
    "1e3",
    "- x",
    "a: b",
    "# c",
    "{{ x }}",
    "one\ntwo\n",
    " x ",
    "'",
    '"',
    "%",
]
_SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _TEXTS | st.sampled_from(_TRICKY)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdef_", min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)
_SPECS = st.dictionaries(st.text("abcdef_", min_size=1, max_size=8), _VALUES, min_size=1, max_size=5)


def _policy(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "reconciler/v1", "kind": "Policy", "metadata": {"name": "x"}, "spec": spec}


@given(_SPECS, _SPECS)
def test_any_document_can_take_the_place_of_any_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    text = rendered(_policy(before))
    assert _document(text) == _policy(before)
    assert _document(put(text, _policy(after))) == _policy(after)

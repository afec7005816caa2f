"""What every built-in tool must declare, whatever it does."""

from __future__ import annotations

import pytest

from reconciler.spec.base import FIELD_NAME
from reconciler.spec.literals import check_literal
from reconciler.spec.patterns import matches, pattern_problem
from reconciler.tools.base import BOUNDED_BY, Capability, EffectClass, ToolDeclaration
from reconciler.tools.declarations import BUILTIN_TOOLS

each_tool = pytest.mark.parametrize("tool", BUILTIN_TOOLS, ids=lambda tool: tool.name)


@each_tool
def test_everything_about_a_tool_is_explained(tool: ToolDeclaration) -> None:
    assert tool.title
    assert tool.description.endswith(".")
    assert all(parameter.description for parameter in tool.parameters.values())


@each_tool
def test_names_of_parameters_are_names_of_fields(tool: ToolDeclaration) -> None:
    assert [name for name in tool.parameters if not matches(FIELD_NAME, name)] == []


@each_tool
def test_defaults_fit_their_parameters(tool: ToolDeclaration) -> None:
    for parameter in tool.parameters.values():
        if parameter.field is not None and parameter.default is not None:
            assert [*check_literal(parameter.default, parameter.field, ())] == []


@each_tool
def test_a_required_parameter_has_no_default(tool: ToolDeclaration) -> None:
    assert [name for name, p in tool.parameters.items() if p.required and p.default is not None] == []


@each_tool
def test_what_reaches_out_is_bounded_by_its_grant(tool: ToolDeclaration) -> None:
    reaching = {Capability.NETWORK, Capability.MAIL, Capability.FILES}
    assert (tool.effect is EffectClass.EXTERNAL) == bool(tool.capabilities & reaching)
    assert (tool.effect is EffectClass.NONE) == (not tool.capabilities)


def test_every_capability_is_bounded_by_some_part_of_a_grant() -> None:
    assert frozenset().union(*BOUNDED_BY.values()) == set(Capability)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^a.c$", "abc", True),
        (r"^\p{L}+$", "Äß", True),
        (r"^\d+$", "12a", False),
    ],
)
def test_a_pattern_occurs_anywhere_unless_it_is_anchored(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)b", "(?<!a)b", "(a{900}){900}", "a" * 501])
def test_a_pattern_that_is_not_linear_is_refused_in_one_line(pattern: str) -> None:
    reason = pattern_problem(pattern)
    assert reason
    assert "\n" not in reason


def test_a_pattern_that_takes_others_ages_takes_no_time() -> None:
    assert matches("^(a+)+$", "a" * 100_000 + "b") is False

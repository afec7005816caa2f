"""Every parameter of every built-in tool: a value that does not fit is refused at its place, at plan time where it
stands in the manifest, and at the call where an expression gave it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import BadParameter
from reconciler.spec.fields import FieldType
from reconciler.tools.base import Parameter, ToolDeclaration
from reconciler.tools.declarations import BUILTIN_TOOLS
from tests.unit.manifests.checks.test_calls import findings_of_call
from tests.unit.tools.calls import call

RIGHT: dict[str, dict[str, Any]] = {
    "llm_processor": {"model": "llama3.2", "prompt": "Say it."},
    "database_writer": {"model": "analysis", "values": {"message_id": "1", "category": "bug"}},
    "database_reader": {"model": "analysis"},
    "email_connector": {"action": "search", "username": "a", "password_secret": "imap_password"},
    "http_request": {"url": "https://example.com/"},
    "keyword_classifier": {"text": "a", "rules": {"x": ["a"]}, "default": "y"},
    "text_splitter": {"text": "a"},
    "text_extract": {"text": "a", "patterns": {"x": "a"}},
    "template": {"template": "a"},
    "json_transform": {"values": {"a": 1}},
    "html_to_text": {"html": "a"},
}
GRANTS: dict[str, dict[str, Any]] = {
    "llm_processor": {"models": ["llama3.2"]},
    "database_writer": {"models": ["analysis"]},
    "database_reader": {"models": ["analysis"]},
    "email_connector": {"hosts": ["imap.example.com"]},
    "http_request": {"hosts": ["example.com"]},
}
UNFIT: dict[str, Any] = {
    FieldType.STRING: {"a": 1},
    FieldType.TEXT: {"a": 1},
    FieldType.INTEGER: "many",
    FieldType.NUMBER: "much",
    FieldType.BOOLEAN: "perhaps",
    FieldType.ENUM: "nothing that it can be",
    FieldType.LIST: {"a": 1},
    FieldType.DATE: "one day",
    "mapping": [1],
    "fields": [1],
    "secret": {"a": 1},
}
"""By type. Whatever is given for a text that is made for the call, or for any value, fits."""

PARAMETERS = [
    pytest.param(tool, name, parameter, id=f"{tool.name}/{name}")
    for tool in BUILTIN_TOOLS
    for name, parameter in tool.parameters.items()
]


def test_the_table_has_every_built_in_tool() -> None:
    assert RIGHT.keys() == {tool.name for tool in BUILTIN_TOOLS}


def planned(tool: ToolDeclaration, params: dict[str, Any]) -> set[str]:
    """Which parameters are told to be wrong."""
    found = findings_of_call(tool.name, params, GRANTS.get(tool.name), {})
    return {str(one.path[0]) if one.path else "" for one in found if one.severity == "error"}


def called(tool: ToolDeclaration, params: dict[str, Any]) -> str:
    """The place of what the call refuses."""
    with pytest.raises(BadParameter) as caught:
        call(tool.name, params, grant=GRANTS.get(tool.name))
    return caught.value.where


@pytest.mark.parametrize("tool", BUILTIN_TOOLS, ids=lambda tool: tool.name)
def test_what_is_right_is_not_told(tool: ToolDeclaration) -> None:
    assert planned(tool, RIGHT[tool.name]) == set()


@pytest.mark.parametrize(("tool", "name", "parameter"), PARAMETERS)
def test_a_value_of_another_type_is_refused_at_its_place(
    tool: ToolDeclaration, name: str, parameter: Parameter
) -> None:
    if parameter.type not in UNFIT:
        assert parameter.type in ("any", "template", FieldType.JSON)
        return
    params = {**RIGHT[tool.name], name: UNFIT[parameter.type]}
    assert name in planned(tool, params)
    assert called(tool, params).startswith(f"step/with/{name}")


@pytest.mark.parametrize(("tool", "name", "parameter"), PARAMETERS)
def test_a_required_parameter_is_missed(tool: ToolDeclaration, name: str, parameter: Parameter) -> None:
    params = {key: value for key, value in RIGHT[tool.name].items() if key != name}
    if parameter.required:
        assert planned(tool, params)
        assert called(tool, params) in ("step/with", f"step/with/{name}")


@pytest.mark.parametrize("tool", BUILTIN_TOOLS, ids=lambda tool: tool.name)
def test_a_parameter_that_the_tool_does_not_have_is_refused(tool: ToolDeclaration) -> None:
    params = {**RIGHT[tool.name], "nonsense": 1}
    assert planned(tool, params) == {"nonsense"}
    assert called(tool, params) == "step/with/nonsense"

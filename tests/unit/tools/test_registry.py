"""Tools by name."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import UsageError
from reconciler.spec.fields import FieldType
from reconciler.tools.base import Capability, EffectClass, Parameter, ToolDeclaration
from reconciler.tools.registry import ToolRegistry, builtin_registry
from reconciler.tools.tool import Tool, ToolContext

PACKAGE = """
from reconciler.tools.base import EffectClass, ToolDeclaration
from reconciler.tools.tool import Tool

def declared(name, **more):
    return ToolDeclaration(name, name, "", EffectClass.NONE, {}, {}, **more)

GOOD = declared("good")
OTHER = "no declaration"
NEEDY = declared("needy", requires=("a_package_that_does_not_exist",))
LONELY = declared("lonely", depends_on=("absent",))
CHICKEN = declared("chicken", depends_on=("egg",))
EGG = declared("egg", depends_on=("chicken",))
UNSOUND = declared("un-sound")

class Shouting(Tool):
    declaration = declared("shouting", depends_on=("plain",))

    def execute(self, context, params):
        return self.dependencies["plain"].execute(context, params).upper()

class Plain(Tool):
    declaration = declared("plain", implementation="foreign_tools:Plain")

    def execute(self, context, params):
        return "plain"

PLAIN = Plain.declaration

class Unfinished(Tool):
    declaration = declared("unfinished")
"""
ENTRY_POINTS = """
[reconciler.tools]
good = foreign_tools:GOOD
renamed = foreign_tools:GOOD
other = foreign_tools:OTHER
missing = foreign_tools_that_do_not_exist:X
twice = foreign_tools:GOOD
needy = foreign_tools:NEEDY
lonely = foreign_tools:LONELY
chicken = foreign_tools:CHICKEN
egg = foreign_tools:EGG
un-sound = foreign_tools:UNSOUND
shouting = foreign_tools:Shouting
plain = foreign_tools:PLAIN
unfinished = foreign_tools:Unfinished
"""


def declaration(name: str, **more: Any) -> ToolDeclaration:
    return replace(ToolDeclaration(name, name, "", EffectClass.NONE, {}, {}), **more)


class Answering(Tool):
    declaration = declaration("answering")

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        return 42


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that brings tools, installed as pip would."""
    (tmp_path / "foreign_tools.py").write_text(PACKAGE, encoding="utf-8")
    for name, points in (
        ("foreign_tools", ENTRY_POINTS),
        ("second", "[reconciler.tools]\ntwice = foreign_tools:GOOD\n"),
    ):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8"
        )
        (folder / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "foreign_tools", raising=False)


def test_the_built_in_tools_are_there() -> None:
    names = builtin_registry().names()
    assert names >= {"llm_processor", "database_writer", "database_reader", "email_connector", "http_request"}
    assert names >= {
        "text_splitter",
        "text_extract",
        "template",
        "keyword_classifier",
        "json_transform",
        "html_to_text",
    }
    assert builtin_registry() is builtin_registry()


def test_a_name_is_taken_once() -> None:
    registry = ToolRegistry((declaration("a"),))
    with pytest.raises(UsageError):
        registry.register(declaration("a"))


def test_an_unknown_tool_is_none() -> None:
    assert ToolRegistry((declaration("a"),)).get("b") is None


@pytest.mark.usefixtures("installed")
def test_an_installed_tool_is_imported_when_it_is_asked_for() -> None:
    registry = ToolRegistry(entry_points=True)
    assert "good" in registry.names()
    assert registry.get("absent") is None
    assert "foreign_tools" not in sys.modules
    tool = registry.get("good")
    assert tool is not None
    assert tool.name == "good"
    assert registry.get("good") is tool


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("renamed", "no Tool and no ToolDeclaration named `renamed`"),
        ("needy", "needs the package `a_package_that_does_not_exist`"),
        ("lonely", "depends on the tool `absent`: there is none"),
        ("chicken", "depends on itself"),
        ("egg", "depends on itself"),
        ("un-sound", "its name must be lower case"),
        ("other", "no Tool and no ToolDeclaration"),
        ("missing", "ModuleNotFoundError"),
        ("twice", "two installed packages"),
    ],
)
def test_a_tool_that_cannot_be_loaded_says_why(name: str, reason: str) -> None:
    registry = ToolRegistry(entry_points=True)
    assert registry.get(name) is None
    assert reason in registry.problem(name)
    assert registry.get(name) is None


@pytest.mark.usefixtures("installed")
def test_an_installed_tool_does_not_replace_a_built_in_one() -> None:
    own = declaration("good")
    assert ToolRegistry((own,), entry_points=True).get("good") is own


def test_a_registry_without_entry_points_knows_only_its_own() -> None:
    assert ToolRegistry((declaration("a"),)).names() == {"a"}


@pytest.mark.usefixtures("installed")
def test_an_installed_class_is_the_tool_and_uses_those_it_depends_on() -> None:
    registry = ToolRegistry(entry_points=True)
    tool = registry.tool("shouting")
    context: Any = None
    assert tool.execute(context, {}) == "PLAIN"
    assert registry.tool("shouting") is tool
    assert registry.tool("plain") is tool.dependencies["plain"]


@pytest.mark.usefixtures("installed")
def test_every_tool_with_something_wrong_is_named() -> None:
    problems = ToolRegistry((declaration("a"),), entry_points=True).check()
    named = (
        "a",
        "good",
        "renamed",
        "other",
        "missing",
        "twice",
        "needy",
        "lonely",
        "chicken",
        "egg",
        "unfinished",
    )
    for name in named:
        assert any(f"`{name}`" in problem for problem in problems), name
    assert not any("`plain`" in problem or "`shouting`" in problem for problem in problems)


def test_nothing_is_wrong_with_the_built_in_tools() -> None:
    registry = builtin_registry()
    assert registry.check() == []
    for name in registry.names():
        tool = registry.tool(name)
        assert (tool.name, tool.declaration) == (name, registry.get(name))


def test_a_registered_class_is_made_once() -> None:
    registry = ToolRegistry()
    registry.register(Answering)
    assert isinstance(registry.tool("answering"), Answering)
    assert registry.tool("answering") is registry.tool("answering")


def test_a_tool_that_there_is_not_may_have_been_meant() -> None:
    with pytest.raises(UsageError) as caught:
        builtin_registry().tool("text_spliter")
    assert "text_splitter" in caught.value.hint


@pytest.mark.parametrize(
    ("unsound", "reason"),
    [
        (declaration("Loud"), "its name must be lower case"),
        (declaration("a" * 64), "at most 63"),
        (declaration("a", implementation="package.module"), "package.module:Class"),
        (declaration("a", capabilities=frozenset({Capability.TABLES})), "effect is `none`"),
        (
            declaration("a", effect=EffectClass.READ, capabilities=frozenset({Capability.NETWORK})),
            "has the effect `external`",
        ),
        (declaration("a", requires=("no_such_package_anywhere",)), "which is not installed"),
        (declaration("a", depends_on=("b",)), "depends on the tool `b`"),
        (declaration("a", depends_on=("a",)), "depends on the tool `a`"),
        (declaration("a", parameters={"A": Parameter("any")}), "its parameter `A`"),
        (declaration("a", parameters={"x": Parameter("any", required=True, default=1)}), "has a default"),
        (declaration("a", parameters={"x": Parameter(FieldType.ENUM)}), "an enum needs `values`"),
        (declaration("a", parameters={"x": Parameter(FieldType.INTEGER, min=2, max=1)}), "larger than"),
        (declaration("a", parameters={"x": Parameter(FieldType.INTEGER, default=0, min=1)}), "default"),
        (declaration("a", parameters={"x": Parameter(FieldType.REFERENCE)}), "cannot be a reference"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_not_registered(unsound: ToolDeclaration, reason: str) -> None:
    registry = ToolRegistry()
    with pytest.raises(UsageError, match=re.escape(reason)):
        registry.register(unsound)
    assert registry.names() == frozenset()


def test_what_is_no_tool_is_not_registered() -> None:
    nothing: Any = str
    with pytest.raises(UsageError):
        ToolRegistry().register(nothing)


def test_tools_are_found_by_what_they_reach_and_do() -> None:
    registry = builtin_registry()
    assert [found.name for found in registry.find(capability=Capability.TABLES)] == [
        "database_reader",
        "database_writer",
    ]
    assert [found.name for found in registry.find(effect=EffectClass.EXTERNAL)] == [
        "email_connector",
        "http_request",
    ]
    assert registry.find(capability=Capability.TABLES, effect=EffectClass.EXTERNAL) == []
    assert len(registry.find()) == len(registry.names())


def test_declarations_import_no_implementation() -> None:
    heavy = ("re2", "http.client", "ssl", "smtplib", "ollama", "reconciler.tools.tool")
    program = (
        "import sys; from reconciler.tools.registry import builtin_registry; builtin_registry();"
        f"print([module for module in {heavy} if module in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

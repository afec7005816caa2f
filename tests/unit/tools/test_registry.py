"""Tools by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.tools.base import EffectClass, ToolDeclaration
from reconciler.tools.registry import ToolRegistry, builtin_registry

PACKAGE = """
from reconciler.tools.base import EffectClass, ToolDeclaration
GOOD = ToolDeclaration("good", "Good", "", EffectClass.NONE, {}, {})
OTHER = "no declaration"
"""
ENTRY_POINTS = """
[reconciler.tools]
good = foreign_tools:GOOD
renamed = foreign_tools:GOOD
other = foreign_tools:OTHER
missing = foreign_tools_that_do_not_exist:X
twice = foreign_tools:GOOD
"""


def declaration(name: str) -> ToolDeclaration:
    return ToolDeclaration(name, name, "", EffectClass.NONE, {}, {})


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
        ("renamed", "no ToolDeclaration named `renamed`"),
        ("other", "no ToolDeclaration"),
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

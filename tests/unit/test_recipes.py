"""What README tells contributors to look for is all there is to find."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANY = 10
"""A table of so many types is about all of them; smaller ones are about some feature."""


def test_the_search_for_one_field_type_shows_every_table_of_types() -> None:
    tables = [
        (f"{file.relative_to(ROOT)}:{node.lineno}", names)
        for file in sorted([*(ROOT / "reconciler").rglob("*.py"), *(ROOT / "api").rglob("*.py")])
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Dict) and len(names := _types(node)) >= MANY
    ]
    assert len(tables) >= MANY
    assert [place for place, names in tables if "UUID" not in names] == []


def _types(table: ast.Dict) -> set[str]:
    """Those that are its keys."""
    return {
        key.attr
        for key in table.keys
        if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name) and key.value.id == "FieldType"
    }

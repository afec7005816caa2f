"""The schema that the shipped examples name in their first line, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.cli.first_manifest import first_manifest
from reconciler.manifests.json_schema import json_schema

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = ROOT / ".reconciler" / "schema.json"
EXAMPLES = sorted((ROOT / "agents.d").rglob("*.yaml"))


def test_the_schema_is_what_the_program_says_now() -> None:
    said = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    written = SCHEMA.read_text(encoding="utf-8")
    assert written == said, "run: reconcile schema --out .reconciler/schema.json"


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.relative_to(ROOT).as_posix() for path in EXAMPLES])
def test_an_example_names_the_schema_by_its_path(example: Path) -> None:
    assert named_by(example.read_text(encoding="utf-8"), example.parent) == SCHEMA


def test_the_first_manifest_names_the_schema_that_it_tells_to_write() -> None:
    text = first_manifest()
    assert named_by(text, ROOT / "agents.d") == SCHEMA
    assert "reconcile schema --out .reconciler/schema.json" in text


def named_by(text: str, folder: Path) -> Path:
    """The schema of the first line, which is relative to the manifest."""
    comment, _, path = text.splitlines()[0].partition("$schema=")
    assert comment == "# yaml-language-server: "
    return (folder / path).resolve()

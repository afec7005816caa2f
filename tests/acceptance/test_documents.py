"""README and tutorials keep their word: every block is executed, and prints what stands below it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.acceptance.document_walk import ROOT, Astray, Missing, follow
from tests.acceptance.readme_blocks import Walk, walks

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "reconciler/documentation/tutorials").glob("*.md"))]
NO_REGISTRY = "No matching distribution found"


def all_walks() -> list[object]:
    return [
        pytest.param(document, walk, id=f"{document.name}:{walk.line}")
        for document in DOCUMENTS
        for walk in walks(document.read_text())
    ]


@pytest.mark.parametrize(("document", "walk"), all_walks())
def test_what_is_documented_happens(document: Path, walk: Walk, tmp_path: Path) -> None:
    missing, told = "", ""
    try:
        follow(walk, tmp_path)
    except Missing as absent:
        missing = str(absent)
    except Astray as astray:
        told = f"{document.name}, {astray}"
        missing = "no package registry" if NO_REGISTRY in told else ""
    if missing and os.environ.get("CI") != "true":
        pytest.skip(missing)
    if missing or told:
        pytest.fail(told or missing, pytrace=False)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        assert not path or (document.parent / path).exists(), target
        assert path or anchor in headings, target

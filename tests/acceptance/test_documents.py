"""README and tutorials keep their word: every block is executed, and prints what stands below it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.readme_blocks import (
    Command,
    Edit,
    File,
    Step,
    Unclear,
    Walk,
    apply_edit,
    difference,
    same_form,
    walks,
)
from tests.acceptance.shell_session import ShellSession

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "reconciler/documentation/tutorials").glob("*.md"))]
PREPARED = ROOT / "tests/cases/documents"
"""Folders that a document names as its starting point."""
NO_REGISTRY = "No matching distribution found"


def all_walks() -> list[object]:
    return [
        pytest.param(document, walk, id=f"{document.name}:{walk.line}")
        for document in DOCUMENTS
        for walk in walks(document.read_text())
    ]


@pytest.mark.parametrize(("document", "walk"), all_walks())
def test_what_is_documented_happens(document: Path, walk: Walk, tmp_path: Path) -> None:
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    scratch.mkdir()
    prelude = prepare(walk.folder, folder)
    with ShellSession(folder, scratch, environment(tmp_path)) as shell:
        prepared = shell.run(prelude)
        assert prepared.code == 0, prepared.text
        for step in walk.steps:
            take(step, folder, shell, f"{document.name}:{step.line}")


def take(step: Step, folder: Path, shell: ShellSession, place: str) -> None:
    match step:
        case File(path=path, text=text):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        case Edit(path=path):
            apply_edit(step, folder / path)
        case Command():
            follow(step, shell, place)
        case Unclear(why=why):
            pytest.fail(f"{place}: {why}")


def follow(step: Command, shell: ShellSession, place: str) -> None:
    done = shell.run(step.script)
    if NO_REGISTRY in done.text and os.environ.get("CI") != "true":
        pytest.skip(f"{place} needs a package registry")
    if done.code != step.exits or "Traceback" in done.text:
        pytest.fail(f"{place} exits with {done.code}\n{step.script}\n{done.text}", pytrace=False)
    if step.prints is not None and not same_form(step.prints, done.text):
        told = difference(step.prints, done.text)
        pytest.fail(f"{place} prints something else\n{step.script}\n{told}", pytrace=False)


def prepare(name: str, folder: Path) -> str:
    """Makes the folder; the script that has to run in it before the walk."""
    match name:
        case "empty":
            folder.mkdir()
        case "clone":
            subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        case "examples" | "applied":
            shutil.copytree(ROOT / "agents.d", folder / "agents.d")
        case _:
            shutil.copytree(PREPARED / name, folder)
            script = (folder / "prepare.sh").read_text()
            (folder / "prepare.sh").unlink()
            return script
    return "reconcile --apply --yes" if name == "applied" else ":"


def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "USER": "you",
        "RECONCILER_ACTOR": "you",
        "RECONCILER_OLLAMA_URL": f"http://127.0.0.1:{unused_port()}",
    }


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


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

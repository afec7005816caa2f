"""The shape of the repository: what may stand at its top, and that its version is said once."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from reconciler import __version__

ROOT = Path(__file__).parents[2]
TOP_LEVEL = {"pyproject.toml", "agents.d", "reconciler", "api", "migrations", "tests", "README.md"}


def test_the_top_level_is_seven_names_and_dotfiles() -> None:
    names = {path.split("/")[0] for path in _tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_the_folder_of_examples_holds_manifests_only() -> None:
    assert {Path(path).suffix for path in _tracked() if path.startswith("agents.d/")} == {".yaml"}


def test_the_version_stands_in_one_place_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"]
    assert version("reconciler") == __version__
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?", __version__)


def _tracked() -> list[str]:
    """What git knows; a working folder may hold more for a while."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: an unpacked source distribution has no list of its files")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()

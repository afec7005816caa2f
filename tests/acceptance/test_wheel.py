"""What is released works without the repository: built, installed into an environment of its own, and used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from reconciler import __version__
from tests.acceptance.command_line import CommandLine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source distribution, not from the repository."""
    folder = tmp_path_factory.mktemp("dist")
    _made([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)])
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> CommandLine:
    """The program in a fresh environment, with what it declares to need and nothing else, in an empty folder."""
    return _installed(tmp_path, str(wheel))


def _installed(place: Path, *wanted: str) -> CommandLine:
    environment, folder = place / "environment", place / "empty"
    folder.mkdir()
    _made([sys.executable, "-m", "venv", str(environment)])
    _made([str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted])
    return CommandLine(folder, program=environment / "bin" / "reconcile")


def _made(command: list[str]) -> None:
    """Skips where it fails: without a package registry nothing can be built. In CI that is a failure."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        told = f"{' '.join(command)} failed:\n{done.stdout[-1000:]}\n{done.stderr[-1000:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)


def test_a_newcomer_needs_only_the_wheel(installed: CommandLine) -> None:
    _first_steps(installed)


@pytest.mark.slow
def test_the_lowest_versions_that_are_allowed_are_enough(wheel: Path, tmp_path: Path) -> None:
    constraints = tmp_path / "lowest.txt"
    lowest = subprocess.run(
        [sys.executable, str(ROOT / ".ci/lowest_versions.py")], capture_output=True, text=True, check=True
    )
    constraints.write_text(lowest.stdout)
    _first_steps(_installed(tmp_path, "--constraint", str(constraints), f"{wheel}[postgres,celery]"))


def _first_steps(installed: CommandLine) -> None:
    assert installed("--version").out == f"reconcile {__version__}\n"
    assert installed("init").code == 0
    assert installed("--apply", "--yes").last == "Applied 1 unit as revision 1."
    assert installed("run", "my-notes", "--input", '{"text": "The deadline is on Friday"}').code == 0
    (row,) = installed("results", "my-notes", "--json").document["rows"]
    assert (row["text"], row["topic"]) == ("The deadline is on Friday", "task")
    assert installed("init", "examples.d", "--example", "all").code == 0
    assert installed("test", "--source", "examples.d").code == 0
    assert installed("--plan", "--detailed-exitcode").code == 0
    assert installed("sdk", "typescript", "--source", "examples.d", "--out", "sdk").code == 0
    assert (installed.folder / "sdk" / "src" / "instance" / "types.ts").exists()


def test_the_archives_hold_what_runs_and_nothing_that_lay_about(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    meant = {
        "reconciler/cli/main.py",
        "reconciler/examples/policy.yaml",
        "migrations/versions/0001_catalog.py",
        "api/frontend/package.json",
        "api/frontend/src/generated/types.gen.ts",
    }
    assert meant <= shipped
    assert {name.split("/")[0] for name in shipped} == {
        "reconciler", "api", "migrations", f"reconciler-{__version__}.dist-info"
    }  # fmt: skip
    (source,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        sources = {name.split("/", 1)[1] for name in archive.getnames()}
    assert "tests/acceptance/test_wheel.py" in sources
    assert not [name for name in shipped | sources if name.endswith((".pyc", ".db", ".log"))]
    assert {name.split("/")[0] for name in sources} <= {
        "agents.d", "api", "migrations", "reconciler", "tests", "pyproject.toml", "README.md", "PKG-INFO",
        ".ci", ".deploy", ".gitignore",
    }  # fmt: skip

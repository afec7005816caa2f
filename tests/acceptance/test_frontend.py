"""The TypeScript package: generated from this very API, packed, installed, bundled, and its hooks against mocks and a
server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.sdk import sdk_package
from tests.acceptance.api_process import announced
from tests.acceptance.command_line import PROGRAM, CommandLine
from tests.frontend_package import GENERATED, GENERATOR, generate, texts
from tests.unit.documentation.hostile import SHIPPED, shipped_types
from tests.unit.documentation.node import PACKAGES, Node, node_with_packages

pytestmark = pytest.mark.xdist_group("node")
TESTS = Path(__file__).parents[1] / "frontend"
VERSION = "0.1.0"


@pytest.fixture(scope="session")
def cache(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.cache.mkdir("typescript"))  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def node(cache: Path) -> Node:
    return node_with_packages(cache)


@pytest.fixture(scope="session")
def project(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`sdk/`, the package of the shipped types, and beside it `tests/`."""
    folder = tmp_path_factory.mktemp("frontend")
    node.write(folder, {f"sdk/{name}": text for name, text in sdk_package(shipped_types(), VERSION).items()})
    shutil.copytree(TESTS, folder / "tests", ignore=shutil.ignore_patterns("app"))
    return folder


def test_what_is_generated_of_the_api_is_up_to_date(cache: Path, tmp_path: Path) -> None:
    made = generate(node_with_packages(cache, GENERATOR), tmp_path)
    assert made == texts(GENERATED), "write it anew: python -m tests.frontend_package"


def test_an_app_installs_the_tarball_compiles_strictly_and_is_bundled(
    node: Node, project: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    shutil.copytree(TESTS / "app", app)
    npm(project / "sdk", "pack", "--pack-destination", str(app))
    # What the package needs is there already, so that nothing but the tarball is installed.
    shutil.copytree(node.modules, app / "node_modules", symlinks=True, copy_function=os.link)
    needs = dict(PACKAGES) | {"reconciler-sdk": f"file:reconciler-sdk-{VERSION}.tgz"}
    (app / "package.json").write_text(json.dumps({"private": True, "type": "module", "dependencies": needs}))
    npm(app, "install", "--offline", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    shipped = {path.suffix for path in (app / "node_modules/reconciler-sdk").rglob("*") if path.is_file()}
    assert shipped == {".css", ".js", ".json", ".map", ".md", ".ts"}
    assert node.compile(app) == ""
    node.run(app, "node_modules/vite/bin/vite.js", "build")
    (script,) = (app / "dist" / "assets").glob("*.js")
    assert (app / "dist" / "index.html").exists()
    # What is not used is not in it: neither the builder nor the mocks.
    bundled = script.read_text()
    assert "rc-run-form" in bundled
    assert "What should the agent do?" not in bundled
    assert "changed-meanwhile" not in bundled


def npm(folder: Path, *command: str) -> None:
    done = subprocess.run(
        ["npm", *command], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def vitest(node: Node, project: Path, *files: str, **environment: str) -> None:
    """Runs the tests of these files, else all. Raises AssertionError where one fails, or none ran."""
    program = str(node.modules / "vitest" / "vitest.mjs")
    told = node.run(project / "tests", program, "run", "--no-color", *files, **environment)
    ran = re.search(r"Tests\s+(\d+) passed \((\d+)\)", told)
    assert ran is not None, told
    assert ran[1] == ran[2], told


def test_hooks_components_and_mocks_do_what_they_say(node: Node, project: Path) -> None:
    vitest(node, project)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a server with the shipped types, an agent called `demo` and a worker; and a key."""
    shutil.copytree(SHIPPED, tmp_path / "agents.d")
    (tmp_path / "agents.d" / "demo.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: demo}\nspec: {type: text-processing}\n"
    )
    line = CommandLine(tmp_path, RECONCILER_OLLAMA_URL="http://127.0.0.1:9", RECONCILER_TASK_POLL="0.1")
    assert line("--apply", "--yes").code == 0
    log = tmp_path / "serve.log"
    with log.open("w") as output:
        command = [PROGRAM, "serve", "--port", "0", "--worker"]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=line.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield announced(log, process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_the_hooks_do_the_same_with_a_server(node: Node, project: Path, served: tuple[str, str]) -> None:
    url, key = served
    vitest(node, project, "hooks.test.tsx", LIVE_URL=url, LIVE_KEY=key)

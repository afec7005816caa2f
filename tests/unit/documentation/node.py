"""Node, with the packages that generated TypeScript is used with: installed once, then linked into each test's folder.

Skips where there is no node or no registry, and says so. In CI a registry that does not answer is a failure.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

PACKAGES = {
    "@tanstack/react-query": "5.108.0",
    "@testing-library/react": "16.3.0",
    "@types/node": "20.19.0",
    "@types/react": "19.2.2",
    "@types/react-dom": "19.2.2",
    "axe-core": "4.11.0",
    "jsdom": "26.1.0",
    "msw": "2.11.6",
    "react": "19.2.0",
    "react-dom": "19.2.0",
    "typescript": "5.9.3",
    "vite": "7.3.8",
    "vitest": "3.2.4",
    "zod": "4.1.12",
}
NEWMAN = {"newman": "6.2.1"}


class Node:
    """Runs programs in folders that see the packages."""

    def __init__(self, modules: Path) -> None:
        self.modules = modules

    def write(self, folder: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        link = folder / "node_modules"
        if not link.exists():
            link.symlink_to(self.modules, target_is_directory=True)

    def compile(self, folder: Path, *options: str) -> str:
        """What the compiler complains of; empty if all is well."""
        return self._run(folder, str(self.modules / "typescript/bin/tsc"), "--pretty", "false", *options)[1]

    def run(self, folder: Path, script: str, *arguments: str, **environment: str) -> str:
        """What a script prints. Raises AssertionError where it fails."""
        code, out = self._run(folder, script, *arguments, **environment)
        assert code == 0, out
        return out

    def _run(self, folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
        done = subprocess.run(
            ["node", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def node_with_packages(cache: Path, packages: Mapping[str, str] = PACKAGES) -> Node:
    """`cache` keeps the packages from one run of the tests to the next."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: generated TypeScript is not compiled")
    digest = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache / digest
    if not folder.exists():
        _install(folder, packages)
    return Node(folder / "node_modules")


def _install(folder: Path, packages: Mapping[str, str]) -> None:
    """Beside its place first: several processes may install at once, and one of them comes first."""
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    (made / "package.json").write_text(json.dumps({"private": True, "dependencies": dict(packages)}))
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode == 0:
        with contextlib.suppress(OSError):
            made.rename(folder)
        return
    reason = f"npm cannot install what generated TypeScript is compiled with: {done.stderr.strip()[-300:]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)

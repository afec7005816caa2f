"""A browser without a window, and what drives it. Debian's Chromium is installed where it is missing and may be."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.documentation.node import Node, node_with_packages

PACKAGES = {"axe-core": "4.11.0", "playwright-core": "1.65.1"}
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium")


def chromium() -> str:
    """Its program. In CI a browser that cannot be had is a failure, elsewhere a skip that says so."""
    found = _found()
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("apt-get", "update"), _INSTALL):
            subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
        found = _found()
    if found is not None:
        return found
    told = f"there is no Chromium to look at the console with: {' '.join(_INSTALL)}"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


class Browser:
    """Runs scripts that drive a browser. A script gets one object, and prints another as its last line."""

    def __init__(self, cache: Path) -> None:
        self.program = chromium()
        self.node: Node = node_with_packages(cache, PACKAGES)

    def run(self, script: Path, **given: Any) -> dict[str, Any]:
        """`script` is one of the tests'; copied beside its packages, where it finds them."""
        folder = Path(given["out"])
        self.node.write(folder, {script.name: script.read_text()})
        asked = {
            "browser": self.program,
            "axe": str(self.node.modules / "axe-core" / "axe.min.js"),
            **given,
        }
        done = subprocess.run(
            ["node", script.name, json.dumps(asked)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told


def _found() -> str | None:
    return next((program for name in _NAMES if (program := shutil.which(name))), None)

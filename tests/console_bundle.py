"""The console, built from its sources in a folder of its own. As a program it puts the outcome in its place:

python -m tests.console_bundle
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "api" / "console"
BUNDLE = CONSOLE / "bundle"
FRONTEND = ROOT / "api" / "frontend"
_LOCKED = ("package.json", "package-lock.json", ".npmrc")


def prepared(folder: Path, cache: Path) -> Path:
    """The console's sources in a folder, beside the package's, with what they are built by. `cache` keeps that."""
    copied = folder / "api" / "console"
    shutil.copytree(CONSOLE, copied, ignore=shutil.ignore_patterns("bundle", "node_modules"))
    shutil.copytree(FRONTEND / "src", folder / "api" / "frontend" / "src")
    (folder / "node_modules").symlink_to(_modules(cache), target_is_directory=True)
    return copied


def complaints(console: Path) -> str:
    """What the compiler says of the sources; empty if all is well."""
    return _node(console, "typescript/bin/tsc", "--noEmit", "--pretty", "false")


def built(console: Path) -> Path:
    """The folder with the bundle."""
    _node(console, "vite/bin/vite.js", "build", "--logLevel", "error")
    return console / "bundle"


def contents(bundle: Path) -> dict[str, str]:
    """Digests of the files by name."""
    return {
        file.relative_to(bundle).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(bundle.rglob("*"))
        if file.is_file()
    }


def _node(console: Path, program: str, *arguments: str) -> str:
    command = ["node", str(console.parents[1] / "node_modules" / program), *arguments]
    done = subprocess.run(command, cwd=console, capture_output=True, text=True, timeout=300, check=False)
    told = done.stdout + done.stderr
    if done.returncode and "tsc" not in program:
        raise AssertionError(told)
    return told if done.returncode else ""


def _modules(cache: Path) -> Path:
    digest = hashlib.sha256(b"".join((CONSOLE / name).read_bytes() for name in _LOCKED)).hexdigest()[:12]
    folder = cache / digest
    if not folder.exists():
        _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    """Exactly what is locked. Beside its place first, as several processes may install at once."""
    if shutil.which("npm") is None:
        _cannot("node and npm are not installed")
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    for name in _LOCKED:
        shutil.copy(CONSOLE / name, made / name)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        _cannot(done.stderr.strip()[-300:])
    with contextlib.suppress(OSError):
        made.rename(folder)


def _cannot(reason: str) -> None:
    told = f"what the console is built by cannot be installed: {reason}"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


def main() -> None:
    cache = Path(tempfile.gettempdir()) / "reconciler-console-modules"
    cache.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        console = prepared(Path(folder), cache)
        if told := complaints(console):
            sys.exit(told)
        made = built(console)
        shutil.rmtree(BUNDLE, ignore_errors=True)
        shutil.copytree(made, BUNDLE)
    for name in contents(BUNDLE):
        print(name)


if __name__ == "__main__":
    main()

"""Peers are installed when they are first measured, into a folder that outlives the run, never into the
project.

What cannot be installed is a PeerMissingError with the installer's last words.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.contest import PeerMissingError
from tests.benchmarks.racing import environment

PATIENCE = 600
"""Seconds an installation may take."""


def python_environment(peers: Path, name: str, *requirements: str) -> Path:
    """The folder of the programs of a virtual environment with these requirements, bytecode compiled."""
    folder = _folder_of(peers, name, requirements)
    programs = folder / "bin"
    if not _is_complete(folder):
        _install(name, (sys.executable, "-m", "venv", str(folder)), peers)
        _install(name, (str(programs / "python"), "-m", "pip", "install", "--quiet", *requirements), peers)
        _install(
            name,
            (str(programs / "python"), "-m", "compileall", "-q", str(folder / "lib")),
            peers,
            exits=(0, 1),
        )
        _complete(folder)
    return programs


def node_packages(peers: Path, name: str, *packages: str) -> Path:
    """The folder of an npm project with these packages in `node_modules`."""
    folder = _folder_of(peers, name, packages)
    if not _is_complete(folder):
        npm = shutil.which("npm")
        if npm is None:
            raise PeerMissingError(f"{name} needs npm, which is not installed")
        (folder / "package.json").write_text('{"private": true}\n')
        _install(name, (npm, "install", "--no-fund", "--no-audit", *packages), folder)
        _complete(folder)
    return folder


def _folder_of(peers: Path, name: str, wanted: Sequence[str]) -> Path:
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:8]
    folder = peers / f"{name}-{digest}"
    if not _is_complete(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return folder


def _is_complete(folder: Path) -> bool:
    return (folder / "complete").exists()


def _complete(folder: Path) -> None:
    """An installation that was interrupted must not be taken for one."""
    (folder / "complete").touch()


def _install(name: str, command: Sequence[str], folder: Path, *, exits: Sequence[int] = (0,)) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(f"{name} cannot be installed: {error}") from error
    if done.returncode not in exits:
        words = [line.strip() for line in done.stdout.splitlines() if "error" in line.lower()]
        raise PeerMissingError(
            f"{name} cannot be installed: {words[0] if words else f'exit {done.returncode}'}"
        )


def default_folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path("~/.cache").expanduser()) / "reconciler-benchmarks"

"""Which program it is that judges manifests: a verdict is only worth keeping while its judge is the same."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from reconciler.spec.state import LANGUAGE

JUDGES = ("spec", "expressions", "tools", "policy", "manifests")
"""The packages that decide what a manifest means and what is wrong with it."""


@cache
def program_digest() -> str:
    """Digest of this program as installed: versions, its own files, and what else is installed beside it.

    The time of a `site-packages` folder moves with every installation, and with it the tools that plug-ins
    provide.
    """
    hashed = hashlib.sha256(f"{LANGUAGE} {sys.version}".encode())
    package = Path(__file__).parent.parent
    for name in JUDGES:
        for shown, status in _modules(str(package / name), name):
            hashed.update(f"{shown} {status.st_size} {status.st_mtime_ns}\n".encode())
    for folder in sys.path:
        if folder.endswith("-packages"):
            with contextlib.suppress(OSError):
                hashed.update(f"{folder} {Path(folder).stat().st_mtime_ns}\n".encode())
    return hashed.hexdigest()


def _modules(folder: str, shown: str) -> Iterator[tuple[str, os.stat_result]]:
    """The Python files of a package and of those in it, by name."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                yield f"{shown}/{entry.name}", entry.stat()
            elif "." not in entry.name and entry.name != "__pycache__":
                yield from _modules(entry.path, f"{shown}/{entry.name}")

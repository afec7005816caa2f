"""The agents this project ships, for `reconcile init --example`: read from where an installation keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import reconciler

ALL = "all"

_PACKAGE = Path(reconciler.__file__).parent
_INSTALLED = _PACKAGE / "examples"
_IN_REPOSITORY = _PACKAGE.parent / "agents.d"


def example_names() -> list[str]:
    return sorted(path.parent.name for path in _folder().glob("*/type.yaml"))


def example_files(names: Sequence[str]) -> Mapping[Path, bytes]:
    """Contents by path below the source; `all` stands for every example and their policy."""
    patterns = ["**/*.yaml"] if ALL in names else [f"{name}/*.yaml" for name in names]
    files = sorted({file for pattern in patterns for file in _folder().glob(pattern)})
    return {file.relative_to(_folder()): file.read_bytes() for file in files}


def _folder() -> Path:
    """A wheel has them inside the package, a repository beside it."""
    return _INSTALLED if _INSTALLED.is_dir() else _IN_REPOSITORY

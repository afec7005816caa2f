"""Files for the pipelines of forges, as `reconcile init --ci NAME` writes them."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from reconciler.errors import UsageError

PLACES = {
    "github": Path(".github/workflows/reconciler.yaml"),
    "gitea": Path(".gitea/workflows/reconciler.yaml"),
    "gitlab": Path(".gitlab-ci.yml"),
    "pre-commit": Path(".pre-commit-config.yaml"),
}
"""Where each of them looks, from the root of the repository."""


def pipeline(name: str, source: str) -> tuple[Path, bytes]:
    """The file of one of `PLACES` and where it goes. `source` is the manifests' folder, from the repository's root."""
    if not re.fullmatch("[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", source):
        raise UsageError(
            f"{source!r} is no folder below this one", hint="run this in the root of the repository"
        )
    text = files("reconciler.cli").joinpath("ci", f"{name}.yaml").read_text()
    return PLACES[name], text.replace("@SOURCE@", source).encode()

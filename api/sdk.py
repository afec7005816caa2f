"""The npm package for one instance: `frontend/`, the same for everyone, with the types there are in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.documentation.typescript.package import typescript_package
from reconciler.spec.agent_type import AgentType

FRONTEND = Path(__file__).parent / "frontend"
MANIFESTS = ("package.json", "tsconfig.json")
SOURCES = (".ts", ".tsx", ".css")


def frontend_package() -> dict[str, str]:
    """Texts of what the frontend package is made of, by file name."""
    sources = (path for path in (FRONTEND / "src").rglob("*") if path.suffix in SOURCES)
    paths = [*(FRONTEND / name for name in MANIFESTS), *sorted(sources)]
    return {path.relative_to(FRONTEND).as_posix(): path.read_text("utf-8") for path in paths}


def sdk_package(types: Sequence[AgentType], version: str) -> dict[str, str]:
    """Texts by file name. `version` is the package's own, in semver."""
    return typescript_package(types, version, frontend_package())

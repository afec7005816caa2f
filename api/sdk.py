"""The npm package for one instance: `frontend/`, the same for everyone, with the types there are in it."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

from reconciler.documentation.typescript.package import PACKAGE, typescript_package
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


def packed_sdk(types: Sequence[AgentType], version: str) -> bytes:
    """The same as a folder in a tar archive, packed with gzip. The same types give the same bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in sdk_package(types, version).items():
            content = text.encode()
            member = tarfile.TarInfo(f"{PACKAGE}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)

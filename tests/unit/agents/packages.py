"""Tiny packages, installed for a while: a module and the dist-info that names its entry points."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

Install = Callable[[str, str, Mapping[str, str]], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """`install(module, source, {entry point: attribute})` brings agents, until the test ends."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    modules: list[str] = []

    def install(module: str, source: str, agents: Mapping[str, str]) -> None:
        (folder / f"{module}.py").write_text(source)
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        points = "\n".join(f"{name} = {module}:{attribute}" for name, attribute in agents.items())
        (info / "entry_points.txt").write_text(f"[reconciler.agents]\n{points}\n")
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)

"""Generated manifests are what the benchmarks say they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from tests.benchmarks.generate import mutate, write_manifests


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.yaml")}


@pytest.mark.parametrize("seed", range(4))
def test_every_manifest_is_valid_and_stays_so_when_mutated(seed: int, tmp_path: Path) -> None:
    write_manifests(tmp_path, types=60, agents=90, seed=seed)
    for which, edited in [("one", 1), ("all", 150)]:
        before = load(DirectorySource(tmp_path))
        assert not before.problems
        assert len(before.state.entries) == before.files == 150
        assert mutate(tmp_path, which) == edited
        after = load(DirectorySource(tmp_path))
        assert not after.problems
        moved = [
            a for a, entry in after.state.entries.items() if entry.digest != before.state.entries[a].digest
        ]
        assert len(moved) == edited


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for folder, seed in [("a", 1), ("b", 1), ("c", 2)]:
        write_manifests(tmp_path / folder, types=20, agents=20, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != contents(tmp_path / "c")


def test_types_and_agents_are_as_long_as_real_ones(tmp_path: Path) -> None:
    write_manifests(tmp_path, types=100, agents=100, seed=1)
    for kind, least, most in [("types", 55, 70), ("agents", 9, 13)]:
        lengths = [data.count(b"\n") for path, data in contents(tmp_path).items() if path.startswith(kind)]
        assert least <= sum(lengths) / len(lengths) <= most

"""A file that somebody is still writing is not taken for what it is to become."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.errors import Problem
from reconciler.manifests.directory import DirectorySource


def read(folder: Path) -> bytes | Problem:
    ((_, found),) = DirectorySource(folder).read(["a.yaml"])
    return found


def test_a_file_open_for_writing_is_being_written(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("w") as file:
        file.write("kind: Agent\n")
        file.flush()
        found = read(tmp_path)
    assert isinstance(found, Problem)
    assert found.code == "file-being-written"


def test_once_it_is_closed_it_counts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Agent\n")
    assert read(tmp_path) == b"kind: Agent\n"


def test_readers_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Agent\n")
    with (tmp_path / "a.yaml").open():
        assert read(tmp_path) == b"kind: Agent\n"


def test_a_file_left_alone_for_long_is_read_whoever_has_it_open(tmp_path: Path) -> None:
    """Its times say that nobody is in the midst of it."""
    file = tmp_path / "a.yaml"
    file.write_text("kind: Agent\n")
    os.utime(file, (1, 1))
    assert read(tmp_path) == b"kind: Agent\n"

"""A folder is listed completely, in a fixed order, and never beyond its own bounds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import Problem, SourceError
from reconciler.manifests import directory
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.sources import READ_BYTES, MemorySource
from reconciler.manifests.text import MAX_FILE_BYTES

AGENT = b"kind: Agent\n"


def write(root: Path, *paths: str | bytes, data: bytes = AGENT) -> None:
    for path in paths:
        file = root / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def listed(root: Path) -> list[str]:
    return list(DirectorySource(root).scan().files)


def refusals(root: Path) -> dict[str, str]:
    return {path: problem.code for path, problem in DirectorySource(root).scan().refused.items()}


def test_manifests_at_any_depth_are_listed_in_order(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "a.yml", "teams/x/z.yaml", "teams/a.yaml", "README.md", "c.yaml.bak", "yaml")
    assert listed(tmp_path) == ["a.yml", "b.yaml", "teams/a.yaml", "teams/x/z.yaml"]


def test_hidden_files_and_folders_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, ".a.yaml", ".git/config.yaml", "x/.cache/b.yaml", "x/a.yaml")
    assert listed(tmp_path) == ["x/a.yaml"]


@pytest.mark.parametrize(
    "name",
    ["with space.yaml", "new\nline.yaml", "quo\"te's.yaml", "#x.yaml", "-rf.yaml", "ünï✓.yaml", "a\\b.yaml"],
)
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    source = DirectorySource(tmp_path)
    assert list(source.scan().files) == [name]
    assert dict(source.read([name])) == {name: AGENT}


def test_a_name_that_is_not_utf8_is_a_problem_of_that_file_only(tmp_path: Path) -> None:
    try:
        write(tmp_path, b"bad\xff.yaml", b"bad\xfe/a.yaml", b"unrelated\xff.txt", "good.yaml")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert listed(tmp_path) == ["good.yaml"]
    assert refusals(tmp_path) == {"bad\\xff.yaml": "file-name-encoding", "bad\\xfe": "file-name-encoding"}


class TestFingerprint:
    def test_stays_while_nothing_changes(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml", "b/c.yaml")
        source = DirectorySource(tmp_path)
        assert source.scan().fingerprint == source.scan().fingerprint

    @pytest.mark.parametrize(
        "edit",
        [
            pytest.param(lambda root: write(root, "a.yaml", data=b"kind: Agenu\n"), id="same size"),
            pytest.param(lambda root: os.utime(root / "a.yaml", (1, 1)), id="only the times"),
            pytest.param(lambda root: (root / "a.yaml").rename(root / "z.yaml"), id="renamed"),
            pytest.param(lambda root: (root / "a.yaml").unlink(), id="deleted"),
            pytest.param(lambda root: write(root, "new.yaml"), id="added"),
            pytest.param(lambda root: (root / "x.yaml").symlink_to("/etc/passwd"), id="refused"),
            pytest.param(lambda root: (root / "b.yaml").replace(root / "a.yaml"), id="replaced"),
        ],
    )
    def test_moves_with_every_change(self, tmp_path: Path, edit: Callable[[Path], object]) -> None:
        write(tmp_path, "a.yaml", "b.yaml")
        before = DirectorySource(tmp_path).scan().fingerprint
        time.sleep(0.01)  # a tick of the file system's clock
        edit(tmp_path)
        assert DirectorySource(tmp_path).scan().fingerprint != before


def test_a_file_changed_just_now_is_unsettled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.yaml")
    assert DirectorySource(tmp_path).scan().unsettled == {"a.yaml"}
    monkeypatch.setattr(directory, "SETTLED_AFTER_NS", 0)
    time.sleep(0.01)
    assert DirectorySource(tmp_path).scan().unsettled == set()


def test_a_file_dated_in_the_future_is_unsettled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "SETTLED_AFTER_NS", 0)
    write(tmp_path, "a.yaml")
    os.utime(tmp_path / "a.yaml", (2**32, 2**32))
    time.sleep(0.01)
    assert DirectorySource(tmp_path).scan().unsettled == {"a.yaml"}


class TestLinks:
    def test_out_of_the_source_are_refused(self, tmp_path: Path) -> None:
        write(tmp_path, "outside/secret.yaml", "outside.yaml", "source/a.yaml")
        source = tmp_path / "source"
        (source / "file.yaml").symlink_to("../outside.yaml")
        (source / "folder").symlink_to(tmp_path / "outside")
        (source / "sibling").symlink_to(tmp_path / "outside" / ".." / "outside")
        (source / "README").symlink_to("../outside.yaml")
        assert listed(source) == ["a.yaml"]
        assert refusals(source) == dict.fromkeys(["file.yaml", "folder", "sibling"], "symlink-leaves-source")

    def test_to_a_sibling_whose_name_begins_alike_leave_the_source(self, tmp_path: Path) -> None:
        write(tmp_path, "source-of-evil/a.yaml", "source/b.yaml")
        (tmp_path / "source" / "a.yaml").symlink_to(tmp_path / "source-of-evil" / "a.yaml")
        assert refusals(tmp_path / "source") == {"a.yaml": "symlink-leaves-source"}

    def test_into_hidden_folders_are_followed_as_kubernetes_mounts_files(self, tmp_path: Path) -> None:
        write(tmp_path, "..2025_01/a.yaml", "..2025_01/team/b.yaml")
        (tmp_path / "..data").symlink_to("..2025_01")
        (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
        (tmp_path / "team").symlink_to("..data/team")
        source = DirectorySource(tmp_path)
        assert list(source.scan().files) == ["a.yaml", "team/b.yaml"]
        assert dict(source.read(["team/b.yaml"])) == {"team/b.yaml": AGENT}

    def test_to_what_is_listed_anyway_add_nothing(self, tmp_path: Path) -> None:
        write(tmp_path, "types/a.yaml", ".hidden/b.yaml")
        for link, target in {
            "a.yaml": "types/a.yaml",
            "again": "types",
            "one.yaml": ".hidden/b.yaml",
        }.items():
            (tmp_path / link).symlink_to(target)
        (tmp_path / "two.yaml").symlink_to(".hidden/b.yaml")
        assert listed(tmp_path) == ["one.yaml", "types/a.yaml"]

    def test_in_circles_end(self, tmp_path: Path) -> None:
        write(tmp_path, "x/a.yaml", ".h/b.yaml")
        (tmp_path / "x" / "up").symlink_to("..")
        (tmp_path / "h").symlink_to(".h")
        (tmp_path / ".h" / "again").symlink_to("../h")
        (tmp_path / "self.yaml").symlink_to("self.yaml")
        assert listed(tmp_path) == ["h/b.yaml", "x/a.yaml"]
        assert refusals(tmp_path) == {"self.yaml": "file-unreadable"}

    def test_to_nowhere_are_a_problem(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").symlink_to("gone")
        (tmp_path / "folder").symlink_to("gone")
        assert refusals(tmp_path) == dict.fromkeys(["a.yaml", "folder"], "file-unreadable")

    def test_the_source_itself_may_be_one(self, tmp_path: Path) -> None:
        write(tmp_path, "real/a.yaml")
        (tmp_path / "link").symlink_to("real")
        assert listed(tmp_path / "link") == ["a.yaml"]
        assert DirectorySource(tmp_path / "link").key == DirectorySource(tmp_path / "real").key


class TestUnreadable:
    def test_what_is_no_regular_file_is_refused_without_waiting_for_it(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.yaml")
        (tmp_path / "link.yaml").symlink_to("pipe.yaml")
        assert refusals(tmp_path) == dict.fromkeys(["pipe.yaml", "link.yaml"], "file-unreadable")
        [(_, found)] = DirectorySource(tmp_path).read(["pipe.yaml"])
        assert isinstance(found, Problem)

    def test_a_file_gone_since_it_was_listed_is_a_problem_of_that_file(self, tmp_path: Path) -> None:
        write(tmp_path, "a.yaml")
        found = dict(DirectorySource(tmp_path).read(["gone.yaml", "a.yaml"]))
        assert found["a.yaml"] == AGENT
        assert isinstance(found["gone.yaml"], Problem)
        assert found["gone.yaml"].file == "gone.yaml"

    def test_a_folder_below_the_source_is_refused_not_empty(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "a.yaml", "locked/b.yaml")
        scandir = os.scandir

        def locked(path: str) -> object:
            if path.endswith("locked"):
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", locked)
        assert listed(tmp_path) == ["a.yaml"]
        assert refusals(tmp_path) == {"locked": "file-unreadable"}

    def test_a_source_that_is_missing_or_no_folder_or_locked_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(tmp_path, "file")
        with pytest.raises(SourceError, match="there is no folder") as missing:
            DirectorySource(tmp_path / "gone").scan()
        assert missing.value.hint
        with pytest.raises(SourceError, match="is not a folder"):
            DirectorySource(tmp_path / "file").scan()

        def locked(path: str) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "scandir", locked)
        with pytest.raises(SourceError, match="cannot be read: Permission denied"):
            DirectorySource(tmp_path).scan()


def test_an_empty_folder_is_an_empty_source(tmp_path: Path) -> None:
    assert listed(tmp_path) == []


def test_too_many_files_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MAX_FILES", 3)
    write(tmp_path, *(f"{n}.yaml" for n in range(3)))
    assert len(listed(tmp_path)) == 3
    write(tmp_path, "x/3.yaml")
    with pytest.raises(SourceError, match="more than 3 manifests"):
        listed(tmp_path)


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_large(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", data=b"#" * (READ_BYTES + 10))
    for source in (DirectorySource(tmp_path), MemorySource({"a.yaml": b"#" * (READ_BYTES + 10)})):
        [(_, data)] = source.read(["a.yaml"])
        assert isinstance(data, bytes)
        assert len(data) == READ_BYTES == MAX_FILE_BYTES + 1


def test_a_source_in_memory_lists_and_reads_like_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "a/c.yaml")
    folder, memory = DirectorySource(tmp_path), MemorySource({"b.yaml": AGENT, "a/c.yaml": AGENT})
    assert list(memory.scan().files) == list(folder.scan().files)
    assert dict(memory.read(["a/c.yaml"])) == dict(folder.read(["a/c.yaml"]))
    assert memory.scan().fingerprint != MemorySource({"b.yaml": b"", "a/c.yaml": AGENT}).scan().fingerprint

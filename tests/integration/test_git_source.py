"""A git repository as a source: read without a checkout, on this machine and over HTTP."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import Problem, SourceError
from reconciler.manifests.git_source import GitSource
from tests.git_server import GitServer, serving
from tests.repository import Repository

LS_REMOTE = [
    "GET /repo.git/info/refs?service=git-upload-pack",  # which protocol is spoken
    "POST /repo.git/git-upload-pack",  # where the branch leads; what is fetched would be asked for by another one
]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work")
    made.commit({"agents.d/a.yaml": "a: 1\n", "agents.d/sub/b.yml": "b: 1\n", "other.yaml": "no: 1\n"})
    return made


@pytest.fixture
def server(repository: Repository, tmp_path: Path) -> Iterator[GitServer]:
    repository.bare_copy(tmp_path / "served" / "repo.git")
    with serving(tmp_path / "served") as running:
        yield running


def _contents(source: GitSource) -> dict[str, bytes | Problem]:
    return dict(source.read(source.scan().files))


def test_the_folder_of_a_commit_is_listed_and_read(repository: Repository, tmp_path: Path) -> None:
    source = GitSource(f"git+{repository.folder}@main#agents.d", tmp_path / "cache")
    assert _contents(source) == {"a.yaml": b"a: 1\n", "sub/b.yml": b"b: 1\n"}
    assert source.commit == repository.git("rev-parse", "main")


def test_uncommitted_files_are_not_seen(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "agents.d/c.yaml").write_text("c: 1\n")
    source = GitSource(f"git+{repository.folder}#agents.d", tmp_path / "cache")
    assert "c.yaml" not in source.scan().files


def test_a_remote_is_followed_over_http(repository: Repository, server: GitServer, tmp_path: Path) -> None:
    source = GitSource(f"git+{server.url}/repo.git@main#agents.d", tmp_path / "cache")
    before = source.scan()
    assert not source.moved()
    commit = repository.commit({"agents.d/a.yaml": "a: 2\n"})
    repository.git("push", "--quiet", "origin", "main")
    assert source.moved()
    assert _contents(source)["a.yaml"] == b"a: 2\n"
    assert source.commit == commit
    after = source.scan()
    assert after.files["sub/b.yml"] == before.files["sub/b.yml"], "what did not change keeps its stamp"


def test_an_unchanged_remote_costs_one_question(server: GitServer, tmp_path: Path) -> None:
    source = GitSource(f"git+{server.url}/repo.git@main", tmp_path / "cache")
    source.scan()
    for look in (source.scan, source.moved):
        server.requests.clear()
        look()
        assert server.requests == LS_REMOTE


@pytest.mark.parametrize("name", ["main", "v1", "commit"])
def test_branches_tags_and_commits_are_followed(
    name: str, repository: Repository, server: GitServer, tmp_path: Path
) -> None:
    repository.git("tag", "--annotate", "--message", "one", "v1")
    repository.git("push", "--quiet", "origin", "v1")
    commit = repository.git("rev-parse", "HEAD")
    ref = commit if name == "commit" else name
    source = GitSource(f"git+{server.url}/repo.git@{ref}#agents.d", tmp_path / "cache")
    assert _contents(source)["a.yaml"] == b"a: 1\n"
    assert source.commit == commit
    assert not source.moved()


def test_a_rewritten_history_is_followed(repository: Repository, server: GitServer, tmp_path: Path) -> None:
    source = GitSource(f"git+{server.url}/repo.git@main#agents.d", tmp_path / "cache")
    source.scan()
    repository.git("commit", "--quiet", "--amend", "--message", "rewritten")
    (repository.folder / "agents.d/a.yaml").write_text("a: 3\n")
    repository.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    repository.git("push", "--quiet", "--force", "origin", "main")
    assert _contents(source)["a.yaml"] == b"a: 3\n"


def test_the_token_reaches_the_server_and_no_argument(
    server: GitServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.token = "eC1hY2Nlc3MtdG9rZW46aHVzaA"  # of x-access-token:hush
    with pytest.raises(SourceError):
        GitSource(f"git+{server.url}/repo.git", tmp_path / "cache").scan()
    source = GitSource(f"git+{server.url}/repo.git", tmp_path / "cache", token="hush")
    assert source.scan().files
    assert "hush" not in str(source.repository()._command(("fetch",)))


def test_what_is_missing_is_a_source_error_that_names_it(
    repository: Repository, server: GitServer, tmp_path: Path
) -> None:
    cases = {
        f"git+{server.url}/repo.git@nowhere": "nowhere",
        f"git+{server.url}/gone.git@main": "gone.git",
        f"git+{server.url}/repo.git@main#nothing.d": "nothing.d",
        f"git+{repository.folder}@nowhere": "nowhere",
        f"git+{tmp_path}/absent@main": "absent",
        "git+http://127.0.0.1:9/repo.git@main": "127.0.0.1",
    }
    for address, named in cases.items():
        with pytest.raises(SourceError, match=named):
            GitSource(address, tmp_path / "cache").scan()


def test_links_submodules_pointers_and_odd_names_are_told_apart_from_files(
    repository: Repository, tmp_path: Path
) -> None:
    folder = repository.folder / "agents.d"
    (folder / "link.yaml").symlink_to("a.yaml")
    (folder / "lfs.yaml").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (folder / ".hidden.yaml").write_text("h: 1\n")
    (folder / "with space & ünïcode.yaml").write_text("u: 1\n")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).write_text("x: 1\n")
    Repository(folder / "inner").commit({"x.yaml": "x: 1\n"})
    repository.commit({})
    source = GitSource(f"git+{repository.folder}#agents.d", tmp_path / "cache")
    listing = source.scan()
    assert set(listing.files) == {"a.yaml", "lfs.yaml", "sub/b.yml", "with space & ünïcode.yaml"}
    assert {problem.code for problem in listing.refused.values()} == {
        "symlink",
        "submodule",
        "file-name-encoding",
    }
    contents = dict(source.read(listing.files))
    assert contents["with space & ünïcode.yaml"] == b"u: 1\n"
    pointer = contents["lfs.yaml"]
    assert isinstance(pointer, Problem)
    assert pointer.code == "file-unreadable"


def test_hooks_and_the_callers_git_environment_are_left_alone(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    source = GitSource(f"git+{repository.folder}#agents.d", tmp_path / "cache")
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert "a.yaml" in source.scan().files


def test_many_and_large_blobs_are_read_in_order_and_bounded(repository: Repository, tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {f"agents.d/f{n:04}.yaml": f"n: {n}\n" for n in range(1300)}
    files["agents.d/large.yaml"] = b"x" * (3 * 2**20)
    repository.commit(files)
    contents = _contents(GitSource(f"git+{repository.folder}#agents.d", tmp_path / "cache"))
    assert contents["f1234.yaml"] == b"n: 1234\n"
    large = contents["large.yaml"]
    assert isinstance(large, bytes)
    assert len(large) == 2**20 + 1


def test_locks_that_a_killed_git_left_behind_stop_nobody(
    repository: Repository, server: GitServer, tmp_path: Path
) -> None:
    source = GitSource(f"git+{server.url}/repo.git@main#agents.d", tmp_path / "cache")
    source.scan()
    (mirror,) = (tmp_path / "cache/git").glob("*.git")
    for name in ("shallow.lock", "packed-refs.lock", "refs/reconciler/source.lock"):
        (mirror / name).touch()
    repository.commit({"agents.d/a.yaml": "a: 2\n"})
    repository.git("push", "--quiet", "origin", "main")
    assert _contents(source)["a.yaml"] == b"a: 2\n"


def test_locks_of_a_git_that_still_runs_are_left_alone(
    repository: Repository, server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.manifests.git_source._PATIENCE", 0.1)
    source = GitSource(f"git+{server.url}/repo.git@main#agents.d", tmp_path / "cache")
    source.scan()
    (mirror,) = (tmp_path / "cache/git").glob("*.git")
    (mirror / "shallow.lock").touch()
    repository.commit({"agents.d/a.yaml": "a: 2\n"})
    repository.git("push", "--quiet", "origin", "main")
    with mirror.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SourceError, match=r"shallow\.lock"):
            source.scan()
    assert _contents(source)["a.yaml"] == b"a: 2\n"

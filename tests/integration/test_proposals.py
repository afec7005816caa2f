"""Changed manifests on their way into the source: a folder, a repository, a forge."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.control.proposals import (
    Author,
    BranchWriter,
    FileChange,
    FolderWriter,
    Proposal,
    drafted,
    forge_of,
    removal,
)
from reconciler.control.proposals.proposal import SourceMoved, Writer
from reconciler.errors import NotFound, SourceError, UsageError
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.git_source import GitSource
from reconciler.manifests.load import load
from tests.git_server import serving
from tests.repository import Repository

ANN = Author("Ann <x>", "ann@example.com")


def _proposal(*changes: FileChange, title: str = "Change a limit") -> Proposal:
    return Proposal(title, changes, ANN, summary="Because.")


def _policy(name: str, steps: int) -> dict[str, Any]:
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Policy",
        "metadata": {"name": name},
        "spec": {"limits": {"steps": steps}},
    }


# --- folders ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "agents.d"
    made.mkdir()
    (made / "a.yaml").write_text(
        "# kept\napiVersion: reconciler/v1\nkind: Policy\nmetadata: {name: a}\nspec: {}\n"
    )
    return made


def test_a_file_is_made_changed_and_deleted(folder: Path) -> None:
    writer = FolderWriter(str(folder))
    writer.propose(_proposal(FileChange("new/b.yaml", b"b: 1\n", None)))
    assert (folder / "new/b.yaml").read_bytes() == b"b: 1\n"
    proposed = writer.propose(_proposal(FileChange("new/b.yaml", b"b: 2\n", b"b: 1\n")))
    assert proposed.live
    assert writer.read("new/b.yaml") == b"b: 2\n"
    writer.propose(_proposal(FileChange("new/b.yaml", None, b"b: 2\n")))
    assert writer.read("new/b.yaml") is None
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [".reconciler.lock", "a.yaml"]


def test_what_changed_since_it_was_read_is_not_overwritten_and_nothing_else_is_written(folder: Path) -> None:
    writer = FolderWriter(str(folder))
    before = (folder / "a.yaml").read_bytes()
    cases = [
        FileChange("a.yaml", b"x: 1\n", b"what it was"),
        FileChange("a.yaml", b"x: 1\n", None),
        FileChange("gone.yaml", b"x: 1\n", b"it was there"),
        FileChange("a.yaml", None, b"what it was"),
    ]
    for change in cases:
        with pytest.raises(SourceMoved):
            writer.propose(_proposal(FileChange("other.yaml", b"o: 1\n", None), change))
    assert (folder / "a.yaml").read_bytes() == before
    assert not (folder / "other.yaml").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../x.yaml",
        "/x.yaml",
        "a//x.yaml",
        ".git/x.yaml",
        "x.txt",
        "x",
        "a/../x.yaml",
        "x\0.yaml",
        "-x/\n.yaml",
    ],
)
def test_paths_stay_inside_and_name_manifests(path: str) -> None:
    with pytest.raises(UsageError):
        FileChange(path, b"", None)


def test_links_are_not_written_through(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "sub").symlink_to(outside)
    (outside / "t.yaml").write_text("t: 1\n")
    (folder / "t.yaml").symlink_to(outside / "t.yaml")
    writer = FolderWriter(str(folder))
    for path, seen in (("sub/x.yaml", None), ("t.yaml", b"t: 1\n")):
        with pytest.raises(SourceError):
            writer.propose(_proposal(FileChange(path, b"x: 1\n", seen)))
    assert [path.name for path in outside.iterdir()] == ["t.yaml"]


def test_of_many_authors_at_once_none_is_lost(folder: Path) -> None:
    def add(number: int) -> None:
        writer = FolderWriter(str(folder))
        while True:
            state = load(DirectorySource(str(folder))).state
            try:
                writer.propose(_proposal(drafted(_policy(f"p{number}", number), state, writer)))
            except SourceMoved:
                continue
            return

    threads = [threading.Thread(target=add, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    entries = load(DirectorySource(str(folder))).state.entries
    assert {f"policy/p{number}" for number in range(1, 9)} == set(entries) - {"policy/a"}


# --- documents -------------------------------------------------------------------------------------------


def test_a_document_goes_where_it_is_and_else_into_a_file_of_its_own(folder: Path) -> None:
    writer = FolderWriter(str(folder))
    state = load(DirectorySource(str(folder))).state
    changed = drafted(_policy("a", 3), state, writer)
    assert changed.path == "a.yaml"
    assert changed.content is not None
    assert changed.content.startswith(b"# kept\n")
    new = drafted(_policy("b", 4), state, writer)
    assert new.path == "policies/b.yaml"
    writer.propose(_proposal(changed, new))
    state = load(DirectorySource(str(folder))).state
    assert set(state.entries) == {"policy/a", "policy/b"}
    writer.propose(_proposal(removal("policy/b", state, writer)))
    assert set(load(DirectorySource(str(folder))).state.entries) == {"policy/a"}
    (folder / "policies").mkdir(exist_ok=True)
    (folder / "policies/b.yaml").write_text("kind: Policy\nmetadata: {name: b}\nspec: {oops: 1}\n")
    with pytest.raises(UsageError, match="broken"):
        drafted(_policy("b", 1), load(DirectorySource(str(folder))).state, writer)
    (folder / "policies/b.yaml").unlink()
    with pytest.raises(NotFound):
        removal("policy/b", load(DirectorySource(str(folder))).state, writer)


# --- repositories ----------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    repository = Repository(tmp_path / "work")
    repository.commit({"agents.d/a.yaml": "a: 1\n", "README": "x"})
    return repository.bare_copy(tmp_path / "served" / "repo.git")


@pytest.fixture(params=["local", "http"])
def address(request: pytest.FixtureRequest, bare: Path, tmp_path: Path) -> Iterator[str]:
    if request.param == "local":
        yield f"git+{bare}@main#agents.d"
        return
    with serving(tmp_path / "served") as server:
        yield f"git+{server.url}/repo.git@main#agents.d"


def _git(bare: Path, *arguments: str) -> str:
    import subprocess

    return subprocess.run(
        ["git", "-C", str(bare), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_proposal_is_a_branch_whose_difference_is_exactly_the_change(
    address: str, bare: Path, tmp_path: Path
) -> None:
    writer = BranchWriter(GitSource(address, tmp_path / "cache"))
    proposed = writer.propose(
        _proposal(
            FileChange("a.yaml", b"a: 2\n", b"a: 1\n"),
            FileChange("n/b.yaml", b"b: 1\n", None),
            title="Change & add; $(evil) `x`",
        )
    )
    assert proposed.branch.startswith("reconciler/change-add-evil-x-")
    assert not proposed.live
    assert _git(bare, "diff", "--name-status", "main", proposed.branch) == (
        "M\tagents.d/a.yaml\nA\tagents.d/n/b.yaml"
    )
    assert _git(bare, "show", f"{proposed.branch}:agents.d/a.yaml") == "a: 2"
    author = _git(bare, "log", "-1", "--format=%an|%ae|%cn|%s|%b", proposed.commit)
    assert author.startswith("Ann x|ann@example.com|reconciler|Change & add; $(evil) `x`|Because.")
    assert _git(bare, "rev-parse", f"{proposed.commit}^") == _git(bare, "rev-parse", "main")


def test_two_authors_on_the_followed_branch_lose_nothing(address: str, bare: Path, tmp_path: Path) -> None:
    writers = [BranchWriter(GitSource(address, tmp_path / f"cache{n}"), direct=True) for n in range(2)]
    for number, writer in enumerate(writers):
        assert writer.read("a.yaml") == b"a: 1\n"
        proposed = writer.propose(_proposal(FileChange(f"n{number}.yaml", b"n: 1\n", None)))
        assert (proposed.branch, proposed.live) == ("main", True)
    listed = _git(bare, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert {"agents.d/n0.yaml", "agents.d/n1.yaml", "agents.d/a.yaml", "README"} == set(listed)
    with pytest.raises(SourceMoved):
        writers[0].propose(_proposal(FileChange("n1.yaml", b"mine\n", None)))


def test_a_branch_that_moves_while_it_is_written_is_followed(bare: Path, tmp_path: Path) -> None:
    work = Repository(tmp_path / "work")
    writer = BranchWriter(GitSource(f"git+{bare}@main#agents.d", tmp_path / "cache"), direct=True)
    original, moved = writer._commit, []

    def meanwhile(*arguments: Any) -> str:
        commit = original(*arguments)
        if not moved:
            moved.append(work.commit({"agents.d/other.yaml": "o: 1\n"}))
            work.git("push", "--quiet", "origin", "main")
        return commit

    writer._commit = meanwhile  # type: ignore[method-assign]
    proposed = writer.propose(_proposal(FileChange("b.yaml", b"b: 1\n", None)))
    assert _git(bare, "rev-parse", f"{proposed.commit}^") == moved[0]


def test_a_checked_out_branch_is_not_committed_to_behind_its_owners_back(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work")
    before = repository.commit({"a.yaml": "a: 1\n"})
    address = f"git+{repository.folder}@main"
    with pytest.raises(SourceError, match="checked out"):
        BranchWriter(GitSource(address, tmp_path / "c"), direct=True).propose(
            _proposal(FileChange("b.yaml", b"b: 1\n", None))
        )
    BranchWriter(GitSource(address, tmp_path / "c")).propose(_proposal(FileChange("b.yaml", b"b: 1\n", None)))
    assert repository.git("rev-parse", "main") == before
    assert repository.git("status", "--porcelain") == ""


# --- forges ----------------------------------------------------------------------------------------------


@contextmanager
def _forge(status: int, answer: Any) -> Iterator[tuple[str, list[tuple[str, dict[str, str], Any]]]]:
    asked: list[tuple[str, dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


FORGES = [
    ("github", "/repos/team/agents/pulls", "Authorization", "Bearer hush", "html_url", "head"),
    ("gitea", "/repos/team/agents/pulls", "Authorization", "token hush", "html_url", "head"),
    ("gitlab", "/projects/team%2Fagents/merge_requests", "Private-Token", "hush", "web_url", "source_branch"),
]


@pytest.mark.parametrize(("kind", "path", "header", "value", "key", "branch_key"), FORGES)
def test_each_forge_is_asked_in_its_own_words(
    kind: str, path: str, header: str, value: str, key: str, branch_key: str
) -> None:
    with _forge(201, {key: "https://forge.example/1"}) as (api, asked):
        forge = forge_of(kind, "https://forge.example/team/agents.git", "hush", api=api)
        assert forge.open("reconciler/x", "main", "Title", "Body") == "https://forge.example/1"
    [(asked_path, headers, body)] = asked
    assert asked_path == path
    assert headers[header] == value
    assert body[branch_key] == "reconciler/x"
    assert "hush" not in json.dumps(body)


@pytest.mark.parametrize("status", [401, 404, 422, 500])
def test_a_forge_that_refuses_is_an_error_that_says_the_branch_is_there(status: int) -> None:
    with _forge(status, {"message": "no"}) as (api, _):
        forge = forge_of("github", "https://forge.example/team/agents", "hush", api=api)
        with pytest.raises(SourceError) as caught:
            forge.open("b", "main", "t", "")
    assert "branch is there" in caught.value.hint
    assert "hush" not in str(caught.value)


def test_a_branch_becomes_a_pull_request_against_the_followed_one(bare: Path, tmp_path: Path) -> None:
    with _forge(201, {"html_url": "https://forge.example/2"}) as (api, asked):
        forge = forge_of("github", "https://forge.example/team/agents", "hush", api=api)
        writer: Writer = BranchWriter(GitSource(f"git+{bare}#agents.d", tmp_path / "cache"), forge=forge)
        proposed = writer.propose(_proposal(FileChange("b.yaml", b"b: 1\n", None)))
    assert proposed.url == "https://forge.example/2"
    assert (asked[0][2]["head"], asked[0][2]["base"]) == (proposed.branch, "main")

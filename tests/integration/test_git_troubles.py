"""What a repository may hold or come to: a clear condition each, what is sound applied, the rest as it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler.bootstrap import examination, open_reconciler
from reconciler.control.controller.health import Checkups
from reconciler.control.controller.passes import Passes
from reconciler.database import conditions, records
from reconciler.database.lease import acquire
from reconciler.errors import UsageError
from reconciler.manifests.git import GitAddress
from reconciler.settings import Settings
from tests.faults.test_edits import manifest
from tests.repository import Repository

GOOD, OTHER = "agents.d/good.yaml", "agents.d/other.yaml"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


class Branch:
    """A repository with two manifests, followed pass by pass from another folder than its own."""

    def __init__(self, folder: Path, branch: str = "main") -> None:
        self.work = Repository(folder / "work")
        self.work.commit({GOOD: manifest("good", 1), OTHER: manifest("other", 1)})
        if branch != "main":
            self.work.git("branch", "-m", branch)
        self.bare = self.work.bare_copy(folder / "agents.git")
        source = f"git+file://{self.bare}@{quote(branch)}#agents.d"
        self._settings = Settings(source=source, database=f"sqlite:///{folder}/r.db", cache=folder / "cache")
        self._branch = branch

    def push(self, *options: str) -> None:
        self.work.commit({})
        self.work.git("push", "--quiet", *options, "origin", f"HEAD:refs/heads/{self._branch}")

    def follow(self) -> tuple[dict[str, str], conditions.Condition]:
        """What is in place after a pass, and the condition of the source."""
        with open_reconciler(self._settings, create=True, stays=True) as reconciler:
            connection = reconciler.catalog()
            lease = acquire(connection, "controller", holder="tester")
            Passes(reconciler, Checkups(examination()), actor="tester").run(connection, lease)
            lease.release(connection)
            found = conditions.recorded(connection)
            return records.entries(connection), found["source"]


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch(tmp_path)


def _link(folder: Path) -> None:
    (folder / "other.yaml").unlink()
    (folder / "other.yaml").symlink_to("good.yaml")


def _link_outside(folder: Path) -> None:
    (folder / "other.yaml").unlink()
    (folder / "other.yaml").symlink_to("/etc/passwd")


def _odd_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).write_text(manifest("odd", 1))


def _pointer(folder: Path) -> None:
    (folder / "other.yaml").write_text(POINTER)


def _large(folder: Path) -> None:
    (folder / "other.yaml").write_text("# much\n" * 200_000)


TROUBLES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a symbolic link": (_link, "symlink"),
    "a symbolic link that leaves the repository": (_link_outside, "symlink"),
    "a name that is no UTF-8": (_odd_name, "file-name-encoding"),
    "a pointer to large file storage": (_pointer, "file-unreadable"),
    "a manifest that is too large": (_large, "yaml-too-large"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_cannot_be_read_is_told_and_leaves_its_object_and_all_others_as_they_are(
    trouble: str, branch: Branch
) -> None:
    before, _ = branch.follow()
    make, code = TROUBLES[trouble]
    make(branch.work.folder / "agents.d")
    branch.work.commit({GOOD: manifest("good", 2)})
    branch.push()
    live, source = branch.follow()
    assert (source.condition, source.reason) == ("Stalled", code)
    assert live["type/other"] == before["type/other"], "what was applied before stays"
    assert live["type/good"] != before["type/good"], "and delays nothing that is sound"


def test_a_submodule_is_passed_over_and_told_as_a_warning(branch: Branch) -> None:
    before, _ = branch.follow()
    Repository(branch.work.folder / "agents.d" / "inner").commit({"x.yaml": manifest("inner", 1)})
    branch.push()
    live, source = branch.follow()
    assert (source.condition, live) == ("Ready", before)


@pytest.mark.parametrize(
    "name", ["feature/ünïcode", "weird#name", "with'quote\"s", "$(touch)", "a;b|c&d", "100%"]
)
def test_a_branch_of_an_odd_name_is_followed_as_any_other(name: str, tmp_path: Path) -> None:
    branch = Branch(tmp_path, name)
    branch.follow()
    branch.work.commit({GOOD: manifest("good", 2)})
    branch.push()
    live, source = branch.follow()
    assert (source.condition, source.commit) == ("Ready", branch.work.git("rev-parse", "HEAD"))
    assert set(live) == {f"{kind}/{name}" for kind, name in _OBJECTS}


_OBJECTS = [("type", "good"), ("agent", "good-agent"), ("type", "other"), ("agent", "other-agent")]


@pytest.mark.parametrize(
    "name",
    ["--upload-pack=touch x", "-b", "a..b", "a@{1}", "a b", "a\nb", "../x", "x.lock", "a~1", "a:b", "a^{}"],
)
def test_a_branch_that_git_would_take_for_something_else_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        GitAddress(f"git+file://{tmp_path}@{quote(name)}#agents.d")


def test_a_history_that_was_rewritten_without_an_object_asks_before_a_mass_of_them_goes(
    branch: Branch,
) -> None:
    """What is missing after a force-push is removed as far as the policy lets a whole pass remove."""
    more = {f"agents.d/more{n}.yaml": manifest(f"more-{n}", 1) for n in range(4)}
    branch.work.commit(more)
    branch.push()
    before, _ = branch.follow()
    branch.work.git("reset", "--quiet", "--hard", "HEAD~2")
    branch.work.git("commit", "--quiet", "--amend", "--message", "rewritten")
    branch.push("--force")
    live, source = branch.follow()
    assert live == before, "eight of twelve at once look like a broken source"
    assert source.sync == "out-of-sync"

"""A branch that is followed: pushed to, rewritten, deleted, out of reach. What was applied stays in any case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.controlled import Controlled, condition, digests, wait_until
from tests.faults.test_edits import manifest
from tests.git_server import serving
from tests.repository import Repository


class Followed:
    """A repository behind a server, the database that follows it, and its controller."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"sqlite:///{folder}/r.db"
        self.work = Repository(folder / "work")
        self.push(1)
        self.asked: list[str] = []
        self.bare = self.work.bare_copy(folder / "repositories" / "agents.git")

    def push(self, number: int, *, force: bool = False) -> str:
        commit = self.work.commit({"agents.d/thing.yaml": manifest("thing", number)})
        if hasattr(self, "bare"):
            self.work.git("push", "--quiet", *(["--force"] if force else []), "origin", "main")
        return commit

    def has(self, commit: str) -> bool:
        """Whether the source was read at this commit, and all of it is in place."""
        found = condition(self.database, "source")
        return found is not None and (found.commit, found.condition, found.sync) == (
            commit,
            "Ready",
            "synced",
        )

    def stalled(self, code: str) -> bool:
        found = condition(self.database, "source")
        return found is not None and (found.condition, found.reason) == ("Stalled", code)


@pytest.fixture
def followed(tmp_path: Path) -> Iterator[Followed]:
    found = Followed(tmp_path)
    with (
        serving(found.bare.parent) as server,
        Controlled(
            f"git+{server.url}/agents.git@main#agents.d", found.database, tmp_path, "--interval", "0.3"
        ),
    ):
        wait_until(lambda: "agent/thing-agent" in digests(found.database), "the branch is applied")
        found.asked = server.requests
        yield found


def test_a_push_and_a_force_push_are_followed(followed: Followed) -> None:
    second = followed.push(2)
    wait_until(lambda: followed.has(second), "the push is applied")
    followed.work.git("reset", "--quiet", "--hard", "HEAD~1")
    rewritten = followed.push(3, force=True)
    wait_until(lambda: followed.has(rewritten), "the rewritten history is applied")


def test_a_branch_that_rests_costs_one_question_each_time(followed: Followed) -> None:
    wait_until(lambda: condition(followed.database, "source"), "a first pass has ended")
    followed.asked.clear()
    wait_until(lambda: len(followed.asked) >= 6, "it is asked a few times")
    # `ls-remote` over HTTP: which protocol is spoken, then where the branch leads. Nothing is fetched.
    verbs = [asked.partition(" ")[0] for asked in followed.asked[:6]]
    assert verbs in (["GET", "POST"] * 3, ["POST", "GET"] * 3)


def test_a_branch_that_is_deleted_removes_nothing(followed: Followed) -> None:
    before = digests(followed.database)
    followed.work.git("push", "--quiet", "origin", "main:other")
    followed.work.git("-C", str(followed.bare), "symbolic-ref", "HEAD", "refs/heads/other")
    followed.work.git("push", "--quiet", "origin", "--delete", "main")
    wait_until(lambda: followed.stalled("ref-missing"), "the branch is said to be missing")
    assert digests(followed.database) == before
    again = followed.push(4)
    wait_until(lambda: followed.has(again), "it is back")


def test_a_remote_out_of_reach_removes_nothing(followed: Followed) -> None:
    before = digests(followed.database)
    followed.bare.rename(followed.bare.with_name("elsewhere.git"))
    wait_until(lambda: followed.stalled("git"), "the remote is said to be out of reach")
    assert digests(followed.database) == before
    followed.bare.with_name("elsewhere.git").rename(followed.bare)
    wait_until(lambda: condition(followed.database, "source").condition == "Ready", "it is back")  # type: ignore[union-attr]


def test_a_folder_that_leaves_the_branch_removes_nothing(followed: Followed) -> None:
    before = digests(followed.database)
    followed.work.commit({"agents.d/thing.yaml": None, "README": "nothing"})
    followed.work.git("push", "--quiet", "origin", "main")
    wait_until(lambda: followed.stalled("source-unreadable"), "the folder is said to be missing")
    assert digests(followed.database) == before

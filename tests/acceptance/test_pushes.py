"""A forge tells one process of a push; another, which polls once an hour, applies it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import CommandLine
from tests.acceptance.pushes import push, tell, told_of_pushes
from tests.faults.controlled import Controlled, condition, digests, wait_until
from tests.faults.test_edits import manifest
from tests.git_server import serving
from tests.repository import Repository

HOURLY = ("--interval", "3600")


class Forge:
    def __init__(self, work: Repository, url: str) -> None:
        self.work, self.source = work, f"git+{url}/agents.git@main#agents.d"

    def push(self, number: int, branch: str = "main") -> str:
        return push(self.work, {"agents.d/thing.yaml": manifest("thing", number)}, branch)


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    work = Repository(tmp_path / "work")
    work.commit({"agents.d/thing.yaml": manifest("thing", 1)})
    bare = work.bare_copy(tmp_path / "repositories" / "agents.git")
    with serving(bare.parent) as server:
        yield Forge(work, server.url)


def test_a_push_that_a_server_is_told_of_is_applied_by_the_controller_elsewhere(
    forge: Forge, database_url: str, tmp_path: Path
) -> None:
    with (
        Controlled(forge.source, database_url, tmp_path, *HOURLY),
        told_of_pushes(forge.source, database_url, tmp_path) as port,
    ):
        wait_until(lambda: "agent/thing-agent" in digests(database_url), "the branch is applied")
        for number in (2, 3):
            commit = forge.push(number)
            assert tell(port, commit) == 202
            wait_until(lambda wanted=commit: _commit(database_url) == wanted, "the push is applied")
        aside = forge.push(4, branch="aside")
        assert tell(port, aside, branch="aside") == 200
        actors = CommandLine(tmp_path)("history", "--json", "--database", database_url).document["revisions"]
    assert {one["actor"] for one in actors} == {"controller"}, "the server wrote nothing itself"
    assert _commit(database_url) == commit


def test_without_a_controller_the_server_applies_a_push_itself(forge: Forge, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/r.db"
    with told_of_pushes(forge.source, database, tmp_path) as port:
        assert tell(port, forge.push(2)) == 202
        wait_until(lambda: "agent/thing-agent" in digests(database), "the push is applied")


def test_a_server_that_follows_the_source_as_well_has_a_controller_beside_it(
    forge: Forge, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/r.db"
    with told_of_pushes(forge.source, database, tmp_path, "--watch") as port:
        wait_until(lambda: "agent/thing-agent" in digests(database), "the branch is applied")
        commit = forge.push(2)
        assert tell(port, commit) == 202
        wait_until(lambda: _commit(database) == commit, "the push is applied")
        leases = CommandLine(tmp_path)("lease", "list", "--json", "--database", database).document["leases"]
        assert [one["state"] for one in leases if one["name"] == "controller"] == ["held"]
    leases = CommandLine(tmp_path)("lease", "list", "--json", "--database", database).document["leases"]
    assert [one["state"] for one in leases if one["name"] == "controller"] == ["free"], (
        "it went with the server"
    )


def test_whoever_resumes_something_need_not_wait_for_the_next_look(tmp_path: Path, database_url: str) -> None:
    line = CommandLine(tmp_path)
    line.write("agents.d/thing.yaml", manifest("thing", 1))
    source, there = tmp_path / "agents.d", ("--database", database_url)
    with Controlled(source, database_url, tmp_path, *HOURLY):
        wait_until(lambda: "type/thing" in digests(database_url), "applied")
        assert line("suspend", "type/thing", "--reason", "freeze", *there).code == 0
        wait_until(lambda: _health(database_url) == "suspended", "it is told")
        before = digests(database_url)
        line.write("agents.d/thing.yaml", manifest("thing", 2))
        wait_until(lambda: _sync(database_url) == "out-of-sync", "the edit is seen, and waits")
        assert digests(database_url)["type/thing"] == before["type/thing"]
        assert line("resume", "--all", *there).code == 0
        wait_until(lambda: digests(database_url)["type/thing"] != before["type/thing"], "it follows again")


def _commit(database: str) -> str:
    found = condition(database, "source")
    return found.commit if found is not None and found.sync == "synced" else ""


def _health(database: str) -> str:
    found = condition(database, "type/thing")
    return found.health if found is not None else ""


def _sync(database: str) -> str:
    found = condition(database, "type/thing")
    return found.sync if found is not None else ""

"""Deleting, restoring, exporting and importing as a person at the command line does it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.command_line import CommandLine

EXAMPLES = Path(__file__).parents[2] / "agents.d"
PAGE = '{"url": "https://docs.example.org/a", "html": "<title>A canary</title><p>Hello</p>"}'
TYPE = "type/knowledge-base"


@pytest.fixture
def reconcile(tmp_path: Path) -> CommandLine:
    """The shipped examples, applied, with one bookmark."""
    folder = tmp_path / "here"
    shutil.copytree(EXAMPLES, folder / "agents.d")
    line = CommandLine(folder)
    assert line("--apply", "--yes").code == 0
    assert line("run", "bookmarks", "--input", PAGE).code == 0
    return line


def test_a_preview_changes_nothing_and_names_what_is_in_the_way(reconcile: CommandLine) -> None:
    shown = reconcile("delete", TYPE, "--preview", "--json").document["impact"]
    assert (shown["mode"], shown["rows"], shown["dependents"]) == ("hard", 2, ["agent/bookmarks"])
    refused = reconcile("delete", TYPE, "--yes")
    assert refused.code == 6
    assert "agent/bookmarks would not stand without type/knowledge-base" in refused.err
    assert "--cascade" in refused.err
    assert reconcile("--plan", "--detailed-exitcode").code == 0


def test_soft_and_hard_come_back_with_their_rows(reconcile: CommandLine) -> None:
    before = reconcile("results", "bookmarks", "--format", "jsonl").out
    for mode in ("soft", "hard"):
        deleted = reconcile("delete", TYPE, "--mode", mode, "--cascade", "--yes", "--json").document
        assert (deleted["impact"]["mode"], deleted["unfinished"]) == (mode, [])
        assert not [*reconcile.folder.glob("agents.d/knowledge-base/*.yaml")]
        refused = reconcile("tasks", "submit", "bookmarks", "--input", PAGE)
        assert refused.code == 1
        assert "there is no agent bookmarks" in refused.err
        assert reconcile("restore", TYPE, "--yes").code == 0
        assert reconcile("results", "bookmarks", "--format", "jsonl").out == before
        assert reconcile("--plan", "--detailed-exitcode").code == 0


def test_a_purge_needs_the_name_typed(reconcile: CommandLine) -> None:
    purge = ("delete", TYPE, "--mode", "purge", "--cascade")
    unconfirmed = reconcile(*purge, "--yes")
    assert unconfirmed.code == 64
    assert "--confirm knowledge-base" in unconfirmed.err
    assert reconcile(*purge, "--confirm", "knowledge").code == 6
    assert reconcile(*purge, "--confirm", "knowledge-base").code == 0
    left = b"".join(path.read_bytes() for path in reconcile.folder.glob("reconciler.db*"))
    assert b"A canary" not in left
    gone = reconcile("restore", TYPE, "--yes")
    assert gone.code == 6
    assert "was purged" in gone.err


def test_what_cannot_be_restored_is_told_before_anybody_is_asked(reconcile: CommandLine) -> None:
    for address, code, told in (
        ("type/nope", 1, "type/nope was never deleted"),
        (TYPE, 6, f"{TYPE} is in service"),
    ):
        refused = reconcile("restore", address)
        assert (refused.code, refused.out) == (code, "")
        assert told in refused.err
    assert reconcile("delete", TYPE, "--cascade", "--yes").code == 0
    asked = reconcile("restore", TYPE)
    assert asked.code == 64
    assert "--yes" in asked.err


def test_an_export_is_imported_elsewhere(reconcile: CommandLine, tmp_path: Path) -> None:
    assert reconcile("export", TYPE, "--out", "kb.tar.gz", "--tasks").code == 0
    again = reconcile("export", TYPE, "--out", "kb.tar.gz")
    assert again.code == 64
    assert "is there already" in again.err
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "agents.d").mkdir(parents=True)
    there = CommandLine(elsewhere)
    file = str(reconcile.folder / "kb.tar.gz")
    shown = there("import", file, "--preview", "--json").document["preview"]
    assert [one["state"] for one in shown["objects"]] == ["new", "new"]
    assert not (elsewhere / "reconciler.db").exists()
    assert there("import", file, "--yes").last == "Loaded 2 rows."
    jsonl = ("results", "bookmarks", "--format", "jsonl")
    assert there(*jsonl).out == reconcile(*jsonl).out
    assert there("--plan", "--detailed-exitcode").code == 0
    assert there("import", file, "--yes").code == 6


def test_the_audit_tells_who_and_finds_what_was_altered(reconcile: CommandLine) -> None:
    import sqlite3

    assert reconcile("delete", "agent/bookmarks", "--yes", "--reason", "no longer read").code == 0
    (newest, *_) = reconcile("audit", "--address", "agent/bookmarks", "--json").document["audit"]
    assert (newest["actor"], newest["action"], newest["reason"]) == ("tester", "delete", "no longer read")
    verdict = reconcile("audit", "--verify", "--json").document
    assert reconcile("audit", "--verify", "--head", verdict["head"]).code == 0
    assert reconcile("audit", "--since", "yesterday").code == 64
    malformed = reconcile("audit", "--verify", "--head", "zzz")
    assert malformed.code == 64
    assert "'zzz' is no hash" in malformed.err
    strange = reconcile("audit", "--verify", "--head", "0" * 64)
    assert strange.code == 1
    assert "no row has the hash" in strange.err
    with sqlite3.connect(reconcile.folder / "reconciler.db") as database:
        database.execute("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    found = reconcile("audit", "--verify")
    assert found.code == 1
    assert f"{verdict['count'] - 1} rows are there, {verdict['count']} were written" in found.err

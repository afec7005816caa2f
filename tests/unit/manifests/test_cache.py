"""A cache gives back what was stored, or nothing; and never an error."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import Problem
from reconciler.manifests import cache as cache_module
from reconciler.manifests.cache import SCHEMA, Cache, cache_folder
from reconciler.manifests.compiled import Compiled, CompiledFile
from reconciler.manifests.kept import Index, Result, bundle_of
from reconciler.spec.state import digest_of

TEXT = '{"kind":"Agent","metadata":{"name":"ä\\n"}}'
PROBLEM = Problem("some-code", "it is wröng", "b\n.yaml", 3, 7, "/spec/x~1y", "do better", "warning")
AGENT = Compiled("agent/a", digest_of(TEXT), TEXT, "b\n.yaml", 3, 1, 2, ("type/x", "agent/y"))
RESULT = Result(b"\x00listing", "digest", 2, (PROBLEM,), ("agent/h",), ("o.yaml",), '[["agent/a"]]')
INDEX = Index(
    files={
        "a.yaml": CompiledFile(
            "a.yaml", b"", (), (replace(PROBLEM, severity="error"),), ("type/h",), ("agent/r",)
        ),
        "b\n.yaml": CompiledFile("b\n.yaml", b"0123456789abcdef", (AGENT,)),
    },
    stamps={"a.yaml": b"", "b\n.yaml": b"stamp"},
    settled=frozenset({"b\n.yaml"}),
    linked={"agent/a": (PROBLEM,)},
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache", "/srv/agents.d")
    yield cache
    cache.close()


@pytest.fixture
def filled(cache: Cache) -> Cache:
    cache.store(RESULT, INDEX)
    cache.close()
    return cache


def reopened(cache: Cache) -> Cache:
    return Cache(cache.path.parent, "/srv/agents.d")


def read_everything(cache: Cache) -> tuple[Result | None, Index | None, str | None]:
    cache.unsettled()
    return cache.result(), cache.index(), cache.canonical("agent/a", AGENT.digest, AGENT.file)


def test_what_is_stored_is_read_back(filled: Cache) -> None:
    result, index, text = read_everything(filled)
    assert (result, text) == (RESULT, TEXT)
    assert index is not None
    assert index.generation
    assert replace(index, generation="", settled=frozenset(index.settled)) == INDEX
    assert filled.unsettled() == {"a.yaml": b""}
    assert not filled.trouble


def test_nothing_stored_is_nothing_read_and_creates_no_file(cache: Cache) -> None:
    assert read_everything(cache) == (None, None, None)
    assert not cache.path.exists()
    assert not cache.trouble


def test_only_its_owner_may_look_into_the_folder(filled: Cache) -> None:
    assert filled.path.parent.stat().st_mode & 0o077 == 0


def test_two_sources_have_two_files(tmp_path: Path) -> None:
    keys = ["/a/agents.d", "/b/agents.d", "/a/agents_d", "/", "/" + "x" * 300, "/ü\udcff"]
    paths = {Cache(tmp_path, key).path for key in keys}
    assert len(paths) == len(keys)
    assert all(len(path.name) < 100 and path.parent == tmp_path for path in paths)


@pytest.mark.parametrize(
    ("xdg", "chosen", "expected"),
    [
        ("/xdg", None, "/xdg/reconciler"),
        ("", None, "/home/me/.cache/reconciler"),
        ("relative", None, "/home/me/.cache/reconciler"),
        ("/xdg", "/chosen", "/chosen"),
    ],
)
def test_the_folder_is_chosen_or_the_users(
    xdg: str, chosen: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert cache_folder(Path(chosen) if chosen else None) == Path(expected)


def test_settled_files_are_unsettled_no_more(filled: Cache) -> None:
    filled.settle(["a.yaml"])
    assert filled.unsettled() == {}


class TestUpdate:
    def test_writes_what_changed_and_leaves_the_rest(self, filled: Cache) -> None:
        index = filled.index()
        assert index is not None
        added = CompiledFile("c.yaml", b"c", (AGENT._replace(address="agent/c", file="c.yaml"),))
        newer = replace(
            index,
            files={"b\n.yaml": index.files["b\n.yaml"], "c.yaml": added},
            stamps={"b\n.yaml": b"not written", "c.yaml": b"c"},  # another bundle than those of the changed
            linked={},
        )
        assert bundle_of("b\n.yaml") not in map(bundle_of, ["a.yaml", "c.yaml"])
        filled.store(replace(RESULT, digest="newer"), newer, ["a.yaml", "c.yaml"], ["agent/a"])
        found = filled.index()
        assert found is not None
        assert found.files == newer.files
        assert found.stamps == {"b\n.yaml": b"stamp", "c.yaml": b"c"}
        assert found.linked == {}
        assert found.generation != index.generation
        assert getattr(filled.result(), "digest", "") == "newer"

    def test_of_what_another_process_has_replaced_is_not_written(self, filled: Cache) -> None:
        index, other = filled.index(), reopened(filled)
        assert index is not None
        other.store(replace(RESULT, digest="theirs"), INDEX)
        filled.store(replace(RESULT, digest="ours"), index, ["a.yaml"])
        assert getattr(filled.result(), "digest", "") == "theirs"
        assert not filled.trouble


def test_verdicts_of_another_program_are_not_believed(filled: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "program_digest", lambda: "another")
    assert read_everything(filled)[:2] == (None, None)
    filled.store(replace(RESULT, digest="newer"), INDEX)
    assert getattr(filled.result(), "digest", "") == "newer"


def _text(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


def _other_schema(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("create table result (x)")
        connection.execute(f"pragma user_version = {SCHEMA + 1}")


def _middle_overwritten(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100 : len(data) - 50] = b"\xff" * (len(data) - 150)
    path.write_bytes(data)


DAMAGES = {
    "text": _text,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "header only": lambda path: os.truncate(path, 100),
    "one byte": lambda path: os.truncate(path, 1),
    "overwritten": _middle_overwritten,
    "another schema": _other_schema,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_not_used_and_then_replaced(
    filled: Cache, damage: Callable[[Path], object]
) -> None:
    damage(filled.path)
    cache = reopened(filled)
    assert read_everything(cache) == (None, None, None)
    cache.store(RESULT, INDEX)
    assert reopened(filled).result() == RESULT
    cache.close()


def test_no_flipped_bits_are_believed(filled: Cache) -> None:
    sound = filled.path.read_bytes()
    random_ = random.Random(5)
    for _ in range(150):
        data = bytearray(sound)
        for _ in range(random_.randint(1, 4)):
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        filled.path.write_bytes(data)
        result, _, text = read_everything(cache := reopened(filled))
        assert result in (None, RESULT)
        assert text in (None, TEXT)
        cache.close()
        filled.path.write_bytes(sound)


def test_a_text_that_has_not_its_digest_is_not_given_out(cache: Cache) -> None:
    wrong = CompiledFile("a.yaml", b"", (AGENT._replace(file="a.yaml", canonical="{}"),))
    cache.store(RESULT, replace(INDEX, files={**INDEX.files, "a.yaml": wrong}))
    assert cache.canonical("agent/a", AGENT.digest, "a.yaml") is None
    assert cache.canonical("agent/a", AGENT.digest, AGENT.file) == TEXT


@pytest.mark.parametrize("damage", ["files = x'00'", "checksum = x''", "checksum = 'text'", "files = 'text'"])
def test_a_bundle_that_is_not_as_it_was_written_is_not_opened(filled: Cache, damage: str) -> None:
    with sqlite3.connect(filled.path) as connection:
        connection.execute(f"update bundles set {damage}")
    cache = reopened(filled)
    assert cache.index() is None
    assert cache.trouble
    cache.close()


@pytest.mark.parametrize("problems", ["[1]", "{", '[["x"]]', "[[[]]"])
def test_a_row_of_the_wrong_shape_is_no_error(filled: Cache, problems: str) -> None:
    with sqlite3.connect(filled.path) as connection:
        connection.execute("insert into linked values ('agent/z', ?)", (problems,))
    cache = reopened(filled)
    assert cache.index() is None
    assert cache.trouble
    cache.close()


@pytest.mark.parametrize("lock", ["begin exclusive", "begin immediate"])
def test_a_locked_file_is_not_waited_for(filled: Cache, lock: str) -> None:
    holder = sqlite3.connect(filled.path, isolation_level=None)
    holder.execute(lock)
    started = time.monotonic()
    cache = reopened(filled)
    assert cache.result() in (None, RESULT)
    cache.store(replace(RESULT, digest="newer"), INDEX)
    assert time.monotonic() - started < 2
    assert "locked" in cache.trouble
    holder.close()
    assert reopened(filled).result() == RESULT


def test_a_folder_that_cannot_be_made_is_no_error() -> None:
    cache = Cache(Path("/proc/reconciler-cache"), "/srv")
    cache.store(RESULT, INDEX)
    assert read_everything(cache) == (None, None, None)
    assert cache.trouble


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_still_read(filled: Cache) -> None:
    filled.path.chmod(0o400)
    filled.path.parent.chmod(0o500)
    try:
        cache = reopened(filled)
        assert cache.result() == RESULT
        cache.store(replace(RESULT, digest="newer"), INDEX)
        assert cache.trouble
        assert reopened(filled).result() == RESULT
    finally:
        filled.path.parent.chmod(0o700)


def test_a_folder_in_the_files_place_is_no_error(cache: Cache) -> None:
    cache.path.mkdir(parents=True)
    cache.store(RESULT, INDEX)
    assert read_everything(cache) == (None, None, None)
    assert cache.trouble


def test_another_users_file_is_not_believed(filled: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(filled.path, 4321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: filled.path.stat().st_uid + 1)
    cache = reopened(filled)
    assert read_everything(cache) == (None, None, None)
    assert "another user" in cache.trouble

"""A load says what the source says, however much of it is already known, and reads no more than it must."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from reconciler.errors import Problem, SourceError
from reconciler.manifests import bench, directory
from reconciler.manifests.cache import Cache
from reconciler.manifests.compiled import Loaded
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from reconciler.manifests.sources import Listing, MemorySource, Source
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from tests.unit.manifests.small_manifests import agent, agent_type, codes, policy, problems_of


class Watched:
    """A source that notes which files are read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.key, self.commit = source.key, source.commit
        self.read_paths: list[str] = []

    def describe(self) -> str:
        return self._source.describe()

    def scan(self) -> Listing:
        return self._source.scan()

    def read(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | Problem]]:
        wanted = list(paths)
        self.read_paths += wanted
        return self._source.read(wanted)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = Cache(tmp_path / "cache", "test")
    yield cache
    cache.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "agents.d"
    root.mkdir()
    (root / "types.yaml").write_text(agent_type("mail") + agent_type("chat"))
    (root / "inbox.yaml").write_text(agent("inbox", "mail"))
    (root / "lobby.yaml").write_text(agent("lobby", "chat"))
    return root


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once, as if each edit were long ago."""
    monkeypatch.setattr(directory, "SETTLED_AFTER_NS", -(10**12))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were compiled."""
    files: list[str] = []
    original = bench.read_file
    monkeypatch.setattr(bench, "read_file", lambda data, file: files.append(file) or original(data, file))
    return files


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were checked against others."""
    addresses: list[str] = []
    original = bench.link
    monkeypatch.setattr(
        bench, "link", lambda address, *rest: addresses.append(address) or original(address, *rest)
    )
    return addresses


def same(one: Loaded, other: Loaded) -> bool:
    assert one.problems == other.problems
    assert one.state.held == other.state.held
    assert dict(one.state.entries) == dict(other.state.entries)
    assert one.state.digest == other.state.digest
    assert (one.files, one.opaque) == (other.files, other.opaque)
    return True


def test_every_document_has_its_place_and_its_spec(root: Path) -> None:
    loaded = load(DirectorySource(root))
    assert codes(loaded) == []
    assert sorted(loaded.state.entries) == ["agent/inbox", "agent/lobby", "type/chat", "type/mail"]
    location = loaded.state.entries["type/chat"].location
    assert location is not None
    assert (location.file, location.line) == ("types.yaml", agent_type("mail").count("\n") + 2)
    inbox = loaded.state.spec("agent/inbox")
    assert isinstance(inbox, Agent)
    assert inbox.spec.type == "mail"
    assert loaded.files == 3
    with pytest.raises(KeyError):
        loaded.state.spec("agent/nobody")


def test_the_order_of_fields_in_a_file_shows_nowhere(cache: Cache) -> None:
    source = MemorySource({"a.yaml": agent_type("mail", input="text: string, more: date").encode()})
    for _ in range(2):
        spec = load(source, cache).state.spec("type/mail")
        assert isinstance(spec, AgentType)
        assert list(spec.spec.input) == ["more", "text"]


def test_an_empty_source_is_an_empty_state(cache: Cache) -> None:
    for _ in range(2):
        loaded = load(MemorySource({}), cache)
        assert not loaded.problems
        assert not loaded.state.entries


@pytest.mark.usefixtures("settled")
class TestNothingChanged:
    def test_is_the_same_state_again(self, root: Path, cache: Cache) -> None:
        (root / "broken.yaml").write_text(agent("broken", "nothing"))
        cold = load(DirectorySource(root), cache)
        assert codes(cold) == ["unknown-type"]
        assert same(cold, load(DirectorySource(root), cache))

    def test_no_file_is_read(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        source = Watched(DirectorySource(root))
        loaded = load(source, cache)
        assert loaded.state.agent("inbox") is not None
        assert source.read_paths == []

    def test_specs_are_read_from_their_files_once_the_cache_is_gone(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        loaded = load(DirectorySource(root), cache)
        cache.close()
        cache.path.unlink()
        inbox = loaded.state.agent("inbox")
        assert inbox is not None
        assert inbox.spec.type == "mail"

    def test_a_spec_that_is_there_no_more_is_an_error_not_another_spec(
        self, root: Path, cache: Cache
    ) -> None:
        load(DirectorySource(root), cache)
        loaded = load(DirectorySource(root), cache)
        (root / "inbox.yaml").write_text(agent("inbox", "chat"))
        load(DirectorySource(root), cache)
        with pytest.raises(SourceError, match=r"agent/inbox in .* changed while it was being read"):
            loaded.state.spec("agent/inbox")

    def test_neither_yaml_nor_pydantic_is_imported(self, root: Path, cache: Cache) -> None:
        script = (
            "import sys; from pathlib import Path\n"
            "from reconciler.manifests import directory\n"
            "directory.SETTLED_AFTER_NS = -10**12\n"
            "from reconciler.manifests.cache import Cache\n"
            "from reconciler.manifests.load import load\n"
            f"cache = Cache(Path({str(cache.path.parent)!r}), 'test')\n"
            f"loaded = load(directory.DirectorySource({str(root)!r}), cache)\n"
            "print(loaded.state.digest, len(loaded.state.entries), cache.trouble)\n"
            "print(*sorted({'pydantic', 'yaml', 'sqlalchemy', 'click'} & sys.modules.keys()))\n"
        )
        cold = load(DirectorySource(root), cache)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == [f"{cold.state.digest} 4 ", ""]


@pytest.mark.usefixtures("settled")
class TestOneFileChanged:
    def test_only_it_is_compiled_and_only_what_depends_on_it_linked(
        self, root: Path, cache: Cache, compiled: list[str], linked: list[str]
    ) -> None:
        load(DirectorySource(root), cache)
        (root / "types.yaml").write_text(
            agent_type("mail", input="text: string, more: string") + agent_type("chat")
        )
        compiled.clear()
        linked.clear()
        warm = load(DirectorySource(root), cache)
        assert compiled == ["types.yaml"]
        assert sorted(linked) == ["agent/inbox", "type/mail"]
        assert same(warm, load(DirectorySource(root)))

    def test_dependents_of_dependents_are_linked_too(
        self, root: Path, cache: Cache, linked: list[str]
    ) -> None:
        (root / "boss.yaml").write_text(agent_type("boss", asks="inbox") + agent("chief", "boss"))
        assert codes(load(DirectorySource(root), cache)) == []
        (root / "types.yaml").write_text(agent_type("mail", input="other: string") + agent_type("chat"))
        linked.clear()
        warm = load(DirectorySource(root), cache)
        assert sorted(linked) == ["agent/chief", "agent/inbox", "type/boss", "type/mail"]
        assert same(warm, load(DirectorySource(root)))

    def test_a_touched_file_is_read_but_not_compiled(
        self, root: Path, cache: Cache, compiled: list[str]
    ) -> None:
        cold = load(DirectorySource(root), cache)
        (root / "types.yaml").touch()
        compiled.clear()
        source = Watched(DirectorySource(root))
        assert same(cold, load(source, cache))
        assert (source.read_paths, compiled) == (["types.yaml"], [])
        source.read_paths.clear()
        load(source, cache)
        assert source.read_paths == []

    def test_a_deleted_file_is_forgotten(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        (root / "lobby.yaml").unlink()
        assert same(load(DirectorySource(root), cache), load(DirectorySource(root)))
        index = cache.index()
        assert index is not None
        assert sorted(index.files) == ["inbox.yaml", "types.yaml"]

    def test_a_problem_moves_with_its_document(self, root: Path, cache: Cache) -> None:
        (root / "lost.yaml").write_text(agent("lost", "nothing"))
        [before] = load(DirectorySource(root), cache).problems
        (root / "lost.yaml").write_text("# first line\n" + agent("lost", "nothing"))
        [after] = load(DirectorySource(root), cache).problems
        assert (after.code, after.line) == (before.code, before.line + 1)

    def test_a_hint_follows_the_names_there_are(self, root: Path, cache: Cache) -> None:
        (root / "lost.yaml").write_text(agent("lost", "letters"))
        assert "letter" not in load(DirectorySource(root), cache).problems[0].hint
        (root / "letter.yaml").write_text(agent_type("letter"))
        assert "`letter`" in load(DirectorySource(root), cache).problems[0].hint


class TestUnsettled:
    def test_files_are_compared_by_content(self, root: Path, cache: Cache) -> None:
        cold = load(DirectorySource(root), cache)
        source = Watched(DirectorySource(root))
        assert same(cold, load(source, cache))
        assert sorted(source.read_paths) == ["inbox.yaml", "lobby.yaml", "types.yaml"]
        assert cache.unsettled().keys() == {"inbox.yaml", "lobby.yaml", "types.yaml"}

    def test_a_change_that_moves_no_stamp_is_seen(self, cache: Cache) -> None:
        class Coarse(MemorySource):
            """All files have one stamp, as on a file system with a slow clock."""

            def scan(self) -> Listing:
                files = super().scan().files
                return Listing(dict.fromkeys(files, b"one"), frozenset(files))

        load(Coarse({"a.yaml": agent_type("mail").encode()}), cache)
        changed = load(Coarse({"a.yaml": agent_type("chat").encode()}), cache)
        assert list(changed.state.entries) == ["type/chat"]

    def test_once_settled_they_are_not_read_again(
        self, root: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        load(DirectorySource(root), cache)
        monkeypatch.setattr(directory, "SETTLED_AFTER_NS", -(10**12))
        load(DirectorySource(root), cache)
        source = Watched(DirectorySource(root))
        load(source, cache)
        assert source.read_paths == []


class TestDuplicates:
    FILES: ClassVar = {
        "a.yaml": agent_type("mail") + agent_type("chat"),
        "b.yaml": agent("inbox", "mail") + agent_type("mail", input="x: string"),
        "c.yaml": agent("lobby", "chat"),
    }

    def test_are_a_problem_that_names_both_places(self) -> None:
        [problem] = problems_of(self.FILES)
        assert problem.code == "duplicate-object"
        assert (problem.file, problem.line) == ("b.yaml", agent("inbox", "mail").count("\n") + 2)
        assert "a.yaml:2" in problem.message or "a.yaml:1" in problem.message

    def test_are_held_with_all_that_depends_on_them(self) -> None:
        loaded = load(MemorySource({path: text.encode() for path, text in self.FILES.items()}))
        assert loaded.state.held == {"type/mail", "agent/inbox"}
        assert sorted(loaded.state.entries) == ["agent/lobby", "type/chat"]

    def test_are_forgotten_once_one_is_gone(self, cache: Cache) -> None:
        files = {path: text.encode() for path, text in self.FILES.items()}
        load(MemorySource(files), cache)
        files["b.yaml"] = agent("inbox", "mail").encode()
        warm = load(MemorySource(files), cache)
        assert not warm.problems
        assert same(warm, load(MemorySource(files)))


def test_one_broken_file_hides_no_other_and_is_told_again(cache: Cache) -> None:
    files = {
        "a.yaml": agent_type("mail").encode(),
        "b.yaml": b"{{{ nothing readable",
        "c.yaml": b"apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: lobby}\nspec: {typ: mail}\n",
        "d.yaml": agent("inbox", "mail").encode(),
    }
    cold, warm = load(MemorySource(files), cache), load(MemorySource(files), cache)
    assert {problem.file for problem in cold.problems} == {"b.yaml", "c.yaml"}
    assert cold.state.held == {"agent/lobby"}
    assert cold.opaque == ("b.yaml",)
    assert sorted(cold.state.entries) == ["agent/inbox", "type/mail"]
    assert same(cold, warm)


def test_where_two_parts_cannot_both_be_right_neither_is_judged(cache: Cache) -> None:
    """What depends on a broken type is held without a problem of its own."""
    loaded = load(
        MemorySource(
            {
                "a.yaml": agent_type("mail", version="one").encode(),
                "b.yaml": agent("inbox", "mail").encode() + agent_type("boss", asks="inbox").encode(),
                "c.yaml": agent("chief", "boss").encode(),
            }
        )
    )
    assert {problem.file for problem in loaded.problems} == {"a.yaml"}
    assert loaded.state.held == {"type/mail", "agent/inbox", "type/boss", "agent/chief"}
    assert not loaded.state.entries


@pytest.mark.usefixtures("settled")
class TestMemory:
    def test_a_file_that_breaks_holds_what_it_had(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        (root / "types.yaml").write_text("[")
        for _ in range(2):
            loaded = load(DirectorySource(root), cache)
            assert loaded.state.held == {"type/mail", "type/chat", "agent/inbox", "agent/lobby"}
            assert loaded.opaque == ()
        (root / "types.yaml").write_text("[[")
        assert "type/mail" in load(DirectorySource(root), cache).state.held

    def test_what_moved_elsewhere_is_not_held(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        (root / "inbox.yaml").write_text("[")
        (root / "moved.yaml").write_text(agent("inbox", "mail"))
        loaded = load(DirectorySource(root), cache)
        assert loaded.state.held == set()
        assert "agent/inbox" in loaded.state.entries

    def test_ends_when_the_file_is_in_order_or_gone(self, root: Path, cache: Cache) -> None:
        load(DirectorySource(root), cache)
        (root / "inbox.yaml").write_text("[")
        (root / "lobby.yaml").write_text("[")
        assert load(DirectorySource(root), cache).state.held == {"agent/inbox", "agent/lobby"}
        (root / "inbox.yaml").write_text(agent("other", "mail"))
        (root / "lobby.yaml").unlink()
        loaded = load(DirectorySource(root), cache)
        assert loaded.state.held == set()
        assert same(loaded, load(DirectorySource(root)))

    def test_a_folder_that_turns_into_a_link_out_of_the_source_holds_what_was_below(
        self, root: Path, cache: Cache, tmp_path: Path
    ) -> None:
        (root / "team").mkdir()
        (root / "inbox.yaml").rename(root / "team" / "inbox.yaml")
        load(DirectorySource(root), cache)
        (root / "team").rename(tmp_path / "elsewhere")
        (root / "team").symlink_to(tmp_path / "elsewhere")
        loaded = load(DirectorySource(root), cache)
        assert codes(loaded) == ["symlink-leaves-source"]
        assert loaded.state.held == {"agent/inbox"}
        (root / "team").unlink()
        (tmp_path / "elsewhere").rename(root / "team")
        assert same(load(DirectorySource(root), cache), load(DirectorySource(root)))


@pytest.mark.usefixtures("settled")
class TestPolicies:
    def test_apply_to_every_type_when_they_come_change_and_go(self, root: Path, cache: Cache) -> None:
        (root / "types.yaml").write_text(agent_type("mail", tools="[{name: template}]") + agent_type("chat"))
        for text, held in [
            (None, set()),
            (policy("tools: {deny: [template]}"), {"type/mail", "agent/inbox"}),
            (policy("tools: {deny: [http_request]}"), set()),
            (policy("tools: {allow: []}"), {"type/mail", "agent/inbox"}),
            (None, set()),
        ]:
            (root / "policy.yaml").unlink(missing_ok=True)
            if text:
                (root / "policy.yaml").write_text(text)
            loaded = load(DirectorySource(root), cache)
            assert loaded.state.held == held
            assert same(loaded, load(DirectorySource(root)))

    def test_that_are_broken_hide_no_type(self, root: Path, cache: Cache) -> None:
        (root / "policy.yaml").write_text(policy("tools: {denied: [template]}"))
        loaded = load(DirectorySource(root), cache)
        assert codes(loaded) == ["unknown-key"]
        assert loaded.state.held == {"policy/default"}
        assert "type/mail" in loaded.state.entries


def test_warnings_hold_nothing(cache: Cache) -> None:
    files = {"a.yaml": (agent_type("mail", deprecated="use chat") + agent("inbox", "mail")).encode()}
    for _ in range(2):
        loaded = load(MemorySource(files), cache)
        assert [problem.severity for problem in loaded.problems] == ["warning"]
        assert not loaded.broken
        assert len(loaded.state.entries) == 2

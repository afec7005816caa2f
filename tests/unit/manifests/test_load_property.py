"""Whatever happened before, a load with a cache says what a load without one says."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.manifests.cache import Cache
from reconciler.manifests.compiled import Loaded
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
from reconciler.manifests.sources import MemorySource
from tests.benchmarks.generate import mutate, write_manifests
from tests.unit.manifests.small_manifests import agent, agent_type, policy

SOUND = [
    agent_type("mail"),
    agent_type("mail", input="text: string, more: date"),
    agent_type("mail", deprecated="use chat"),
    agent_type("mail", tools="[{name: template}]"),
    agent_type("mail", asks="inbox"),
    agent_type("mails"),
    agent_type("chat", asks="inbox"),
    agent_type("chat", asks="nobody") + agent("lobby", "chat"),
    agent("inbox", "mail"),
    agent("inbox", "chat"),
    agent("lobby", "mail") + agent("desk", "chat"),
    agent("lobby", "mial"),
    "# moved down\n\n" + agent("lobby", "mial"),
    policy("tools: {deny: [template]}"),
    policy("tools: {allow: [template]}", "other"),
    "",
]
BROKEN = [
    "{",
    agent("inbox", "mail") + "---\n[",
    agent("inbox", "Not A Name"),
    policy("tools: 1"),
    agent_type("chat", version="x"),
]
EDITS = st.tuples(
    st.sampled_from(["a.yaml", "b.yaml", "c.yaml", "d.yaml"]), st.sampled_from([*SOUND, *BROKEN, None])
)


def facts(loaded: Loaded) -> tuple[object, ...]:
    return (
        loaded.problems,
        loaded.state.held,
        dict(loaded.state.entries),
        loaded.state.digest,
        loaded.files,
        loaded.opaque,
    )


def check(warm: Loaded, cold: Loaded, *, broken: bool) -> None:
    """A cache makes one difference: broken files are remembered. More is held then, and nothing less."""
    if not broken:
        assert facts(warm) == facts(cold)
    assert dict(warm.state.entries).items() <= dict(cold.state.entries).items()
    assert warm.state.held >= cold.state.held
    for address in warm.state.entries:
        assert warm.state.spec(address) == cold.state.spec(address)


@given(st.lists(EDITS, min_size=1, max_size=8))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_after_any_edits_a_warm_load_equals_a_cold_one(edits: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, str] = {}
        for path, text in [*edits, *((path, None) for path, text in edits if text in BROKEN)]:
            files.pop(path, None)
            if text is not None:
                files[path] = text
            source = MemorySource({path: text.encode() for path, text in files.items()})
            cache = Cache(Path(folder), "test")
            broken = any(text in BROKEN for text in files.values())
            for _ in range(2):
                check(load(source, cache), load(source), broken=broken)
            assert not cache.trouble
            cache.close()


@pytest.mark.parametrize("seed", range(3))
def test_many_files_in_many_processes_say_what_one_process_says(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_manifests(tmp_path / "m", types=40, agents=480, seed=seed)
    (tmp_path / "m" / "broken.yaml").write_text("[")
    (tmp_path / "m" / "lost.yaml").write_text(agent("lost", "nothing"))
    for path in sorted((tmp_path / "m" / "agents").iterdir())[:9]:
        path.write_text(path.read_text().replace("source_name:", "sourcename:"))
    (tmp_path / "m" / "asks.yaml").write_text(agent_type("asking", asks="asked") + agent("asked", "asking"))
    (tmp_path / "m" / "rules.yaml").write_text(policy("limits: {steps: 2}"))
    source, cache = DirectorySource(tmp_path / "m"), Cache(tmp_path / "cache", "test")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    alone = load(source)
    found = {problem.code for problem in alone.problems}
    assert found == {"yaml-syntax", "unknown-type", "unknown-setting", "agent-cycle", "too-complex"}
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2})
    assert facts(load(source, cache)) == facts(alone)
    mutate(tmp_path / "m", "all")
    assert facts(load(source, cache)) == facts(load(source)) != facts(alone)
    cache.close()


WORKER = """
import sys
from pathlib import Path
from reconciler.errors import SourceError
from reconciler.manifests.cache import Cache
from reconciler.manifests.directory import DirectorySource
from reconciler.manifests.load import load
source = DirectorySource(sys.argv[1])
print("ready", flush=True)
said = 0
while said < int(sys.argv[3]):
    loaded = load(source, Cache(Path(sys.argv[2]), source.key))
    assert not loaded.problems, loaded.problems
    try:
        names = [loaded.state.spec(address).name for address in loaded.state.entries]
    except SourceError as error:  # the file changed under it, and saying so misleads nobody
        assert error.hint == "run the command again", error
        continue
    said += 1
    print(loaded.state.digest, *names)
"""


def test_processes_that_share_a_cache_do_not_mislead_each_other(tmp_path: Path) -> None:
    root, versions = tmp_path / "m", [agent_type("mail", input=f"field_{n}: string") for n in range(3)]
    root.mkdir()
    (root / "inbox.yaml").write_text(agent("inbox", "mail"))
    (root / "mail.yaml").write_text(versions[0])
    command = [sys.executable, "-c", WORKER, str(root), str(tmp_path / "cache"), "60"]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    expected = set()
    for turn in range(40):
        (root / "new").write_text(versions[turn % 3])
        (root / "new").replace(root / "mail.yaml")
        expected.add(load(DirectorySource(root)).state.digest)
        time.sleep(0.005)
    lines = [line for worker in workers for line in worker.communicate(timeout=30)[0].splitlines()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(lines) == 180
    assert {line.split()[0] for line in lines} <= expected
    source = DirectorySource(root)
    assert facts(load(source, Cache(tmp_path / "cache", source.key))) == facts(load(source))


def test_a_process_killed_at_any_moment_leaves_no_wrong_cache(tmp_path: Path) -> None:
    write_manifests(tmp_path / "m", types=5, agents=60, seed=1)
    source = DirectorySource(tmp_path / "m")
    for turn in range(12):
        mutate(tmp_path / "m", "all")
        if (pid := os.fork()) == 0:
            load(source, Cache(tmp_path / "cache", "test"))
            os._exit(0)
        time.sleep(random.Random(turn).uniform(0.01, 0.12))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    cache = Cache(tmp_path / "cache", "test")
    assert facts(load(source, cache)) == facts(load(source))
    assert not cache.trouble

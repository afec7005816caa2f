"""Whatever happens to the folder while passes run: at quiet, what is in place is what a fresh apply would give."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest

from reconciler.bootstrap import load_manifests
from reconciler.database import records
from reconciler.database.conditions import Condition
from reconciler.database.connection import connect
from reconciler.settings import Settings
from tests.faults.controlled import Controlled, condition, digests, wait_until

NAMES = [f"thing-{letter}" for letter in "abcdefgh"]


def manifest(name: str, number: int) -> str:
    return (
        "apiVersion: reconciler/v1\nkind: AgentType\n"
        f"metadata: {{name: {name}}}\n"
        f"spec:\n  version: 1.0.{number}\n  title: Number {number} of {name}\n"
        "  models:\n    row:\n      fields:\n        text: {type: text}\n"
        "---\n"
        "apiVersion: reconciler/v1\nkind: Agent\n"
        f"metadata: {{name: {name}-agent}}\nspec: {{type: {name}}}\n"
    )


class Editors:
    """Hands on a folder, each with a habit of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self._random = folder, random.Random(seed)
        self._count = 0

    def edit(self) -> None:
        habits = [self.plain, self.plain, self.vim, self.atomic, self.slowly, self.touch, self.rename]
        habits += [self.broken, self.gone_for_a_moment, self.swap]
        habit = self._random.choice(habits)
        habit(self._random.choice(NAMES))

    def restore_all(self) -> None:
        """Every manifest is there and sound, in its own place."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name in NAMES:
            self.plain(name)

    def _text(self, name: str) -> str:
        self._count += 1
        return manifest(name, self._count)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.yaml"

    def plain(self, name: str) -> None:
        self._path(name).write_text(self._text(name))

    def vim(self, name: str) -> None:
        """The old file is moved away, the new one written in its place, the old one deleted."""
        path, backup = self._path(name), self.folder / f"{name}.yaml~"
        if path.exists():
            path.rename(backup)
        path.write_text(self._text(name))
        backup.unlink(missing_ok=True)

    def atomic(self, name: str) -> None:
        temporary = self.folder / f".{name}.tmp"
        temporary.write_text(self._text(name))
        temporary.replace(self._path(name))

    def slowly(self, name: str) -> None:
        """Half of it is on disk for a while, and is sound YAML: without the agent."""
        text = self._text(name)
        half = text.index("---")
        with self._path(name).open("w") as file:
            file.write(text[:half])
            file.flush()
            time.sleep(self._random.uniform(0, 0.4))
            file.write(text[half:])

    def touch(self, name: str) -> None:
        if self._path(name).exists():
            os.utime(self._path(name))

    def rename(self, name: str) -> None:
        if self._path(name).exists():
            (self.folder / "moved").mkdir(exist_ok=True)
            shutil.move(self._path(name), self.folder / "moved" / f"{name}.yaml")
            time.sleep(self._random.uniform(0, 0.1))
            shutil.move(self.folder / "moved" / f"{name}.yaml", self._path(name))

    def broken(self, name: str) -> None:
        self._path(name).write_text(self._text(name).replace("version:", "versio:"))
        time.sleep(self._random.uniform(0, 0.2))
        self.plain(name)

    def gone_for_a_moment(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)
        time.sleep(self._random.uniform(0, 0.3))
        self.plain(name)

    def swap(self, name: str) -> None:
        """The folder as a whole is another one, with one thing changed."""
        other = self.folder.with_name("next")
        shutil.copytree(self.folder, other)
        (other / f"{name}.yaml").write_text(self._text(name))
        before = self.folder.with_name("before")
        self.folder.rename(before)
        time.sleep(self._random.uniform(0, 0.2))
        other.rename(self.folder)
        shutil.rmtree(before)


def wanted(folder: Path) -> dict[str, str]:
    state = load_manifests(Settings(source=str(folder)), use_cache=False).state
    return {address: entry.digest for address, entry in state.entries.items()}


@pytest.mark.parametrize(
    ("seed", "seconds"),
    [(1, 12), pytest.param(2, 90, marks=pytest.mark.slow), pytest.param(3, 90, marks=pytest.mark.slow)],
)
def test_at_quiet_the_state_is_that_of_a_fresh_apply(seed: int, seconds: float, tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    editors = Editors(folder, seed)
    editors.restore_all()
    with Controlled(folder, database, tmp_path) as controller:
        wait_until(lambda: len(digests(database)) == 2 * len(NAMES), "all is applied at first")
        pause = random.Random(seed)
        end, edits = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            editors.edit()
            edits += 1
            time.sleep(pause.choice([0, 0, 0.02, 0.3]))
        wait_until(lambda: digests(database) == wanted(folder), f"quiet after {edits} edits")
        assert controller.stop() == 0
    assert nothing_ever_left(database), "no edit removed anything for longer than a moment"


def test_a_folder_that_vanishes_removes_nothing_and_comes_back(tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    editors = Editors(folder, 1)
    editors.restore_all()
    with Controlled(folder, database, tmp_path, "--interval", "0.5"):
        before = wait_until(lambda: len(digests(database)) == 2 * len(NAMES) and digests(database), "applied")
        folder.rename(tmp_path / "away")
        wait_until(lambda: said(database, "Stalled"), "the source is said to be gone")
        assert digests(database) == before
        folder.mkdir()  # and back, but empty
        time.sleep(2.5)
        assert digests(database) == before
        folder.rmdir()
        (tmp_path / "away").rename(folder)
        editors.plain(NAMES[0])
        wait_until(lambda: digests(database) == wanted(folder), "followed again")
        wait_until(lambda: said(database, "Ready"), "the source is well again")


def test_what_is_deleted_for_good_goes(tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    editors = Editors(folder, 1)
    editors.restore_all()
    with Controlled(folder, database, tmp_path):
        wait_until(lambda: len(digests(database)) == 2 * len(NAMES), "applied")
        (folder / f"{NAMES[0]}.yaml").unlink()
        wait_until(lambda: digests(database) == wanted(folder), "the one is gone, the others stay")
    assert len(digests(database)) == 2 * len(NAMES) - 2


def test_one_that_is_broken_delays_no_other(tmp_path: Path) -> None:
    folder, database = tmp_path / "agents.d", f"sqlite:///{tmp_path}/r.db"
    folder.mkdir()
    editors = Editors(folder, 1)
    editors.restore_all()
    with Controlled(folder, database, tmp_path):
        wait_until(lambda: len(digests(database)) == 2 * len(NAMES), "applied")
        broken, blocked, sound = NAMES[:3]
        (folder / f"{broken}.yaml").write_text(manifest(broken, 9).replace("version:", "versio:"))
        without_bump = manifest(blocked, 1).replace("text: {type: text}", "other: {type: text}")
        (folder / f"{blocked}.yaml").write_text(without_bump)
        before = digests(database)
        editors.plain(sound)
        wait_until(
            lambda: digests(database)[f"type/{sound}"] == wanted(folder)[f"type/{sound}"], "the sound one"
        )
        assert digests(database)[f"type/{broken}"] == before[f"type/{broken}"]
        assert digests(database)[f"type/{blocked}"] == before[f"type/{blocked}"]
        found = wait_until(lambda: stalled(database, f"type/{broken}"), "why it is held")
        assert (found.reason, found.sync) == ("manifest-broken", "unknown")
        assert "versio" in found.message
        found = wait_until(lambda: stalled(database, f"type/{blocked}"), "why it waits")
        assert (found.reason, found.sync) == ("version-too-small", "out-of-sync")


def said(database: str, state: str) -> bool:
    found = condition(database, "source")
    return found is not None and found.condition == state


def stalled(database: str, address: str) -> Condition | None:
    found = condition(database, address)
    return found if found is not None and found.condition == "Stalled" else None


def nothing_ever_left(database: str) -> bool:
    """Whether no revision removed anything."""
    with connect(database, create=False) as connection:
        ((removed,),) = connection.execute("SELECT count(*) FROM revision_objects WHERE digest IS NULL")
        return not removed and records.newest_effective(connection) is not None

"""Hostile manifests, on every road: each is answered by its code at its place, within a second, and nothing of it is
carried out."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from reconciler.bootstrap import load_manifests, open_schema_manager
from reconciler.errors import Problem
from reconciler.manifests.reader import compile_file
from reconciler.settings import Settings
from tests.repository import Repository
from tests.unit.manifests.hostile import CASES as FILES
from tests.unit.manifests.hostile_corpus import Hostile, corpus

SECONDS = 1.0
LEFT_BEHIND = Path("/tmp/reconciler-hostile")


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(corpus()) >= 300
    assert all(case.finds for case in corpus())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case as a file of its own, named by its number."""
    folder = tmp_path_factory.mktemp("hostile") / "agents.d"
    folder.mkdir()
    for name, text in _files().items():
        (folder / name).write_bytes(text)
    return folder


def _files() -> Mapping[str, bytes]:
    of_corpus = {f"case{number}.yaml": _of_its_own(case, number) for number, case in enumerate(corpus())}
    return {**of_corpus, **{f"file{number}.yaml": case.data for number, case in enumerate(FILES)}}


def _of_its_own(case: Hostile, number: int) -> bytes:
    """Under a name that no other case has, unless the name is what is hostile."""
    document = json.loads(case.text)
    if "/metadata/name" not in case.finds:
        document["metadata"]["name"] = f"case-{number}"
    return json.dumps(document).encode()


def _errors(problems: Iterable[Problem]) -> Mapping[str, list[str]]:
    """Code and pointer of the errors by file."""
    found = defaultdict(list)
    for problem in problems:
        if problem.severity == "error":
            found[problem.file].append(f"{problem.code} {problem.pointer}".removesuffix(" "))
    return found


def _check(problems: Iterable[Problem]) -> None:
    found = _errors(problems)
    for number, case in enumerate(corpus()):
        assert case.finds in found[f"case{number}.yaml"], case.says
    for number, file in enumerate(FILES):
        codes = {error.partition(" ")[0] for error in found[f"file{number}.yaml"]}
        assert file.code in codes, file.name
    assert not LEFT_BEHIND.exists()


def test_files_are_answered_by_code_and_place(folder: Path, tmp_path: Path) -> None:
    settings = Settings(str(folder), f"sqlite:///{tmp_path}/a.db", tmp_path / "cache")
    loaded = load_manifests(settings)
    assert not loaded.state.entries
    _check(loaded.problems)
    _check(load_manifests(settings).problems)


def test_commits_are_answered_by_code_and_place(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository")
    repository.commit({f"agents.d/{name}": text for name, text in _files().items()})
    source = f"git+file://{repository.folder}@main#agents.d"
    loaded = load_manifests(Settings(source, f"sqlite:///{tmp_path}/a.db", tmp_path / "cache"))
    assert not loaded.state.entries
    _check(loaded.problems)


@pytest.mark.parametrize("number", range(0, len(corpus()), 23))
def test_programs_are_answered_by_code_and_place(number: int, tmp_path: Path) -> None:
    """A share of them each time, as every one asks a database."""
    manager = open_schema_manager(Settings("", f"sqlite:///{tmp_path}/a.db", tmp_path / "cache"))
    for case in corpus()[number : number + 23]:
        problems = manager.validate(case.text)
        found = [f"{p.code} {p.pointer}".removesuffix(" ") for p in problems if p.severity == "error"]
        assert case.finds in found, case.says
    assert not LEFT_BEHIND.exists()


def test_each_takes_less_than_a_second() -> None:
    """Of the processor, which others may want as well."""
    slow = []
    for name, text in _files().items():
        began = time.process_time()
        compile_file(text, name)
        took = time.process_time() - began
        if took > SECONDS:
            slow.append((name, took))
    assert not slow

"""All conversations of tests/builder_cases: guided, and with models that do well, forget, need help or are broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builder_cases.conversation import Case, cases, lead
from tests.builder_cases.listeners import LISTENERS
from tests.ollama_server import OllamaServer

ROOT = Path(__file__).parents[2]

CASES = cases()


def test_there_are_forty_conversations() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.name}")
def test_guided_it_ends_as_it_must(case: Case, tmp_path: Path) -> None:
    outcome = lead(case, tmp_path / "stage")
    assert not outcome.invalid
    assert not outcome.failures
    assert outcome.honest


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: f"{case.file}: {case.name}")
def test_with_any_model_it_ends_as_it_must(case: Case, listener: str, tmp_path: Path) -> None:
    outcome = lead(case, tmp_path / "stage", LISTENERS[listener])
    assert not outcome.invalid
    assert not outcome.failures
    assert outcome.honest


def test_one_flag_has_a_server_listen_instead(ollama: OllamaServer) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.builder_cases", "--ollama", ollama.url, "a field of fixed values"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert [line.split()[0] for line in done.stdout.splitlines()][:2] == ["guided", "ollama"]
    assert "1 of 1 as expected" in done.stdout
    assert any(request.path == "/api/chat" for request in ollama.requests)

"""All conversations of tests/builder_cases: guided, and with models that do well, forget, need help or are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builder_cases.conversation import Case, cases, lead
from tests.builder_cases.listeners import LISTENERS

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

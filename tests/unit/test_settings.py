"""The environment as settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.settings import Settings


@pytest.mark.parametrize("environ", [{}, {"RECONCILER_SOURCE": "", "RECONCILER_LOCK_TIMEOUT": ""}])
def test_what_is_unset_or_empty_has_its_default(environ: dict[str, str]) -> None:
    assert Settings.from_environment(environ) == Settings()
    assert (Settings().source, Settings().database) == ("agents.d", "sqlite:///reconciler.db")


def test_every_variable_has_its_setting() -> None:
    environ = {
        "RECONCILER_SOURCE": "manifests",
        "RECONCILER_DATABASE_URL": "postgresql://localhost/agents",
        "RECONCILER_CACHE_DIR": "/var/cache/agents",
        "RECONCILER_ACTOR": "ada",
        "RECONCILER_LARGE_TABLE_ROWS": "0",
        "RECONCILER_LOCK_TIMEOUT": "12",
        "RECONCILER_LEASE_SECONDS": "90",
    }
    assert Settings.from_environment(environ) == Settings(
        source="manifests",
        database="postgresql://localhost/agents",
        cache=Path("/var/cache/agents"),
        actor="ada",
        large_table_rows=0,
        lock_timeout=12.0,
        lease_seconds=90.0,
    )


def test_without_an_environment_it_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_SOURCE", "elsewhere")
    assert Settings.from_environment().source == "elsewhere"


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "²", " 7", "1e3", "9" * 5000])
def test_what_is_no_whole_number_is_refused_by_the_name_of_its_variable(text: str) -> None:
    with pytest.raises(UsageError, match="RECONCILER_LARGE_TABLE_ROWS") as refusal:
        Settings.from_environment({"RECONCILER_LARGE_TABLE_ROWS": text})
    assert "RECONCILER_LARGE_TABLE_ROWS" in refusal.value.hint
    assert len(refusal.value.message) < 200

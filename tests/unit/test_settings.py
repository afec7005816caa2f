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
        "RECONCILER_ARCHIVE_RETENTION": "30d",
        "RECONCILER_OLLAMA_URL": "http://models.example.com:11434",
        "RECONCILER_EGRESS_PRIVATE": "10.1.0.0/16, 127.0.0.1/32",
        "RECONCILER_OLLAMA_API_KEY": "key",
        "RECONCILER_BUILDER_MODEL": "mistral",
        "RECONCILER_BUILDER_TEMPERATURE": "0.2",
        "RECONCILER_BUILDER_CONTEXT": "4096",
        "RECONCILER_BUILDER_TIMEOUT": "20",
        "RECONCILER_EGRESS_CERTIFICATES": __file__,
        "RECONCILER_BROKER_URL": "amqp://broker.example.com//",
        "RECONCILER_CLAIM_SECONDS": "45",
        "RECONCILER_LOG_FORMAT": "json",
    }
    assert Settings.from_environment(environ) == Settings(
        source="manifests",
        database="postgresql://localhost/agents",
        cache=Path("/var/cache/agents"),
        actor="ada",
        large_table_rows=0,
        lock_timeout=12.0,
        lease_seconds=90.0,
        archive_retention=30 * 86_400.0,
        ollama_url="http://models.example.com:11434",
        egress_private=("10.1.0.0/16", "127.0.0.1/32"),
        ollama_api_key="key",
        builder_model="mistral",
        builder_temperature=0.2,
        builder_context=4096,
        builder_timeout=20.0,
        egress_certificates=__file__,
        broker_url="amqp://broker.example.com//",
        claim_seconds=45.0,
        log_format="json",
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("models.example.com", "http://models.example.com"),
        ("0.0.0.0:11435", "http://127.0.0.1:11435"),
        ("https://models.example.com", "https://models.example.com"),
    ],
)
def test_ollamas_own_variable_counts_where_ours_says_nothing(host: str, url: str) -> None:
    assert Settings.from_environment({"OLLAMA_HOST": host}).ollama_url == url
    assert Settings.from_environment({"OLLAMA_API_KEY": "key"}).ollama_api_key == "key"
    ours = {"OLLAMA_HOST": host, "RECONCILER_OLLAMA_URL": "http://ours"}
    assert Settings.from_environment(ours).ollama_url == "http://ours"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RECONCILER_EGRESS_PRIVATE", "10.0.0.0/8, intranet"),
        ("RECONCILER_LOG_FORMAT", "xml"),
        ("RECONCILER_BUILDER_TEMPERATURE", "warm"),
        ("RECONCILER_BUILDER_TEMPERATURE", "2.5"),
        ("RECONCILER_EGRESS_CERTIFICATES", "/nowhere/ca.pem"),
    ],
)
def test_what_is_none_of_the_choices_is_refused(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=name):
        Settings.from_environment({name: text})


def test_without_an_environment_it_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_SOURCE", "elsewhere")
    assert Settings.from_environment().source == "elsewhere"


@pytest.mark.parametrize("text", ["many", "-1", "1.5", "²", " 7", "1e3", "9" * 5000])
def test_what_is_no_whole_number_is_refused_by_the_name_of_its_variable(text: str) -> None:
    with pytest.raises(UsageError, match="RECONCILER_LARGE_TABLE_ROWS") as refusal:
        Settings.from_environment({"RECONCILER_LARGE_TABLE_ROWS": text})
    assert "RECONCILER_LARGE_TABLE_ROWS" in refusal.value.hint
    assert len(refusal.value.message) < 200


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("1d", 24), ("26w", 26 * 7 * 24)])
def test_a_retention_is_given_in_hours_days_or_weeks(text: str, hours: int) -> None:
    assert (
        Settings.from_environment({"RECONCILER_ARCHIVE_RETENTION": text}).archive_retention == hours * 3_600
    )


@pytest.mark.parametrize(
    "text", ["0d", "30", "d", "1.5d", "-1d", "30 d", "1d12h", "forever", "9" * 5000 + "d"]
)
def test_a_retention_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="RECONCILER_ARCHIVE_RETENTION") as refusal:
        Settings.from_environment({"RECONCILER_ARCHIVE_RETENTION": text})
    assert len(refusal.value.message) < 200


def test_secrets_are_not_shown() -> None:
    settings = Settings(ollama_api_key="hidden-one", encryption_keys="hidden-two")
    assert "hidden" not in repr(settings)

"""Secrets come from where their agent binds them, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Denied, Unavailable
from reconciler.execution.secret_store import MAX_SECRET, SecretStore
from reconciler.spec.codec import canonical
from reconciler.spec.task import Blueprint
from tests.integration.deployed import agent_of


def store(file: Path, **environment: str) -> SecretStore:
    text = canonical(
        agent_of("ann", "notes", secrets={"key": {"env": "THE_KEY"}, "certificate": {"file": str(file)}})
    )

    def blueprint(agent: str) -> Blueprint:
        return (
            Blueprint(agent, "d", "dynamic", "", text) if agent == "ann" else Blueprint(agent, "", "static")
        )

    return SecretStore(blueprint, environment)


def test_a_variable_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    assert store(tmp_path, THE_KEY="s3cret")("ann", "key") == "s3cret"


def test_a_file_is_read_without_the_end_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "certificate"
    file.write_text("s3cret\n")
    assert store(file)("ann", "certificate") == "s3cret"
    file.write_text("another")
    assert store(file)("ann", "certificate") == "another"


@pytest.mark.parametrize(("agent", "name"), [("ann", "password"), ("echo", "key")])
def test_what_is_not_bound_is_denied(agent: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(Denied, match=name):
        store(tmp_path, THE_KEY="x", password="y")(agent, name)


def test_what_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as told:
        store(tmp_path)("ann", "key")
    assert "THE_KEY" in told.value.hint


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe", b"x" * (MAX_SECRET + 1)], ids=["none", "no text", "too long"]
)
def test_a_file_that_is_no_secret_is_told_without_its_content(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "certificate"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Unavailable) as told:
        store(file)("ann", "certificate")
    assert "xxx" not in told.value.message + told.value.hint

"""doctor: every check speaks for itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.diagnosis import Finding, diagnose
from reconciler.settings import Settings
from tests.unit.cli.conftest import Shown

Run = Callable[..., Shown]


def _findings(tmp_path: Path, **settings: Any) -> dict[str, Finding]:
    defaults = {
        "source": str(tmp_path),
        "database": f"sqlite:///{tmp_path / 'x.db'}",
        "cache": tmp_path / "cache" / "deep",
    }
    return {finding.name: finding for finding in diagnose(Settings(**{**defaults, **settings}))}


def test_a_sound_machine_is_healthy(reconcile: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    url = f"sqlite:///{tmp_path / 'x.db'}"
    shown = reconcile("doctor", "--source", str(tmp_path), "--database", url)
    assert shown.status == 0
    assert "ok       yaml" in shown.out
    document = reconcile("doctor", "--source", str(tmp_path), "--database", url, "--json").document
    assert document["healthy"] is True
    assert {check["name"] for check in document["checks"]} >= {"python", "sqlite", "yaml", "packages", "git"}


def test_a_missing_source_is_a_failure_with_a_hint(reconcile: Run, tmp_path: Path) -> None:
    shown = reconcile("doctor", "--source", str(tmp_path / "none"))
    assert shown.status == 1
    assert "failed   source" in shown.out
    assert "hint: reconcile init" in shown.out


def test_an_empty_source_and_a_database_that_is_yet_to_come_are_warnings(tmp_path: Path) -> None:
    findings = _findings(tmp_path)
    assert (findings["source"].verdict, findings["database"].verdict) == ("warning", "warning")
    assert findings["catalog"].detail == "none yet"
    assert not (tmp_path / "x.db").exists()


def test_a_file_that_is_no_database_fails_without_stopping_the_other_checks(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    findings = _findings(tmp_path)
    assert findings["database"].verdict == "failed"
    assert findings["git"].verdict in ("ok", "warning")


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("0000", "warning"), ("0001", "ok"), ("9999", "failed")],
    ids=["older", "the same", "newer"],
)
def test_the_catalogs_version_is_compared_with_the_programs(
    tmp_path: Path, version: str, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.database.upgrade.CATALOG_VERSION", "0001")
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("create table reconciler_catalog_version (version_num text)")
        connection.execute("insert into reconciler_catalog_version values (?)", (version,))
    connection.close()
    assert _findings(tmp_path)["catalog"].verdict == verdict


def test_a_slow_yaml_parser_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaml.__with_libyaml__", False)
    finding = _findings(tmp_path)["yaml"]
    assert (finding.verdict, "libyaml" in finding.hint) == ("warning", True)


def test_a_missing_package_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.cli.diagnosis.PACKAGES", ("click", "no-such-package"))
    assert _findings(tmp_path)["packages"].detail == "missing: no-such-package"


def test_a_cache_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert _findings(tmp_path, cache=tmp_path / "file" / "cache")["cache"].verdict == "warning"


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    url = "postgresql://ann:hunter2@127.0.0.1:1/none?connect_timeout=1"
    assert "hunter2" not in str(list(diagnose(Settings(source=str(tmp_path), database=url))))

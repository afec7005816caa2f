"""A command line whose reconciler lives in memory."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.cli.main import run
from tests.unit.cli.doubles import Bootstrap


@dataclass(frozen=True)
class Shown:
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Bootstrap:
    double = Bootstrap()
    monkeypatch.setitem(sys.modules, "reconciler.bootstrap", double)
    for name in ("RECONCILER_SOURCE", "RECONCILER_DATABASE_URL", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECONCILER_ACTOR", "ben")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return double


@pytest.fixture
def reconcile(bootstrap: Bootstrap, capsys: pytest.CaptureFixture[str]) -> Callable[..., Shown]:
    def call(*arguments: str) -> Shown:
        capsys.readouterr()
        status = run(arguments)
        captured = capsys.readouterr()
        return Shown(status, captured.out, captured.err)

    return call


@pytest.fixture
def someone_types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a person at the terminal, who types this."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda text: monkeypatch.setattr("sys.stdin", Terminal(text))

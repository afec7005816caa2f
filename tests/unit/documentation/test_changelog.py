"""The changelog speaks of the version that is shipped, and of every catalog revision there has been."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from reconciler import __version__
from reconciler.cli.main import reconcile

ROOT = Path(__file__).parents[3]


def shown() -> str:
    result = CliRunner().invoke(reconcile, ["docs", "show", "changelog"])
    assert result.exit_code == 0, result.output
    return result.output


def test_its_newest_section_is_the_version_that_the_program_says() -> None:
    first = re.findall(r"^## (.+)$", shown(), re.MULTILINE)[0]
    assert first == __version__
    said = CliRunner().invoke(reconcile, ["--version"]).output
    assert said == f"reconcile {__version__}\n"


def test_every_catalog_revision_came_with_a_version() -> None:
    spans = re.findall(r"Catalog revisions? (\d{4})(?: to (\d{4}))?", shown())
    told = {number for first, last in spans for number in range(int(first), int(last or first) + 1)}
    assert told == {int(file.name[:4]) for file in (ROOT / "migrations/versions").glob("[0-9]*.py")}

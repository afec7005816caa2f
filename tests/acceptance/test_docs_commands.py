"""`reconcile docs`, `sdk` and `dev` as people call them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.acceptance.command_line import CommandLine
from tests.unit.documentation.hostile import SHIPPED


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    shutil.copytree(SHIPPED, tmp_path / "agents.d")
    return CommandLine(tmp_path)


def test_the_page_of_a_type_is_shown_in_each_form(line: CommandLine) -> None:
    assert line("docs", "show", "email-analysis").out.startswith("# Email analysis\n")
    assert "<h1" in line("docs", "show", "email-analysis", "--format", "html").out
    assert line("docs", "show", "email-analysis", "--json").document["name"] == "email-analysis"
    assert line("docs", "show", "--format", "openapi").document["openapi"] == "3.1.0"
    assert "| [" not in line("docs", "show").out
    assert "## Expressions" in line("docs", "show", "guide").out


def test_a_type_that_is_not_there_is_answered_with_what_was_meant(line: CommandLine) -> None:
    run = line("docs", "show", "email-analysys")
    assert run.code == 1
    assert "did you mean `email-analysis`?" in run.err


def test_a_site_is_written_the_same_each_time(line: CommandLine) -> None:
    for name in ("one", "two"):
        assert line("docs", "build", "--out", name).code == 0
    first, again = (
        {
            path.relative_to(line.folder / name): path.read_bytes()
            for path in (line.folder / name).rglob("*.*")
        }
        for name in ("one", "two")
    )
    assert first == again
    assert Path("types/email-analysis.html") in first


def test_a_site_that_cannot_be_written_is_an_error_with_its_place(line: CommandLine) -> None:
    line.write("taken", "a file")
    run = line("docs", "build", "--out", "taken/site")
    assert run.code == 64
    assert "taken/site" in run.err


def test_collections_are_printed_or_written(line: CommandLine) -> None:
    assert line("docs", "collection", "postman").document["info"]["name"] == "reconciler"
    line("docs", "collection", "insomnia", "--out", "requests.yaml")
    assert (
        yaml.safe_load((line.folder / "requests.yaml").read_text())["type"] == "collection.insomnia.rest/5.0"
    )


def test_what_is_broken_is_left_aside_and_said_so(line: CommandLine) -> None:
    line.write("agents.d/broken.yaml", "kind: AgentType\n")
    run = line("docs", "show", "email-analysis")
    assert run.code == 0
    assert "reconcile validate" in run.err


def test_a_package_is_written(line: CommandLine) -> None:
    assert line("sdk", "typescript", "--out", "sdk").code == 0
    manifest = json.loads((line.folder / "sdk/package.json").read_text())
    assert manifest["type"] == "module"
    assert (line.folder / "sdk/src/instance/types.ts").exists()


def test_made_up_values_are_one_per_line_and_the_same_for_a_seed(line: CommandLine) -> None:
    rows = line("dev", "mock", "email-analysis", "--model", "analysis", "--count", "20", "--seed", "3").out
    assert len({json.loads(row)["message_id"] for row in rows.splitlines()}) == 20
    assert (
        line("dev", "mock", "email-analysis", "--model", "analysis", "--count", "20", "--seed", "3").out
        == rows
    )
    assert len(line("dev", "mock", "email-analysis", "--invalid").out.splitlines()) > 10
    run = line("dev", "mock", "email-analysis", "--model", "analisys")
    assert (run.code, "did you mean `analysis`?" in run.err) == (1, True)


def test_one_file_is_checked_among_the_others(line: CommandLine) -> None:
    assert line("dev", "validate", "agents.d/email-analysis/type.yaml").code == 0
    agent = (
        "apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: second}\nspec: {type: text-processing}\n"
    )
    line.write("second.yaml", agent)
    assert line("dev", "validate", "second.yaml").out == "second.yaml is valid\n"
    line.write("second.yaml", agent.replace("text-processing", "text-procesing"))
    run = line("dev", "validate", "second.yaml", "--json")
    assert run.code == 3
    assert [problem["line"] for problem in run.document["problems"]] == [4]
    assert line("dev", "validate", "nowhere.yaml").code == 64


def test_other_files_that_are_broken_do_not_make_it_invalid(line: CommandLine) -> None:
    line.write("agents.d/broken.yaml", "kind: AgentType\n")
    assert line("dev", "validate", "agents.d/email-analysis/type.yaml").code == 0

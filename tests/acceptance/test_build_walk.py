"""`reconcile build` on a machine without Ollama: a conversation, manifests, an apply, a run."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.acceptance.command_line import PROGRAM, CommandLine, Run

NOBODY = "http://127.0.0.1:9"
MOST_ANSWERS = 8

WALKS = {
    "email": [
        "Sort support mail into billing, bug and sales, and write to oncall@example.com when it is a bug",
        "smtp.example.com",
        "",
        "order number",
        "support-mail",
        "yes",
    ],
    "knowledge-base": ["Keep the pages of docs.example.org", "author, topic", "wiki", "yes"],
    "text-processing": [
        "Classify reviews as positive, negative or neutral",
        "product name, stars as integer",
        "call it reviews",
        "yes",
    ],
    "document-extraction": [
        "document extraction",
        "invoice number, vendor, total as amount, issued on as date",
        "",
        "invoices",
        "yes",
    ],
    "blank": ["blank", "title (required), quantity as integer, bought on as date", "stock", "yes"],
}


def converse(at: CommandLine, answers: list[str], *options: str) -> Run:
    done = subprocess.run(
        [PROGRAM, "build", *options],
        cwd=at.folder,
        env=at.environment,
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Run(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def at(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, RECONCILER_OLLAMA_URL=NOBODY)


@pytest.mark.parametrize("template", WALKS)
def test_a_conversation_leads_to_an_agent_that_plans_applies_runs_and_passes_its_tests(
    at: CommandLine, template: str
) -> None:
    answers = WALKS[template]
    assert len(answers) <= MOST_ANSWERS
    built = converse(at, answers)
    assert built.code == 0, built.out + built.err
    assert "No language model answers" in built.out

    assert at("--plan", "--detailed-exitcode").code == 2
    assert at("--apply", "--yes").code == 0
    tested = at("test", "--json").document
    assert tested["passed"], tested
    [kind] = tested["types"]
    sample = _sample(at.folder / "agents.d")
    ran = at("run", kind["type"], "--json", "--input", json.dumps(sample["input"]))
    assert ran.code == 0, ran.out + ran.err
    output = ran.document["output"]
    expected = sample["expect"]["output"]
    assert {name: output[name] for name in expected} == expected
    assert at("--plan", "--detailed-exitcode").code == 0, "a second plan finds nothing to do"


def _sample(source: Path) -> dict[str, object]:
    """The first test of the one type that was written: what stands in for the outside has to be there without it."""
    [document] = [
        found
        for path in source.rglob("*.yaml")
        for found in [yaml.safe_load(path.read_text())]
        if found["kind"] == "AgentType"
    ]
    tests = [test for test in document["spec"]["tests"] if "output" in test.get("expect", {})]
    first: dict[str, object] = tests[0]
    return first


def test_where_the_answers_end_the_session_is_kept_and_resumed(at: CommandLine) -> None:
    begun = converse(at, ["document extraction", "vendor, total as amount"])
    assert begun.code == 1
    assert "error[unfinished]" in begun.err
    [session] = at("build", "--list", "--json").document["sessions"]
    assert (session["state"], session["template"]) == ("collecting", "document-extraction")

    resumed = converse(at, ["none", "bills", "yes"], "--resume", session["id"])
    assert resumed.code == 0, resumed.err
    assert (at.folder / "agents.d/bills/type.yaml").exists()
    closed = converse(at, ["yes"], "--resume", session["id"])
    assert "error[session-closed]" in closed.err


def test_yes_takes_defaults_where_the_answers_end_and_writes(at: CommandLine) -> None:
    built = converse(at, ["Store visitors: name (required), company"], "--yes", "--json")
    assert built.code == 0, built.err
    assert built.document["paths"] == ["records/type.yaml", "records/records.yaml"]
    assert at("validate").code == 0


def test_a_fork_goes_its_own_way_and_a_deleted_session_is_gone(at: CommandLine) -> None:
    converse(at, ["blank", "a field called title and a field called note", "first", "yes"])
    [session] = at("build", "--list", "--json").document["sessions"]
    forked = converse(at, ["call it second instead", "yes"], "--fork", session["id"])
    assert forked.code == 0, forked.out + forked.err
    assert (at.folder / "agents.d/second/type.yaml").exists()
    assert at("build", "--delete", session["id"]).code == 0
    assert "error[not-found]" in at("build", "--resume", session["id"]).err


def test_a_model_that_was_named_has_to_be_there(at: CommandLine) -> None:
    refused = converse(at, ["blank"], "--model", "llama3.2")
    assert refused.code == 8
    assert "error[unavailable]" in refused.err


def test_a_secret_in_the_conversation_is_neither_written_nor_kept(at: CommandLine) -> None:
    converse(
        at,
        [
            "Read the inbox of help@example.com on imap.example.com, the password is hunter2!x",
            "bug, billing",
            "none",
            "",
            "",
            "",
            "yes",
        ],
    )
    files = [path for path in at.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".yaml" for path in files)
    assert not [path for path in files if b"hunter2" in path.read_bytes()]


def test_help_needs_neither_model_nor_database(at: CommandLine) -> None:
    assert at("build", "--help").code == 0
    assert not os.path.exists(at.folder / "reconciler.db")  # noqa: PTH110 - nothing was made

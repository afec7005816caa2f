"""`reconcile build` on a machine without Ollama: a conversation, manifests, an apply, a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.command_line import PROGRAM, CommandLine, Run
from tests.ollama_server import Answer, OllamaServer

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


def _sample(source: Path) -> dict[str, Any]:
    """The first test of the one type that was written: what stands in for the outside has to be there without it."""
    [document] = [
        found
        for path in source.rglob("*.yaml")
        for found in [yaml.safe_load(path.read_text())]
        if found["kind"] == "AgentType"
    ]
    tests = [test for test in document["spec"]["tests"] if "output" in test.get("expect", {})]
    first: dict[str, Any] = tests[0]
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


def test_the_draft_is_told_in_words_once_and_shown_in_full_when_asked_for(at: CommandLine) -> None:
    walk = [
        "blank",
        "title (required), note",
        "stock",
        "what do you mean?",
        "also store the colour",
        "show",
        "yes",
    ]
    told = converse(at, walk).out
    in_words = told.split("What it stores in `record`:")[1:]
    assert len(in_words) == 2, "once for each draft, and no more for a question"
    assert "`title`: string, required" in in_words[0]
    assert "`colour`: string" in in_words[1]
    assert "apiVersion" not in in_words[0]
    assert "apiVersion: reconciler/v1" in in_words[1].partition("> show")[2]
    assert in_words[0].split("\n> ")[0].rstrip().endswith("to see the YAML and the plan.")


def test_a_package_that_is_installed_brings_its_template(at: CommandLine, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", site, rota_wheel(tmp_path)], check=True, capture_output=True)
    at.environment["PYTHONPATH"] = str(site)
    built = converse(at, ["I plan shifts", "person, day as date", "yes"])
    assert built.code == 0, built.out + built.err
    assert "rota: plans the shifts of a team" in built.out
    assert at("test").code == 0
    assert (at.folder / "agents.d/rota/type.yaml").exists()
    broken = converse(at, ["broken", "person, day"])
    assert "The template broken fails: KeyError: 'shift'." in broken.out
    assert "error[unfinished]" in broken.err, "what was said is kept"


ROTA = """
from reconciler.builder.slots import SlotKind, SlotSpec
from reconciler.builder.templates import blank
from reconciler.builder.templates.template import Template

FIELDS = SlotSpec("details", "shift", SlotKind.FIELDS, "What is known of a shift?", weight=5, needed=True)


def compose(values):
    return blank.TEMPLATE.compose({"name": "rota", "purpose": "Plans shifts.", "secrets": {}, **values})


def fail(values):
    raise KeyError("shift")


BROKEN = Template("broken", "Broken", "cannot do it", (), (FIELDS,), fail)
TEMPLATE = Template("rota", "Rota", "plans the shifts of a team", ("shift*", "rota*"), (FIELDS,), compose)
"""


def rota_wheel(folder: Path) -> Path:
    """A distribution of one module, as small as they come."""
    wheel, info = folder / "rota_template-1.0-py3-none-any.whl", "rota_template-1.0.dist-info"
    files = {
        "rota_template.py": ROTA,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: rota-template\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[reconciler.templates]\n"
        "rota = rota_template:TEMPLATE\nbroken = rota_template:BROKEN\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as packed:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            packed.writestr(name, text)
    return wheel


def test_a_reply_appears_while_the_model_still_writes(at: CommandLine, ollama: OllamaServer) -> None:
    rest = threading.Event()
    ollama.answer(Answer({"reply": "Gladly I take down what you say."}, rest=rest))
    environment = {**at.environment, "RECONCILER_OLLAMA_URL": ollama.url}
    with subprocess.Popen(
        [PROGRAM, "build", "--template", "blank"],
        cwd=at.folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"title, note\nquit\n")
        process.stdin.close()
        told = b""
        while b"Gladly" not in told:
            piece = os.read(process.stdout.fileno(), 4096)
            assert piece, told
            told += piece
        assert b"what you say" not in told
        rest.set()
        told += process.stdout.read()
    assert b"Gladly I take down what you say." in told


def test_help_needs_neither_model_nor_database(at: CommandLine) -> None:
    assert at("build", "--help").code == 0
    assert not os.path.exists(at.folder / "reconciler.db")  # noqa: PTH110 - nothing was made

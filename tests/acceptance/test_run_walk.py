"""The shipped agents at work on a fresh SQLite file: applied, run, and their rows given back, each by a process."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command_line import CommandLine, Run
from tests.ollama_server import OllamaServer

SHIPPED = Path(__file__).parents[2] / "agents.d"

MAIL = {
    "message_id": "m1",
    "sender": "a@example.com",
    "subject": "Invoice",
    "body": "Please refund the invoice.",
}


def nobody_listens() -> str:
    """The URL of a port of this machine that refuses connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    shutil.copytree(SHIPPED, tmp_path / "agents.d")
    run = CommandLine(tmp_path, RECONCILER_OLLAMA_URL=nobody_listens())
    assert run("--apply", "--yes").code == 0
    return run


def run_agent(run: CommandLine, agent: str, values: dict[str, Any], *more: str) -> Run:
    done = run("run", agent, "--input", json.dumps(values), "--json", *more)
    assert done.code == 0, done.out
    return done


def results(run: CommandLine, *arguments: str) -> list[dict[str, Any]]:
    done = run("results", *arguments, "--json")
    assert done.code == 0, done.out
    rows: list[dict[str, Any]] = done.document["rows"]
    return rows


def statuses(done: Run) -> list[tuple[str, str, str]]:
    return [(step["step"], step["status"], step["error_code"]) for step in done.document["trace"]]


def test_text_processing_needs_nothing(run: CommandLine) -> None:
    text = "Thanks, but the app shows an error and a crash."
    done = run_agent(run, "text-processing-demo", {"text": text}, "--set", "language=de")
    output = done.document["output"]
    assert (output["topic"], output["chunk_count"], output["language"]) == ("bug", 1, "de")
    assert statuses(done) == [
        ("split", "succeeded", ""),
        ("label", "succeeded", ""),
        ("save", "succeeded", ""),
    ]
    [row] = results(run, "text-processing-demo", "--where", "topic=bug")
    assert (row["id"], row["text"], row["task_id"]) == (output["id"], text, done.document["task"])
    assert (row["agent"], row["type_version"]) == ("text-processing-demo", "1.0.0")


def test_a_bookmark_whose_page_is_given_needs_no_network_and_is_kept_once(run: CommandLine) -> None:
    page = {
        "url": "https://docs.example.org/start",
        "html": "<title>Start</title><p>Welcome to the docs</p>",
        "tags": ["docs", "intro"],
    }
    first = run_agent(run, "bookmarks", page).document["output"]
    again = run_agent(run, "bookmarks", page | {"title": "Begin", "tags": ["docs"]}).document["output"]
    assert (first["title"], again["title"], again["id"]) == ("Start", "Begin", first["id"])
    [row] = results(run, "bookmarks")
    assert (row["title"], row["word_count"]) == ("Begin", 4)
    tags = results(run, "knowledge-base.tag", "--sort", "label")
    assert [(tag["label"], tag["bookmark"]) for tag in tags] == [("docs", row["id"]), ("intro", row["id"])]


def test_without_a_model_keywords_sort_the_mail_and_the_trace_says_so(run: CommandLine) -> None:
    done = run_agent(run, "support-inbox", MAIL)
    assert (done.document["output"]["category"], done.document["output"]["urgency"]) == ("billing", 1)
    trace = done.document["trace"]
    asked = [step for step in trace if step["step"] == "extract"]
    assert [step["status"] for step in asked][-1] == "fallback"
    assert {step["error_code"] for step in asked if step["error_code"]} == {"unavailable"}
    [row] = results(run, "support-inbox", "--where", "category=billing")
    assert (row["message_id"], row["summary"]) == ("m1", None)
    told = run("run", "support-inbox", "--input", json.dumps(MAIL), "--trace")
    assert "fallback" in told.out
    assert "unavailable" in told.out


def test_a_model_that_answers_is_asked_and_named(run: CommandLine) -> None:
    answer = {"category": "bug", "urgency": 3, "summary": "Wants a refund", "actions": ["Call", "Pay back"]}
    with OllamaServer() as ollama:
        ollama.answer(answer)
        run.environment["RECONCILER_OLLAMA_URL"] = ollama.url
        done = run_agent(run, "support-inbox", MAIL)
        [request] = [request for request in ollama.requests if request.path == "/api/chat"]
    assert "Please refund the invoice." in json.dumps(request.body["messages"])
    extract = done.document["trace"][0]
    assert (extract["step"], extract["status"], extract["model"]) == ("extract", "succeeded", "llama3.2")
    assert extract["tokens"] > 0
    [row] = results(run, "support-inbox")
    assert (row["category"], row["urgency"], row["summary"]) == ("bug", 3, "Wants a refund")
    items = results(run, "email-analysis.action_item", "--sort", "id")
    assert [(item["text"], item["analysis"], item["done"]) for item in items] == [
        ("Call", row["id"], False),
        ("Pay back", row["id"], False),
    ]


def test_what_cannot_run_says_what_to_do(run: CommandLine, tmp_path: Path) -> None:
    refused = run("run", "text-processing-demo", "--input", '{"text": ""}')
    assert refused.code == 8
    assert "error[invalid_input]" in refused.err
    assert "at: input/text" in refused.err
    assert run("results", "text-processing-demo", "--json").document["rows"] == []
    unknown = run("run", "text-processing", "--input", "{}")
    assert unknown.code == 1
    assert "text-processing-demo" in unknown.err
    elsewhere = run("run", "bookmarks", "--database", f"sqlite:///{tmp_path}/other.db")
    assert elsewhere.code == 1
    assert "reconcile --apply deploys it" in elsewhere.err
    assert not (tmp_path / "other.db").exists()
    assert run("run", "bookmarks", "--input", "[1]").code == 64


def test_the_shipped_types_pass_their_own_tests_and_leave_no_branch_untaken(run: CommandLine) -> None:
    tested = run("test", "--coverage")
    assert tested.code == 0, tested.out
    assert "never" not in tested.out
    assert tested.last.endswith(", 0 failed.")
    document = run("test", "support-inbox", "--json").document
    assert [(found["type"], found["passed"], found["gaps"]) for found in document["types"]] == [
        ("email-analysis", True, [])
    ]


def test_a_plan_tells_the_verdicts_of_the_types_it_changes(run: CommandLine) -> None:
    assert run("--plan", "--test", "--json").document["tests"] == []
    file = run.folder / "agents.d/text-processing/type.yaml"
    changed = (
        file.read_text()
        .replace("version: 1.0.0", "version: 1.0.1")
        .replace("bug: [crash, error", "bug: [crash")
    )
    file.write_text(changed)
    plan = run("--plan", "--test", "--json")
    assert plan.code == 1
    [found] = plan.document["tests"]
    assert (found["type"], found["passed"]) == ("text-processing", False)
    [failed] = [test for test in found["tests"] if not test["passed"]]
    assert [difference["at"] for difference in failed["differences"]] == ["output/topic"]
    text = run("--plan", "--test")
    assert "FAILED" in text.out
    assert text.last.startswith("Plan: ")
    assert "output.topic: expected 'bug', got 'other'" in run("--plan", "--test", "--format", "markdown").out
    annotated = run("--plan", "--test", "--format", "github").out
    assert "::error file=agents.d/text-processing/type.yaml" in annotated
    assert "title=test-failed" in annotated


GREETER = """
from reconciler.agents.base import BaseAgent


class Greeter(BaseAgent):
    name = "greeter"
    title = "Says what kind of text it was given"
    labels = {"team": "words"}
    input = {"text": {"type": "text", "required": True}}
    output = {"label": "string"}
    tools = [{"name": "keyword_classifier", "limits": {"calls": 2}}]

    def process_task(self, task, context):
        params = {"text": task.input["text"], "rules": {"greeting": ["hello", "hi"]}, "default": "other"}
        return {"label": self.call(context, "keyword_classifier", params)["label"]}
"""


@pytest.fixture
def with_packages(run: CommandLine) -> CommandLine:
    """With one installed package that brings an agent, and one that is broken."""
    site = run.folder / "site"
    for package, source in (("greeting", GREETER), ("cracked", "raise ImportError('half installed')")):
        run.write(f"site/{package}.py", source)
        run.write(
            f"site/{package}-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        )
        name = "greeter" if package == "greeting" else "cracked"
        points = f"[reconciler.agents]\n{name} = {package}:Greeter\n"
        run.write(f"site/{package}-1.0.dist-info/entry_points.txt", points)
    run.environment["PYTHONPATH"] = str(site)
    return run


def test_an_agent_that_is_a_python_class_is_listed_and_run_beside_the_others(
    with_packages: CommandLine,
) -> None:
    run = with_packages
    listed = {agent["name"]: agent for agent in run("agents", "list", "--json").document["agents"]}
    assert [*listed] == ["bookmarks", "cracked", "greeter", "support-inbox", "text-processing-demo"]
    assert (listed["greeter"]["kind"], listed["greeter"]["status"]) == ("static", "active")
    assert listed["cracked"]["status"] == "broken"
    assert "half installed" in listed["cracked"]["problem"]
    assert [
        a["name"] for a in run("agents", "list", "--label", "team=words", "--json").document["agents"]
    ] == ["greeter"]
    done = run_agent(run, "greeter", {"text": "Hello there"})
    assert done.document["output"] == {"label": "greeting"}
    assert statuses(done) == [("keyword_classifier[0]", "succeeded", "")]
    [row] = results(run, "greeter", "--limit", "1")
    assert (row["label"], row["task_id"]) == ("greeting", done.document["task"])
    assert run("results", "greeter", "--count").code == 64
    assert "Used by  greeter, support-inbox, text-processing-demo" in run("tools", "keyword_classifier").out
    refused = run("run", "greeter", "--input", "{}")
    assert (refused.code, "error[invalid_input]" in refused.err) == (8, True)
    broken = run("run", "cracked", "--json")
    assert (broken.code, broken.document["error"]["code"]) == (1, "not-found")
    assert "half installed" in broken.document["error"]["message"]


def test_who_can_do_what_can_be_asked(run: CommandLine) -> None:
    def found(*asked: str) -> list[str]:
        return [agent["name"] for agent in run("agents", "list", *asked, "--json").document["agents"]]

    assert found("--capability", "mail") == ["support-inbox"]
    assert found("--model", "llama3.2") == ["support-inbox"]
    assert found("--table", "knowledge-base.tag") == ["bookmarks"]
    assert found("--label", "team=examples") == ["bookmarks", "text-processing-demo"]
    assert found("--status", "retired") == []
    shown = run("agents", "show", "support-inbox").out
    assert "Writes    email_analysis__analysis, email_analysis__action_item" in shown
    assert "Versions  1.0.0 (live)" in shown
    assert run("tools", "nothing").code == 1

"""`reconcile tasks` and `reconcile worker` as somebody uses them: submit, work, look, cancel, bring back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command_line import PROGRAM, CommandLine

NOTES = """
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: notes}
spec:
  version: 1.0.0
  input: {text: {type: string, required: true, max_length: 50}}
  settings: {prefix: {type: string, default: note}}
  models:
    note: {fields: {text: {type: string, required: true, unique: true}}}
  output: {model: note, from: save}
  tools: [{name: database_writer, models: [note]}]
  pipeline:
    - id: save
      tool: database_writer
      with: {model: note, mode: insert, values: {text: "{{ settings.prefix }}: {{ input.text }}"}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: my-notes}
spec: {type: notes}
"""


@pytest.fixture
def reconcile(tmp_path: Path) -> CommandLine:
    line = CommandLine(tmp_path)
    line.write("agents.d/notes.yaml", NOTES)
    assert line("--apply", "--yes").code == 0
    return line


def submit(reconcile: CommandLine, text: str, *more: str) -> str:
    run = reconcile("tasks", "submit", "my-notes", "--input", json.dumps({"text": text}), *more)
    assert run.code == 0, run.err
    return run.last


def show(reconcile: CommandLine, task: str) -> dict[str, Any]:
    return reconcile("tasks", "show", task, "--json").document


@contextmanager
def worker(reconcile: CommandLine, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [PROGRAM, "worker", "--json", *arguments],
        cwd=reconcile.folder,
        env=reconcile.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "worker started" in process.stderr.readline()
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_what_is_submitted_is_worked_off_and_shown(reconcile: CommandLine) -> None:
    task = submit(reconcile, "milk", "--set", "prefix=buy")
    listed = reconcile("tasks", "list", "--json").document
    assert [(line["id"], line["state"]) for line in listed["tasks"]] == [(task, "pending")]

    run = reconcile("worker", "--until-idle", "--json")
    assert run.code == 0, run.err
    logged = [json.loads(line) for line in run.err.splitlines()]
    assert [line["state"] for line in logged if line["event"] == "task ended"] == ["succeeded"]

    shown = show(reconcile, task)
    assert (shown["state"], shown["output"]["text"]) == ("succeeded", "buy: milk")
    assert "buy: milk" in reconcile("tasks", "show", task).out
    assert reconcile("tasks", "list", "--state", "failed").last == "No task matches."


def test_what_does_not_fit_is_refused_with_its_place(reconcile: CommandLine) -> None:
    run = reconcile("tasks", "submit", "my-notes", "--input", '{"text": 7}', "--json")
    assert run.code == 8
    assert run.document["error"]["code"] == "invalid_input"
    assert run.document["error"]["where"] == "input/text"
    assert reconcile("tasks", "submit", "nobody").code == 1
    assert reconcile("tasks", "submit", "my-notes", "--input", "{").code == 64


def test_a_key_makes_two_submissions_one_task(reconcile: CommandLine) -> None:
    first, second = (submit(reconcile, "milk", "--key", "monday") for _ in range(2))
    assert first == second


def test_a_task_that_waits_is_cancelled(reconcile: CommandLine) -> None:
    task = submit(reconcile, "milk")
    assert reconcile("tasks", "cancel", task, "--reason", "no milk").last == f"{task} is cancelled"
    assert reconcile("tasks", "cancel", task).last == f"{task} is cancelled"
    assert "no milk" in show(reconcile, task)["failure"]["message"]


def test_a_failure_is_told_by_its_code_and_place(reconcile: CommandLine) -> None:
    submit(reconcile, "milk")
    twice = submit(reconcile, "milk")
    assert reconcile("worker", "--until-idle").code == 0
    states = {line["id"]: line for line in reconcile("tasks", "list", "--json").document["tasks"]}
    assert sorted(line["state"] for line in states.values()) == ["failed", "succeeded"]
    assert states[twice]["error_code"] in (None, "row_refused")


def test_dead_letters_are_tried_again(reconcile: CommandLine) -> None:
    task = submit(reconcile, "milk", "--attempts", "1")
    _give_up(reconcile, task)
    assert reconcile("tasks", "redrive", "--all").last == task
    assert reconcile("tasks", "redrive", "--all").last == "There are no dead letters."
    assert reconcile("worker", "--once").code == 0
    assert show(reconcile, task)["state"] == "succeeded"
    assert reconcile("tasks", "redrive").code == 64


def test_tasks_that_are_named_are_all_brought_back_or_none(reconcile: CommandLine) -> None:
    dead, waits = (submit(reconcile, "milk", "--attempts", "1") for _ in range(2))
    _give_up(reconcile, dead)
    for strangers, told in (
        (["xyz"], "there is no task xyz"),
        (["xyz", "abc"], "there are no tasks xyz, abc"),
        ([waits], f"no dead letter: {waits} (pending)"),
    ):
        run = reconcile("tasks", "redrive", dead, *strangers, "--json")
        assert (run.code, run.document["error"]["message"]) == (1, told)
    assert show(reconcile, dead)["state"] == "dead_letter"
    assert reconcile("tasks", "cancel", waits, "xyz").code == 1
    assert show(reconcile, waits)["state"] == "pending"


def test_a_worker_for_an_agent_that_nobody_knows_says_so(reconcile: CommandLine) -> None:
    run = reconcile("worker", "--agents", "my-nodes", "--until-idle", "--json")
    assert run.code == 0
    told = json.loads(run.err.splitlines()[0])
    assert (told["event"], told["agent"]) == ("there is no such agent yet", "my-nodes")
    assert "my-notes" in told["hint"]


def test_tools_are_found_by_what_they_reach_and_do(reconcile: CommandLine) -> None:
    def found(*asked: str) -> list[str]:
        return [tool["name"] for tool in reconcile("tools", *asked, "--json").document["tools"]]

    assert found("--capability", "mail") == ["email_connector"]
    assert found("--capability", "tables", "--effect", "write") == ["database_writer"]
    assert "template" in found("--effect", "none")
    assert reconcile("tools", "--capability", "files").out == "No tool does.\n"
    assert reconcile("tools", "template", "--effect", "none").code == 64


def test_a_worker_that_is_asked_to_stop_leaves_in_order(reconcile: CommandLine) -> None:
    with worker(reconcile) as process:
        task = submit(reconcile, "milk")
        _until(lambda: show(reconcile, task)["state"] == "succeeded")
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "worker stopped" in told


def test_counters_are_there_for_prometheus(reconcile: CommandLine) -> None:
    port = 20000 + os.getpid() % 20000
    with worker(reconcile, "--metrics-port", str(port)):
        task = submit(reconcile, "milk")
        _until(lambda: show(reconcile, task)["state"] == "succeeded")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            told = answer.read().decode()
    assert 'reconciler_tasks_total{agent="my-notes",state="succeeded"} 1.0' in told


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("worker", "--once", "--until-idle"), 64),
        (("worker", "--executor", "celery", "--once"), 64),
        (("worker", "--children", "0"), 64),
        (("tasks", "show", "nothing"), 1),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], code: int, reconcile: CommandLine
) -> None:
    assert reconcile(*arguments).code == code


def test_there_is_nothing_to_work_on_before_an_apply(tmp_path: Path) -> None:
    run = CommandLine(tmp_path)("worker", "--until-idle")
    assert run.code == 1
    assert "hint" in run.err


def _give_up(reconcile: CommandLine, task: str) -> None:
    from reconciler.database.connection import connect

    with connect(f"sqlite:///{reconcile.folder}/reconciler.db") as db:
        db.execute("UPDATE tasks SET state = 'dead_letter', attempts = 1 WHERE id = ?", (task,))


def _until(condition: Any) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)

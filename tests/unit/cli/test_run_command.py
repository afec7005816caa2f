"""run: what it is given, what it shows, and which exit code each end has."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.database.failures import DatabaseMissing
from reconciler.errors import NotFound
from reconciler.execution.inline import Ran
from reconciler.manifests.compiled import Loaded
from reconciler.settings import Settings
from reconciler.spec.codec import state_of
from reconciler.spec.task import Failure, TaskState
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap
from tests.unit.plans.samples import agent, agent_type

Run = Callable[..., Shown]

TRACE = (
    {
        "step": "extract",
        "call": "llm_processor",
        "attempt": 1,
        "status": "fallback",
        "duration": 0.0123,
        "error_code": "unavailable",
        "error": "nobody answers",
        "model": "",
        "tokens": 0,
    },
    {"step": "save", "call": "database_writer", "attempt": 1, "status": "succeeded", "duration": 0.001},
)
DONE = Ran("t1", TaskState.SUCCEEDED, {"id": 7, "category": "bug", "tags": ["a"]}, None, TRACE)
BROKEN = Ran("t1", TaskState.FAILED, None, Failure("timeout", "too slow", "extract", "give it time"), TRACE)
WAITING = Ran("t1", TaskState.PENDING, None, None, ())


class Runner:
    """What stands in for running: `asked` are the agents, inputs and settings it was asked for."""

    def __init__(self) -> None:
        self.gives: Ran | Exception = DONE
        self.asked: list[tuple[str, Any, Any]] = []

    def __call__(self, settings: Settings, name: str, given: Any, overrides: Any, *, actor: str) -> Ran:
        self.asked.append((name, given, overrides))
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.fixture
def runner(bootstrap: Bootstrap) -> Runner:
    runner = Runner()
    bootstrap.run_once = runner  # type: ignore[attr-defined]
    return runner


def test_the_stored_row_is_shown(runner: Runner, reconcile: Run) -> None:
    shown = reconcile("run", "inbox", "--input", '{"text": "hello"}')
    assert (shown.status, shown.err) == (0, "Task t1 succeeded.\n")
    assert shown.out.splitlines() == ["id        7", "category  bug", 'tags      ["a"]']
    assert runner.asked == [("inbox", {"text": "hello"}, {})]


@pytest.mark.parametrize("option", ["--trace", "-v"])
def test_the_trace_tells_each_attempt_of_each_step(runner: Runner, reconcile: Run, option: str) -> None:
    lines = reconcile("run", "inbox", option).out.splitlines()
    assert lines[:3] == [
        "STEP     CALLS            TRY  STATUS     TOOK     NOTE",
        "extract  llm_processor    1    fallback   12.3 ms  unavailable: nobody answers",
        "save     database_writer  1    succeeded  1.0 ms",
    ]


def test_input_comes_from_a_file_or_standard_input(
    runner: Runner, reconcile: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "input.json").write_text('{"text": "from a file"}')
    assert reconcile("run", "inbox", "--input", f"@{tmp_path}/input.json").status == 0
    monkeypatch.setattr("sys.stdin", io.StringIO('{"text": "from a pipe"}'))
    assert reconcile("run", "inbox", "--input", "-").status == 0
    assert [given for _, given, _ in runner.asked] == [{"text": "from a file"}, {"text": "from a pipe"}]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("n=3", 3),
        ("n=true", True),
        ("n=de", "de"),
        ('n="3"', "3"),
        ("n=a=b", "a=b"),
        ("n=", ""),
        ("n=[1]", [1]),
    ],
)
def test_a_setting_is_json_where_it_reads_as_json(
    runner: Runner, reconcile: Run, said: str, meant: object
) -> None:
    reconcile("run", "inbox", "--set", said)
    assert runner.asked == [("inbox", {}, {"n": meant})]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--input", "{"], "--input is no JSON"),
        (["--input", "[1]"], "--input is no JSON object"),
        (["--input", "@nowhere.json"], "nowhere.json cannot be read"),
        (["--set", "novalue"], "is not NAME=VALUE"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage_and_runs_nothing(
    runner: Runner, reconcile: Run, arguments: list[str], told: str
) -> None:
    shown = reconcile("run", "inbox", *arguments)
    assert shown.status == 64
    assert told in shown.err
    assert runner.asked == []


def test_a_failed_task_exits_with_its_code_place_and_hint(runner: Runner, reconcile: Run) -> None:
    runner.gives = BROKEN
    shown = reconcile("run", "inbox", "--trace")
    assert shown.status == 8
    assert shown.err.splitlines() == ["error[timeout]: too slow", "  at: extract", "  hint: give it time"]
    assert "fallback" in shown.out


def test_json_is_one_document_whatever_the_end(runner: Runner, reconcile: Run) -> None:
    done = reconcile("run", "inbox", "--json").document
    assert (done["task"], done["state"], done["output"]["id"], len(done["trace"])) == (
        "t1",
        "succeeded",
        7,
        2,
    )
    assert "error" not in done
    runner.gives = BROKEN
    shown = reconcile("run", "inbox", "--json")
    assert (shown.status, shown.document["error"]["code"], shown.document["output"]) == (8, "timeout", None)


def test_a_task_that_may_not_run_now_is_told_to_wait(runner: Runner, reconcile: Run) -> None:
    runner.gives = WAITING
    shown = reconcile("run", "inbox")
    assert shown.status == 8
    assert "task t1 waits: agent inbox is disabled" in shown.err


@pytest.mark.parametrize(
    "error", [NotFound("there is no agent inbox"), DatabaseMissing("there is no database")]
)
def test_an_agent_that_only_has_a_manifest_is_to_be_applied(
    runner: Runner, bootstrap: Bootstrap, reconcile: Run, error: Exception
) -> None:
    runner.gives = error
    assert "inbox is in" not in reconcile("run", "inbox").err
    bootstrap.loaded = Loaded(state_of([agent_type(), agent()]), (), 1)
    shown = reconcile("run", "inbox")
    assert shown.status == 1
    assert "agent inbox is in agents.d, but not deployed yet" in shown.err
    assert "hint: reconcile --apply deploys it" in shown.err

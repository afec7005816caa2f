"""The group itself: help, exit codes, how errors are shown, options that contradict each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from reconciler import errors
from reconciler.cli.main import COMMANDS, reconcile
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap, failing

Run = Callable[..., Shown]
RECONCILE = [sys.executable, "-c", "import sys; from reconciler.cli.main import run; sys.exit(run())"]


def test_help_lists_every_command_and_every_exit_code(reconcile: Run) -> None:
    shown = reconcile("--help")
    assert shown.status == 0
    assert all(f"  {name} " in shown.out for name in COMMANDS)
    tree = [error for error in vars(errors).values() if isinstance(error, type)]
    statuses = {error.exit_status for error in tree if issubclass(error, errors.ReconcilerError)}
    for status in statuses | {0, 2, 130}:
        assert f"\n{status:>7}  " in shown.out


def test_help_loads_only_click_and_what_is_as_light() -> None:
    program = (
        "import sys; from reconciler.cli.main import run; run(['--help'])\n"
        "heavy = {'pydantic', 'yaml', 'sqlalchemy', 'alembic', 'sqlite3', 'psycopg', 'importlib.metadata'}\n"
        "commands = [name for name in sys.modules if name.endswith(('_command', '_commands'))]\n"
        "print(sorted(heavy & sys.modules.keys()), commands, file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stderr == "[] []\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_line_in_the_table_is_the_commands_own(name: str) -> None:
    command = reconcile.get_command(click.Context(reconcile), name)
    assert command is not None
    assert (command.help or "").startswith(COMMANDS[name][1])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SourceError("m"), 1),
        (errors.NotFound("m"), 1),
        (errors.DatabaseError("m"), 1),
        (errors.ManifestsInvalid(()), 3),
        (errors.StalePlan("m"), 4),
        (errors.Locked("m"), 5),
        (errors.Refused("m"), 6),
        (errors.PartlyApplied("m"), 7),
        (errors.UsageError("m"), 64),
        (KeyError("x"), 1),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_error_has_its_exit_code(
    reconcile: Run, bootstrap: Bootstrap, error: BaseException, status: int
) -> None:
    bootstrap.reconciler = failing(error)
    assert reconcile("status").status == status


def test_an_error_tells_code_place_and_hint_on_stderr(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler = failing(errors.Locked("ann applies", where="sqlite:///x.db", hint="wait for her"))
    shown = reconcile("status")
    assert shown.out == ""
    assert shown.err == "error[locked]: ann applies\n  at: sqlite:///x.db\n  hint: wait for her\n"


def test_with_json_an_error_is_the_one_document_on_stdout(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler = failing(errors.Locked("ann applies", hint="wait"))
    shown = reconcile("status", "--json")
    assert shown.err == ""
    assert shown.document == {
        "error": {"code": "locked", "message": "ann applies", "where": "", "hint": "wait", "exit_status": 5}
    }


def test_invalid_manifests_are_all_told(reconcile: Run, bootstrap: Bootstrap) -> None:
    problems = (errors.Problem("a", "first", "x.yaml", 1, 2), errors.Problem("b", "second", "y.yaml", 3, 4))
    bootstrap.reconciler = failing(errors.ManifestsInvalid(problems))
    shown = reconcile("status")
    assert "x.yaml:1:2: error[a]: first\n" in shown.err
    assert "y.yaml:3:4: error[b]: second\n" in shown.err
    assert [p["code"] for p in reconcile("--json", "status").document["error"]["problems"]] == ["a", "b"]


def test_an_unexpected_error_is_one_clean_line(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler = failing(RuntimeError("boom\nand more"))
    shown = reconcile("status")
    first, hint = shown.err.splitlines()
    assert first == "error[internal]: unexpected RuntimeError: boom"
    assert hint == "  hint: this is a bug; --debug shows the traceback to report"


def test_debug_shows_the_traceback(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler = failing(RuntimeError("boom"))
    assert "Traceback (most recent call last)" in reconcile("status", "--debug").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stauts"], "did you mean `status`?"),
        (["--pan"], "--plan"),
        (["--plan", "--apply"], "exclude each other"),
        (["--plan", "validate"], "does not go with the command validate"),
        (["--plan", "--reason", "x"], "--reason only goes with --apply"),
        (["--apply", "--out", "x"], "--out only goes with --plan"),
        (["--out", "x"], "--out only goes with --plan"),
        (["--format", "markdown"], "--format only goes with --plan"),
        (["--no-cache", "history"], "--no-cache only goes with --plan or --apply"),
        (["--yes"], "--yes and --allow go with --apply"),
        (["show"], "Missing argument"),
        (["show", "x"], "not a valid integer"),
        (["history", "--limit", "0"], "range"),
        (["schema", "Agnet"], "there are AgentType, Agent and Policy"),
    ],
)
def test_wrong_usage_exits_with_64_and_says_what_is_wrong(
    reconcile: Run, arguments: list[str], says: str
) -> None:
    shown = reconcile(*arguments)
    assert (shown.status, shown.out) == (64, "")
    assert shown.err.startswith("error[usage]: ")
    assert says in shown.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--json", "--pan"],
        ["--pan", "--json"],
        ["validate", "--format", "json", "--pan"],
        ["--plan", "--json", "--format", "sarif"],
        ["validate", "--json", "--format", "github"],
    ],
)
def test_wrong_usage_is_a_document_too_where_json_was_asked_for(reconcile: Run, arguments: list[str]) -> None:
    assert reconcile(*arguments).document["error"]["code"] == "usage"


@pytest.mark.parametrize("arguments", [["--json", "history"], ["history", "--json"]])
def test_shared_options_may_stand_on_either_side_of_the_command(reconcile: Run, arguments: list[str]) -> None:
    assert list(reconcile(*arguments).document) == ["revisions"]


def test_an_option_after_the_command_wins_over_one_before_and_over_the_environment(
    reconcile: Run, bootstrap: Bootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SOURCE", "from-environment")
    reconcile("status")
    reconcile("--source", "before", "status")
    reconcile("--source", "before", "status", "--source", "after")
    assert [settings.source for settings in bootstrap.opened] == ["from-environment", "before", "after"]


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": ""}
    process = subprocess.Popen(
        [*RECONCILE, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(10) == 141


def test_a_terminal_without_the_characters_gets_escapes_instead_of_a_crash() -> None:
    program = (
        "import sys, types, dataclasses\n"
        "from tests.unit.cli import doubles\n"
        "double = doubles.Bootstrap()\n"
        "sys.modules['reconciler.bootstrap'] = double\n"
        "from reconciler.cli.main import run\n"
        "sys.exit(run(['status']))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True
    )
    assert "\\u2026 10 more" in told.stdout


def test_shell_completion_knows_the_commands() -> None:
    environment = {
        **os.environ,
        "_RECONCILE_COMPLETE": "bash_complete",
        "COMP_WORDS": "reconcile roll",
        "COMP_CWORD": "1",
    }
    told = subprocess.run(RECONCILE, capture_output=True, text=True, env=environment, check=False)
    assert told.stdout == "plain,rollback\n"


def test_errors_survive_as_json(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.reconciler = failing(errors.NotFound('quote " and \x1b escape'))
    assert json.loads(reconcile("--json", "status").out)["error"]["message"] == 'quote " and \x1b escape'

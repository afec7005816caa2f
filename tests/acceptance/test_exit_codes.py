"""Every exit code, seen from outside: text and JSON, and never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.bootstrap import open_reconciler
from reconciler.database.connection import connect
from reconciler.database.lease import acquire
from reconciler.settings import Settings
from reconciler.spec.tables import constraint_name
from tests.acceptance.command_line import PROGRAM, CommandLine

TYPE = """\
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: {name}}}
spec:
  version: {version}
  models: {{item: {{fields: {fields}}}}}
"""


def manifest(name: str = "demo", version: str = "1.0.0", fields: str = "{code: string}") -> str:
    return TYPE.format(name=name, version=version, fields=fields)


@pytest.fixture
def run(tmp_path: Path) -> CommandLine:
    found = CommandLine(tmp_path, RECONCILER_LOCK_TIMEOUT="1")
    found.write("agents.d/demo.yaml", manifest())
    return found


Prepare = Callable[[CommandLine], object]


def nothing(run: CommandLine) -> None: ...


def applied(run: CommandLine) -> None:
    settings = Settings(
        f"{run.folder}/agents.d", f"sqlite:///{run.folder}/reconciler.db", run.folder / ".cache"
    )
    with open_reconciler(settings, create=True) as reconciler:
        assert not reconciler.apply(reconciler.plan()).failed


def changed(run: CommandLine) -> None:
    applied(run)
    run.write("agents.d/demo.yaml", manifest(version="1.1.0", fields="{code: string, more: text}"))


def broken(run: CommandLine) -> None:
    run.write("agents.d/demo.yaml", manifest(fields="{code: strong}"))


def stale(run: CommandLine) -> None:
    run.write("plan.json", '{"id": "another"}')


def lossy(run: CommandLine) -> None:
    applied(run)
    sql(run, "INSERT INTO demo__item (code) VALUES ('a')")
    run.write("agents.d/demo.yaml", manifest(version="2.0.0", fields="{size: integer}"))


def table_in_the_way(run: CommandLine) -> None:
    sql(run, "CREATE TABLE demo__item (mine integer)")


def index_in_the_way(run: CommandLine) -> None:
    """The name of an index that `demo` wants, which nobody looks for: SQLite refuses it."""
    sql(run, "CREATE TABLE mine (x integer)")
    sql(run, f"CREATE INDEX {constraint_name('ix', 'demo__item', ('code',))} ON mine (x)")
    run.write("agents.d/demo.yaml", manifest(fields="{code: {type: string, index: true}}"))


def index_in_the_way_of_one(run: CommandLine) -> None:
    index_in_the_way(run)
    run.write("agents.d/other.yaml", manifest("other"))


def a_text_file(run: CommandLine) -> None:
    run.write("reconciler.db", "this is no database\n" * 100)


def sql(run: CommandLine, statement: str) -> None:
    with connect(f"sqlite:///{run.folder}/reconciler.db") as connection:
        connection.execute(statement)


@dataclass(frozen=True)
class Case:
    code: int
    error: str
    """Code of the error in the JSON document; empty where there is none."""
    arguments: Sequence[str]
    prepare: Prepare = nothing

    def __str__(self) -> str:
        return f"{self.code}: {' '.join(self.arguments)}"[:60]


PLAN, APPLY = ("--plan",), ("--apply", "--yes")
NO_SERVER = "postgresql://someone:secret@127.0.0.1:1/nothing"

CASES = [
    Case(0, "", PLAN),
    Case(0, "", APPLY),
    Case(0, "", APPLY, applied),
    Case(0, "", (*PLAN, "--detailed-exitcode"), applied),
    Case(0, "", ("status",)),
    Case(0, "", ("history",)),
    Case(2, "", (*PLAN, "--detailed-exitcode"), changed),
    Case(1, "database-unreachable", ("--database", NO_SERVER, *PLAN)),
    Case(1, "database-unreachable", ("--database", NO_SERVER, *APPLY)),
    Case(1, "database-unreachable", ("--database", "sqlite:///agents.d", *PLAN)),
    Case(1, "database-unreachable", ("--database", "sqlite:////nowhere/at/all.db", *APPLY)),
    Case(1, "not-a-database", PLAN, a_text_file),
    Case(1, "not-a-database", APPLY, a_text_file),
    Case(1, "source-unreadable", ("--source", "nowhere", *PLAN)),
    Case(1, "not-found", ("show", "9"), applied),
    Case(1, "not-found", ("rollback", "9", "--yes"), applied),
    Case(1, "not-found", ("archive", "restore", "9", "--yes"), applied),
    Case(1, "", APPLY, index_in_the_way),
    Case(3, "", PLAN, broken),
    Case(3, "manifests-invalid", APPLY, broken),
    Case(3, "", ("validate",), broken),
    Case(4, "stale-plan", ("--apply", "plan.json", "--yes"), stale),
    Case(6, "refused", APPLY, lossy),
    Case(6, "refused", ("init",)),
    Case(6, "refused", APPLY, table_in_the_way),
    Case(7, "", APPLY, index_in_the_way_of_one),
    Case(64, "usage", ("frobnicate",)),
    Case(64, "usage", ("--frobnicate",)),
    Case(64, "usage", ("--plan", "--apply")),
    Case(64, "usage", (*PLAN, "--allow", "destructiv")),
    Case(64, "usage", (*APPLY, "--allow", "duplicates:demo.item.code"), changed),
    Case(64, "usage", (*PLAN, "--out", "/nowhere/plan.json")),
    Case(64, "usage", (*PLAN, "--write-revision", "/proc/nowhere")),
    Case(64, "usage", ("--apply", "nowhere.json", "--yes")),
    Case(64, "usage", ("--apply", "agents.d/demo.yaml", "--yes")),
    Case(64, "usage", ("--apply",)),
    Case(64, "usage", ("--database", "mysql://127.0.0.1/x", *PLAN)),
    Case(64, "usage", ("show", "first")),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_exit_code_means_what_the_help_says(run: CommandLine, case: Case) -> None:
    case.prepare(run)
    answer = run(*case.arguments, "--json")
    assert answer.code == case.code, answer
    document = answer.document
    error = document.get("error", {})
    assert error.get("code", "") == case.error
    assert error.get("exit_status", case.code) == case.code
    assert "secret" not in answer.out + answer.err
    assert answer.err == "" or not case.error


TOLD_IN_TEXT = [case for case in CASES if case.code in (1, 3, 4, 6, 7) and case.arguments != ("validate",)][
    ::3
]


@pytest.mark.parametrize("case", TOLD_IN_TEXT, ids=str)
def test_an_error_is_told_on_stderr_with_its_code(run: CommandLine, case: Case) -> None:
    case.prepare(run)
    answer = run(*case.arguments)
    assert answer.code == case.code
    assert f"error[{case.error}" in answer.err or not case.error


def test_one_who_holds_the_lease_keeps_others_out(run: CommandLine) -> None:
    changed(run)
    with connect(f"sqlite:///{run.folder}/reconciler.db") as connection:
        lease = acquire(connection, holder="ann@laptop")
        answer = run(*APPLY, "--json")
        lease.release(connection)
    assert answer.code == 5
    assert answer.document["error"]["code"] == "locked"
    assert "ann@laptop" in answer.document["error"]["message"]
    assert run(*APPLY).code == 0


def test_one_who_writes_to_the_file_keeps_others_out(run: CommandLine) -> None:
    changed(run)
    with connect(f"sqlite:///{run.folder}/reconciler.db") as connection, connection.transaction():
        assert run(*APPLY, "--json").document["error"]["code"] == "lock-timeout"
        assert run(*PLAN).code == 0, "a reader does not wait for a writer"


def test_a_plan_file_is_applied_and_then_stale(run: CommandLine) -> None:
    assert run("--plan", "--out", "plan.json", "--json").document == json.loads(
        (run.folder / "plan.json").read_text()
    )
    answer = run("--apply", "plan.json", "--yes", "--json")
    assert answer.code == 0
    assert answer.document["outcome"]["plan_id"] == answer.document["plan"]["id"]
    assert run("--apply", "plan.json", "--yes").code == 4


def test_what_failed_and_what_did_not_is_told(run: CommandLine) -> None:
    index_in_the_way_of_one(run)
    outcome = run(*APPLY, "--json").document["outcome"]
    assert outcome["applied"] == ["type/other"]
    assert [failed["unit"] for failed in outcome["failed"]] == ["type/demo"]
    assert "already exists" in outcome["failed"][0]["error"]
    sql(run, "DROP TABLE mine")
    assert run(*APPLY).code == 0
    assert [revision["state"] for revision in run("history", "--json").document["revisions"]] == [
        "applied",
        "partial",
    ]


@pytest.mark.skipif(os.getuid() == 0, reason="root writes where nobody may write")
def test_a_folder_that_may_not_be_written(run: CommandLine) -> None:
    closed = run.folder / "closed"
    closed.mkdir(mode=0o500)
    answer = run("--database", "sqlite:///closed/x.db", *APPLY, "--json")
    assert answer.code == 1
    assert answer.document["error"]["code"].startswith("database")


# --- standard streams


def shell(run: CommandLine, line: str) -> tuple[int, str]:
    """The program's exit code, and what reached standard error."""
    done = subprocess.run(
        ["bash", "-c", f'"$0" {line}', PROGRAM],
        cwd=run.folder,
        env=run.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("--plan >&-", 0, ""),
        ("--plan --json >&- 2>&-", 0, ""),
        ("frobnicate 2>&-", 64, ""),
        ("frobnicate 2>/dev/full", 64, ""),
        ("--apply --yes <&- >&- 2>&-", 0, ""),
        ("--plan | head -c 0; exit ${PIPESTATUS[0]}", 141, ""),
        ("--plan --json | head -c 0; exit ${PIPESTATUS[0]}", 141, ""),
        ("--plan >/dev/full", 1, "error[output]"),
        ("--plan --json >/dev/full", 1, "error[output]"),
        ("--help >/dev/full", 1, "error[output]"),
    ],
)
def test_streams_that_are_closed_or_full(run: CommandLine, line: str, code: int, told: str) -> None:
    found, err = shell(run, line)
    assert found == code
    assert told in err
    assert bool(err) == bool(told)


STALLED = """
import os, signal, sys
from reconciler.control import apply
from reconciler.cli.main import run

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what is started in the background
attempt = apply._Batch.attempt

def interrupted(self, position, unit):
    done = attempt(self, position, unit)
    os.kill(os.getpid(), signal.SIGINT)
    return done

apply._Batch.attempt = interrupted
sys.exit(run(["--apply", "--yes", "--json"]))
"""


def test_an_interrupted_apply_leaves_nothing_half_done(run: CommandLine) -> None:
    changed(run)
    done = subprocess.run(
        [sys.executable, "-c", STALLED],
        cwd=run.folder,
        env=run.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 128 + signal.SIGINT
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"
    history = run("history", "--json").document["revisions"]
    assert [revision["state"] for revision in history] == ["interrupted", "applied"]
    assert run(*APPLY).code == 0
    assert run("--plan", "--detailed-exitcode").code == 0

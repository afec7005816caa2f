"""What an operator types: status, suspend, resume, lease; and what a controller answers Prometheus."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest

from tests.acceptance.command_line import CommandLine
from tests.faults.controlled import Controlled, wait_until
from tests.faults.test_edits import manifest


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    line = CommandLine(tmp_path)
    line.write("agents.d/thing.yaml", manifest("thing", 1))
    return line


def test_one_pass_applies_and_tells_of_every_object(line: CommandLine) -> None:
    assert line("--watch", "--once").code == 0
    shown = line("status").out
    assert "type/thing         1.0.1    synced  healthy  Ready      applied" in shown
    assert "by nobody now: no controller runs" in shown
    (agent,) = line("status", "agent/thing-agent", "--json").document["objects"]
    assert (agent["condition"], agent["sync"], agent["health"]) == ("Ready", "synced", "healthy")
    assert agent["generation"]


def test_apply_and_watch_together_are_the_same(line: CommandLine) -> None:
    assert line("--apply", "--watch", "--once").code == 0
    assert "type/thing" in line("status").out


def test_one_pass_over_something_broken_applies_the_rest_and_says_so(line: CommandLine) -> None:
    line.write("agents.d/broken.yaml", manifest("broken", 1).replace("version:", "versio:"))
    line("--watch", "--once")
    source = line("status", "--json").document["source_condition"]
    assert (source["condition"], source["sync"]) == ("Stalled", "out-of-sync")
    assert "type/thing" in line("status").out
    refused = line("--apply", "--yes")
    assert refused.code == 3
    assert "agents.d/broken.yaml:5:" in refused.err, "the place as an editor opens it"


def test_nobody_is_there_by_that_name(line: CommandLine) -> None:
    line("--watch", "--once")
    missing = line("status", "nothing")
    assert missing.code == 1
    assert "there is no object nothing" in missing.err


def test_suspended_until_resumed(line: CommandLine) -> None:
    line("--watch", "--once")
    assert "Nothing is suspended." in line("suspend").out
    assert line("suspend", "type/thing", "--reason", "freeze", "--until", "2h").code == 0
    line.write("agents.d/thing.yaml", manifest("thing", 2))
    assert line("--plan", "--detailed-exitcode").code == 0
    assert line("--apply", "--yes").code == 0
    assert "1.0.1" in line("status", "type/thing").out
    assert line("resume", "--all").out == "Resumed type/thing.\n"
    assert line("--plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("suspend", "thing", "--reason", "x"), "is no object"),
        (("suspend", "type/thing"), "--reason"),
        (("suspend", "--all", "type/thing", "--reason", "x"), "not both"),
        (("suspend", "type/thing", "--reason", "x", "--until", "soon"), "is no time"),
        (("suspend", "type/thing", "--reason", "x", "--until", "2020-01-01"), "is over already"),
        (("resume",), "name what to resume"),
        (("--watch", "--plan"), "exclude each other"),
        (("--watch", "--apply", "plan.json"), "exclude each other"),
        (("suspend", "type/thing", "--until", "soon"), "is no time"),
        (("--plan", "--interval", "3"), "only goes with --watch"),
        (("--apply", "--yes", "--base", "HEAD"), "--plan-id"),
        (("comment", "--forge", "github", "--request", "1"), "GITHUB_API_URL is not set"),
    ],
)
def test_wrong_usage_is_told(line: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    line("--watch", "--once")
    run = line(*arguments)
    assert run.code == 64, run.err
    assert said in run.err


def test_another_plan_than_the_reviewed_one_is_refused_and_that_one_applied(line: CommandLine) -> None:
    reviewed = line("--plan", "--json").document["id"]
    line.write("agents.d/thing.yaml", manifest("thing", 2))
    refused = line("--apply", "--yes", "--plan-id", reviewed)
    assert refused.code == 4
    assert line("history").out.startswith("Nothing")
    line.write("agents.d/thing.yaml", manifest("thing", 1))
    assert line("--apply", "--yes", "--plan-id", reviewed).code == 0


def test_prometheus_is_answered(line: CommandLine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    database = f"sqlite:///{tmp_path}/reconciler.db"
    with Controlled(tmp_path / "agents.d", database, tmp_path, "--metrics-port", str(port)) as controller:

        def told() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                return str(answer.read().decode())

        wait_until(lambda: 'reconciler_objects{condition="Ready"} 2.0' in told(), "both objects are ready")
        assert "reconciler_source_ready 1.0" in told()
        assert 'reconciler_units_total{result="applied"} 1.0' in told()
        leases = line("lease", "list", "--json", "--database", database).document["leases"]
        assert [one["state"] for one in leases if one["name"] == "controller"] == ["held"]
        assert controller.stop() == 0

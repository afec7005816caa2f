"""A source that cannot be read, is empty or lacks much of what is live is never read as *delete all*."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import open_reconciler
from tests.acceptance.command_line import CommandLine
from tests.acceptance.workbench import Workbench

ERROR, INVALID, REFUSED = 1, 3, 6

TYPES = [f"type{n}" for n in range(8)]


def manifest(name: str, version: str = "1.0.0", fields: str = "{code: string}") -> str:
    return f"""\
apiVersion: reconciler/v1
kind: AgentType
metadata: {{name: {name}}}
spec:
  version: {version}
  models: {{item: {{fields: {fields}}}}}
"""


@pytest.fixture
def bench(sqlite_url: str, tmp_path: Path) -> Workbench:
    bench = Workbench(sqlite_url, tmp_path)
    for name in TYPES:
        bench.write(manifest(name), f"{name}.yaml")
    bench.reconcile()
    bench.insert({f"{name}.item": [{"code": "a"}] for name in TYPES})
    return bench


@pytest.fixture
def run(bench: Workbench, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, RECONCILER_SOURCE=str(bench.source), RECONCILER_DATABASE_URL=bench.url)


def gone(source: Path) -> None:
    shutil.rmtree(source)


def a_file(source: Path) -> None:
    shutil.rmtree(source)
    source.write_text("no folder")


def empty(source: Path) -> None:
    shutil.rmtree(source)
    source.mkdir()


def of_other_files(source: Path) -> None:
    for file in source.iterdir():
        file.rename(file.with_suffix(".txt"))


def a_link_to_nowhere(source: Path) -> None:
    shutil.rmtree(source)
    source.symlink_to(source.with_name("nowhere"))


def lacking_three(source: Path) -> None:
    for name in TYPES[:3]:
        (source / f"{name}.yaml").unlink()


def of_blank_files(source: Path) -> None:
    for file in source.iterdir():
        file.write_text("# nothing\n")


UNREADABLE: list[Callable[[Path], None]] = [gone, a_file, a_link_to_nowhere]
EMPTIED: list[Callable[[Path], None]] = [empty, of_other_files, of_blank_files, lacking_three]


def nothing_was_removed(bench: Workbench, before: dict[str, Any]) -> None:
    assert bench.snapshot() == before
    with open_reconciler(bench.settings) as reconciler:
        assert reconciler.archives() == []
        assert len(reconciler.history()) == 1


@pytest.mark.parametrize("harm", UNREADABLE, ids=lambda harm: harm.__name__)
def test_a_source_that_cannot_be_read_stops_everything(
    bench: Workbench, run: CommandLine, harm: Callable[[Path], None]
) -> None:
    before = bench.snapshot()
    harm(bench.source)
    for arguments in (["--plan"], ["--apply", "--yes", "--allow", "mass-removal"]):
        answer = run(*arguments)
        assert answer.code == ERROR
        assert "source-unreadable" in answer.err
    nothing_was_removed(bench, before)


@pytest.mark.parametrize("harm", EMPTIED, ids=lambda harm: harm.__name__)
def test_a_source_that_lacks_much_of_what_is_live_is_refused(
    bench: Workbench, run: CommandLine, harm: Callable[[Path], None]
) -> None:
    before = bench.snapshot()
    harm(bench.source)
    plan = run("--plan", "--json").document
    assert "mass-removal" in [hazard["code"] for hazard in plan["hazards"]]
    answer = run("--apply", "--yes", "--allow", "destructive")
    assert answer.code == REFUSED
    assert "mass-removal" in answer.err
    nothing_was_removed(bench, before)


def test_a_quarter_may_go_and_more_if_that_is_allowed(bench: Workbench, run: CommandLine) -> None:
    for name in TYPES[:2]:
        (bench.source / f"{name}.yaml").unlink()
    assert run("--apply", "--yes", "--allow", "destructive").code == 0
    empty(bench.source)
    assert run("--apply", "--yes", "--allow", "destructive", "--allow", "mass-removal").code == 0
    with open_reconciler(bench.settings) as reconciler:
        parked = reconciler.archives()
    assert sorted((entry.owner, entry.rows) for entry in parked) == [(name, 1) for name in TYPES]


BROKEN = {
    "syntax": "apiVersion: reconciler/v1\nkind: AgentType\nmetadata: {name: type0}\nspec: [",
    "unknown key": manifest("type0", fields="{code: string}, colour: red"),
    "bad value": manifest("type0", fields="{code: strong}"),
    "binary": "\x00\x01\x02",
    "name is gone": manifest("type0").replace("name: type0", "nome: type0"),
    "empty document": "--- \n{}\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_holds_its_object_and_hides_no_other(
    bench: Workbench, run: CommandLine, text: str
) -> None:
    before = bench.snapshot()
    bench.write(text, "type0.yaml")
    bench.write(manifest("type1", "1.1.0", "{code: string, more: text}"), "type1.yaml")
    answer = run("--plan", "--json")
    assert answer.code == INVALID
    plan = answer.document
    assert sorted(change["address"] for change in plan["changes"]) == [
        "table/type1__item/column/more",
        "type/type1",
    ]
    assert {problem["file"] for problem in plan["problems"]} == {"type0.yaml"}
    assert "type/type0" in plan["held"]
    assert run("--apply", "--yes", "--allow", "mass-removal", "--allow", "destructive").code == INVALID
    nothing_was_removed(bench, before)


AGENT = "apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: one}\nspec: {type: type0}\n"


def test_a_kind_that_does_not_exist_holds_what_it_could_be_and_nothing_else(
    bench: Workbench, run: CommandLine
) -> None:
    bench.write(AGENT.replace("Agent", "Agnet"), "one.yaml")
    bench.write(manifest("type1", "1.1.0", "{code: string, more: text}"), "type1.yaml")
    plan = run("--plan", "--json").document
    assert plan["held"] == ["agent/one", "policy/one", "type/one"]
    assert [change["address"] for change in plan["changes"]] == [
        "type/type1",
        "table/type1__item/column/more",
    ]
    assert [problem["hint"] for problem in plan["problems"]] == ["did you mean `Agent`?"]


class TestABrokenPolicy:
    """What it forbade when it was last applied stays forbidden; all else goes its way."""

    POLICY = """\
apiVersion: reconciler/v1
kind: Policy
metadata: {name: house}
spec: {tools: {deny: [http_request]}, destructive: block}
"""
    FORBIDDEN = manifest("type0", "1.1.0") + "  tools: [{name: http_request, hosts: [example.com]}]\n"

    @pytest.fixture
    def bench(self, bench: Workbench) -> Workbench:
        bench.write(self.POLICY, "house.yaml")
        bench.write(AGENT, "one.yaml")
        bench.reconcile()
        return bench

    @pytest.mark.parametrize(
        "broken",
        [
            POLICY.replace("destructive", "destructiv"),
            POLICY.replace("Policy", "Polcy"),
            POLICY.replace("{tools", "{{tools"),
            POLICY.replace("house", "home").replace("destructive", "destructiv"),
        ],
        ids=["unknown key", "unknown kind", "no YAML", "under another name"],
    )
    def test_stays_in_force_as_it_was_recorded(self, bench: Workbench, run: CommandLine, broken: str) -> None:
        bench.write(broken, "house.yaml")
        bench.write(self.FORBIDDEN, "type0.yaml")
        bench.write(AGENT.replace("type0}", "type0, enabled: false}"), "one.yaml")
        bench.write(manifest("type1", "1.1.0", "{code: string, more: text}"), "type1.yaml")
        bench.write(manifest("type2", "2.0.0", "{number: integer}"), "type2.yaml")
        plan = run("--plan", "--json").document
        assert {"policy/house", "type/type0", "agent/one"} <= set(plan["held"])
        assert {change["address"].split("/")[1] for change in plan["changes"]} == {
            "type1",
            "type1__item",
            "type2",
            "type2__item",
        }
        assert "policy-tool" in {problem["code"] for problem in plan["problems"]}
        dropped = next(c for c in plan["changes"] if c["address"] == "table/type2__item/column/code")
        assert [hazard["severity"] for hazard in dropped["hazards"]] == ["block"]

    def test_that_was_never_recorded_forbids_nothing_yet(self, bench: Workbench, run: CommandLine) -> None:
        bench.write(
            self.POLICY.replace("house", "other").replace("http_request", "template, x"), "other.yaml"
        )
        bench.write(manifest("type1", "1.1.0", "{code: string, more: text}"), "type1.yaml")
        plan = run("--plan", "--json").document
        assert "type/type1" in {change["address"] for change in plan["changes"]}


@pytest.mark.skipif(os.getuid() == 0, reason="root reads what nobody may read")
@pytest.mark.parametrize("what", [".", "type0.yaml"])
def test_what_may_not_be_read_is_not_taken_for_gone(bench: Workbench, run: CommandLine, what: str) -> None:
    before = bench.snapshot()
    (bench.source / what).chmod(0)
    try:
        answer = run("--apply", "--yes", "--allow", "mass-removal", "--allow", "destructive")
    finally:
        (bench.source / what).chmod(0o755)
    assert answer.code == (ERROR if what == "." else INVALID)
    nothing_was_removed(bench, before)


def test_a_link_that_leads_nowhere_may_have_led_to_anything(bench: Workbench, run: CommandLine) -> None:
    for name in TYPES[:2]:
        (bench.source / f"{name}.yaml").unlink()
    (bench.source / "team").symlink_to(bench.source.with_name("elsewhere"))
    answer = run("--plan", "--json")
    assert answer.code == INVALID
    assert answer.document["changes"] == []

"""validate, schema and init."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from reconciler.errors import Problem
from reconciler.manifests.checks.agent_type import check_type
from reconciler.manifests.compiled import Loaded
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.state import Entry, State
from tests.unit.cli.conftest import Shown
from tests.unit.cli.doubles import Bootstrap

Run = Callable[..., Shown]
SHIPPED = Path(__file__).parents[3] / "agents.d"
ERROR = Problem("unknown-key", "unknown key `requird`", "web.yaml", 9, 7, "/spec", "did you mean `required`?")
WARNING = Problem("unused-grant", "grant is not used", "mail.yaml", 3, 1, severity="warning")


def _loaded(*problems: Problem) -> Loaded:
    def never(address: str) -> AgentType:
        raise KeyError(address)

    state = State({"type/mail": Entry("d")}, never, held=frozenset({"type/web"}))
    return Loaded(state, problems, 2)


@pytest.mark.parametrize(
    ("problems", "arguments", "status"),
    [
        ((), [], 0),
        ((WARNING,), [], 0),
        ((WARNING,), ["--strict"], 3),
        ((ERROR, WARNING), [], 3),
        ((ERROR,), ["--format", "github"], 3),
        ((ERROR,), ["--json"], 3),
    ],
)
def test_validate_exits_with_3_where_a_manifest_is_invalid(
    reconcile: Run, bootstrap: Bootstrap, problems: tuple[Problem, ...], arguments: list[str], status: int
) -> None:
    bootstrap.loaded = _loaded(*problems)
    assert reconcile("validate", *arguments).status == status


def test_validate_tells_all_problems_with_files_as_the_terminal_can_open_them(
    reconcile: Run, bootstrap: Bootstrap
) -> None:
    bootstrap.loaded = _loaded(ERROR, WARNING)
    assert reconcile("validate", "--source", "manifests/").out.splitlines() == [
        "manifests/mail.yaml:3:1: warning[unused-grant]: grant is not used",
        "manifests/web.yaml:9:7: error[unknown-key]: unknown key `requird`",
        "    hint: did you mean `required`?",
        "2 files, 1 sound object, 1 error, 1 warning",
    ]


def test_validate_as_a_document(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.loaded = _loaded(ERROR)
    document = reconcile("validate", "--json").document
    assert (document["valid"], document["objects"], document["held"]) == (False, ["type/mail"], ["type/web"])
    assert document["problems"][0]["code"] == "unknown-key"


def test_validate_annotates_files_as_the_repository_names_them(reconcile: Run, bootstrap: Bootstrap) -> None:
    bootstrap.loaded = _loaded(ERROR)
    shown = reconcile("validate", "--format", "github", "--source", "./agents.d")
    assert shown.out.startswith("::error file=agents.d/web.yaml,line=9,col=7,")
    log = json.loads(reconcile("validate", "--format", "sarif", "--source", "./agents.d").out)
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "agents.d/web.yaml"


def test_init_writes_a_manifest_that_is_valid(reconcile: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "agents.d"
    shown = reconcile("init", str(folder))
    assert shown.status == 0
    documents = list(yaml.safe_load_all((folder / "notes.yaml").read_text()))
    agent_type, agent = AgentType.model_validate(documents[0]), Agent.model_validate(documents[1])
    assert agent.spec.type == agent_type.name
    assert check_type(agent_type) == []


def test_init_says_the_next_command(reconcile: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert reconcile("init").out.endswith("\n\nNext: reconcile --plan\n")
    assert reconcile("init", "other").out.endswith("\n\nNext: reconcile --plan --source other\n")
    document = reconcile("init", "third", "--json").document
    assert document == {"written": ["third/notes.yaml"], "next_command": "reconcile --plan --source third"}


def test_init_writes_the_shipped_agents_that_are_named(reconcile: Run, tmp_path: Path) -> None:
    folder = tmp_path / "agents.d"
    assert reconcile("init", str(folder)).status == 0
    shown = reconcile("init", str(folder), "--example", "text-processing", "--example", "knowledge-base")
    assert shown.status == 0
    assert "knowledge-base and text-processing as shipped" in shown.out
    written = folder / "text-processing" / "type.yaml"
    assert written.read_bytes() == (SHIPPED / "text-processing" / "type.yaml").read_bytes()
    assert {path.name for path in folder.iterdir()} == {"notes.yaml", "text-processing", "knowledge-base"}


def test_init_writes_all_of_the_shipped_agents_or_none(reconcile: Run, tmp_path: Path) -> None:
    kept = tmp_path / "one" / "policy.yaml"
    kept.parent.mkdir()
    kept.write_text("mine")
    assert reconcile("init", str(tmp_path / "one"), "--example", "all").status == 6
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["policy.yaml"]
    assert reconcile("init", str(tmp_path / "two"), "--example", "all").status == 0
    assert written_below(tmp_path / "two") == written_below(SHIPPED)


def written_below(folder: Path) -> dict[Path, bytes]:
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.yaml")}


def test_init_names_the_examples_there_are(reconcile: Run, tmp_path: Path) -> None:
    shown = reconcile("init", str(tmp_path), "--example", "mail")
    assert shown.status == 64
    assert "no example 'mail'; there are email-analysis, knowledge-base, text-processing, all" in shown.err


def test_init_overwrites_nothing(reconcile: Run, tmp_path: Path) -> None:
    mine = tmp_path / "sub" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    shown = reconcile("init", str(tmp_path))
    assert shown.status == 6
    assert "already holds manifests" in shown.err
    assert [path.name for path in tmp_path.rglob("*.yaml")] == ["mine.yaml"]


def test_init_into_a_file_is_wrong_usage(reconcile: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert reconcile("init", str(tmp_path / "file")).status == 64
    assert reconcile("init", str(tmp_path / "file" / "below")).status == 64


@pytest.fixture
def asked_kinds(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The kinds whose schema was asked for, while each schema is `{"kind": KIND}`."""
    asked: list[str | None] = []

    def json_schema(kind: str | None = None) -> dict[str, str | None]:
        asked.append(kind)
        return {"kind": kind}

    monkeypatch.setitem(
        sys.modules, "reconciler.manifests.json_schema", SimpleNamespace(json_schema=json_schema)
    )
    return asked


def test_schema_understands_every_spelling_of_a_kind(reconcile: Run, asked_kinds: list[str | None]) -> None:
    for spelling in ("AgentType", "agent-type", "type", "Agent", "policy"):
        assert reconcile("schema", spelling).status == 0
    assert reconcile("schema").document == {"kind": None}
    assert asked_kinds == ["AgentType", "AgentType", "AgentType", "Agent", "Policy", None]


def test_schema_is_written_where_asked_and_then_not_printed(
    reconcile: Run, asked_kinds: list[str | None], tmp_path: Path
) -> None:
    file = tmp_path / ".reconciler" / "schema.json"
    shown = reconcile("schema", "agent", "--out", str(file))
    assert (shown.out, shown.err) == ("", f"Wrote {file}.\n")
    assert json.loads(file.read_text()) == {"kind": "Agent"}

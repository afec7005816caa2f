"""SchemaManager over real databases: what it registers goes no other road, and classes follow the types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from reconciler.agents.schema_manager import MANIFEST, SchemaManager
from reconciler.bootstrap import open_reconciler, open_schema_manager
from reconciler.database.connection import database_exists
from reconciler.errors import ManifestsInvalid, NotFound, Refused
from reconciler.plans.contract import Level
from reconciler.settings import Settings
from reconciler.spec.agent_type import AgentType
from tests.unit.plans.samples import agent_type

from .mapped import engine_of

NOTE = {"note": {"fields": {"text": {"type": "string", "required": True}}}}
DATED = {"note": {"fields": {"text": {"type": "string", "required": True}, "due": "date"}}}
REMARK = {
    "remark": {"fields": {"note": {"type": "reference", "model": "notes.note", "on_delete": "cascade"}}}
}


EVERYTHING_ELSE = r"""
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: mail}
spec:
  version: 1.0.0
  description: "Odd characters: ' \\ \n\t \U0001F680 # ---"
  input: {text: {type: text, default: "{a: [b"}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: inbox}
spec: {type: mail}
---
apiVersion: reconciler/v1
kind: Policy
metadata: {name: default}
spec: {limits: {models: 1}}
"""


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    (tmp_path / "agents.d").mkdir()
    return Settings(source=str(tmp_path / "agents.d"), database=database_url, cache=tmp_path / "cache")


@pytest.fixture
def manager(settings: Settings) -> SchemaManager:
    return open_schema_manager(settings)


def notes(version: str = "1.0.0", models: dict[str, Any] = NOTE, **spec: Any) -> AgentType:
    return agent_type("notes", version, models=models, **spec)


# --- registering ----------------------------------------------------------------------------------


def test_a_registered_type_is_live_with_its_tables_and_on_record(
    manager: SchemaManager, settings: Settings
) -> None:
    applied = manager.register(notes(), actor="ada", reason="first")
    assert (applied.revision, applied.failed) == (1, ())
    assert manager.current("notes") == notes()
    with engine_of(settings.database) as engine, Session(engine) as session:
        note = manager.model("notes", "note")
        session.add(note(text="hello"))
        session.commit()
        assert session.scalar(sa.select(note.text)) == "hello"
    with open_reconciler(settings) as reconciler:
        [revision] = reconciler.history(5)
    assert (revision.actor, revision.reason, revision.summary.add) == ("ada", "first", 2)


def test_registering_the_same_again_does_nothing(manager: SchemaManager) -> None:
    manager.register(notes())
    assert manager.register(notes()).revision is None
    assert len(manager.versions("notes")) == 1


def test_versions_are_kept_and_can_be_had_again(manager: SchemaManager) -> None:
    assert manager.versions("notes") == []
    manager.register(notes())
    manager.register(notes("1.1.0", DATED))
    manager.register(notes("1.1.1", DATED, deprecated="use mail"))
    told = [(v.version, v.status, v.current) for v in manager.versions("notes")]
    assert told == [("1.1.1", "deprecated", True), ("1.1.0", "active", False), ("1.0.0", "active", False)]
    assert manager.at("notes", "1.0.0") == notes()
    assert manager.current("notes") == manager.at("notes", "1.1.1")


def test_a_registration_passes_the_gates_of_every_plan(manager: SchemaManager, settings: Settings) -> None:
    manager.register(notes("1.0.0", DATED))
    with pytest.raises(Refused, match="version-too-small"):
        manager.register(notes("1.0.1"))
    with engine_of(settings.database) as engine, engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO notes__note (text, due) VALUES ('hello', '2026-01-31')"))
    with pytest.raises(Refused, match="destructive"):
        manager.register(notes("2.0.0"))
    assert manager.current("notes").spec.version == "1.0.0"
    manager.register(notes("2.0.0"), allow=["destructive"])
    assert manager.current("notes").spec.version == "2.0.0"


def test_a_registration_that_would_break_another_type_is_refused(manager: SchemaManager) -> None:
    manager.register(notes())
    manager.register(agent_type("remarks", models=REMARK))
    other = {"entry": {"fields": {"text": "string"}}}
    with pytest.raises(ManifestsInvalid) as refusal:
        manager.register(notes("2.0.0", other), allow=["destructive"])
    assert {problem.file for problem in refusal.value.problems} == {"type/remarks.json"}
    assert manager.current("notes") == notes()


def test_a_registration_leaves_everything_else_as_it_is(manager: SchemaManager, settings: Settings) -> None:
    Path(settings.source, "mail.yaml").write_text(EVERYTHING_ELSE)
    with open_reconciler(settings, create=True) as reconciler:
        assert reconciler.apply(reconciler.plan()).revision == 1
    manager.register(notes())
    with open_reconciler(settings) as reconciler:
        [added] = reconciler.revision(2).units
        plan = reconciler.plan()
    assert added.name == "type/notes"
    # The manifests do not know the type: to them it is one that goes.
    assert [(c.action.value, c.address) for c in plan.changes][-1] == ("remove", "table/notes__note")
    with pytest.raises(ManifestsInvalid, match="1 problem"):
        manager.register(notes("1.1.0", {**NOTE, "second": NOTE["note"]}))


def test_the_database_is_made_by_registering_and_not_by_asking(sqlite_url: str, tmp_path: Path) -> None:
    manager = open_schema_manager(Settings(database=sqlite_url, cache=tmp_path / "cache"))
    assert manager.validate(notes()) == ()
    assert manager.versions("notes") == []
    with pytest.raises(NotFound):
        manager.model("notes", "note")
    assert not database_exists(sqlite_url)
    manager.register(notes())
    assert database_exists(sqlite_url)


# --- validating -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (notes(), []),
        (notes().model_dump(mode="json", by_alias=True, exclude_defaults=True), []),
        ("kind: AgentTyp\napiVersion: reconciler/v1\n", [("unknown-kind", 1, 7)]),
        ("a: \ud800", [("yaml-encoding", 1, 4)]),
        (
            {"apiVersion": "reconciler/v1", "kind": "Agent", "spec": {}},
            [("missing-key", 1, 1), ("missing-key", 1, 58)],
        ),
        ("{", [("yaml-syntax", 2, 1)]),
        ("", []),
    ],
    ids=["type", "mapping", "unknown kind", "surrogate", "incomplete mapping", "no YAML", "nothing"],
)
def test_a_manifest_is_judged_as_a_file_would_be(
    sqlite_url: str, tmp_path: Path, manifest: Any, told: list[tuple[str, int, int]]
) -> None:
    manager = open_schema_manager(Settings(database=sqlite_url, cache=tmp_path / "cache"))
    problems = manager.validate(manifest)
    assert [(p.code, p.line, p.column) for p in problems] == told
    assert {problem.file for problem in problems} <= {MANIFEST}


def test_a_manifest_is_judged_together_with_what_is_live(manager: SchemaManager) -> None:
    remarks = agent_type("remarks", models=REMARK)
    [unknown] = manager.validate(remarks)
    assert (unknown.code, unknown.file, unknown.pointer) == (
        "unknown-type",
        MANIFEST,
        "/spec/models/remark/fields/note/model",
    )
    manager.register(notes())
    assert manager.validate(remarks) == ()
    agent = "apiVersion: reconciler/v1\nkind: Agent\nmetadata: {name: inbox}\nspec: {type: note}\n"
    [misspelt] = manager.validate(agent)
    assert (misspelt.line, misspelt.hint) == (4, "did you mean `notes`?")
    assert [v.version for v in manager.versions("notes")] == ["1.0.0"], "validating registers nothing"


def test_comparing_needs_no_database(manager: SchemaManager) -> None:
    found = manager.compare(notes(), notes("1.1.0", DATED))
    assert (found.level, found.sufficient) == (Level.MINOR, True)


# --- classes --------------------------------------------------------------------------------------


def test_a_class_stays_the_same_until_the_type_changes(manager: SchemaManager) -> None:
    manager.register(notes())
    first = manager.model("notes", "note")
    assert manager.model("notes", "note") is first
    manager.register(notes("1.1.0", DATED))
    second = manager.model("notes", "note")
    assert second is not first
    assert hasattr(second, "due")
    assert manager.model("notes", "note", "1.0.0") is first


def test_a_class_knows_the_classes_of_other_types(manager: SchemaManager, settings: Settings) -> None:
    manager.register(notes())
    manager.register(agent_type("remarks", models=REMARK))
    remark = manager.model("remarks", "remark")
    note = remark.note__row.property.mapper.class_
    with engine_of(settings.database) as engine, Session(engine) as session:
        session.add(remark(note__row=note(text="hello")))
        session.commit()
        kept = session.scalars(sa.select(remark)).one()
        assert kept.note__row.text == "hello"
        assert kept.note__row.remarks__remark__note__rows == [kept]


MISSING: list[tuple[Callable[[SchemaManager], object], str, str]] = [
    (lambda m: m.current("note"), "no agent type note", "did you mean `notes`?"),
    (lambda m: m.at("notes", "1.0.1"), "no version 1.0.1", "did you mean `1.0.0`?"),
    (lambda m: m.at("mail", "1.0.0"), "no version 1.0.0 of agent type mail", ""),
    (lambda m: m.model("notes", "notes"), "no model notes", "did you mean `note`?"),
    (lambda m: m.model("mail", "note"), "no agent type mail", "known here: `notes`"),
]


@pytest.mark.parametrize(("ask", "message", "hint"), MISSING, ids=[message for _, message, _ in MISSING])
def test_what_is_not_there_is_told_with_what_is(
    sqlite_url: str, tmp_path: Path, ask: Callable[[SchemaManager], object], message: str, hint: str
) -> None:
    manager = open_schema_manager(Settings(database=sqlite_url, cache=tmp_path / "cache"))
    manager.register(notes())
    with pytest.raises(NotFound, match=message) as missing:
        ask(manager)
    assert missing.value.hint == hint

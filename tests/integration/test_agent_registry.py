"""AgentRegistry over real databases: what is registered, found, deprecated and retired, and through which gates."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from reconciler.agents.base import BaseAgent
from reconciler.agents.lifecycle import Status
from reconciler.agents.listing import AgentFilter
from reconciler.agents.registry import AgentRegistry
from reconciler.agents.static import StaticAgents
from reconciler.bootstrap import open_schema_manager
from reconciler.database.connection import connect
from reconciler.errors import ManifestsInvalid, NotFound, Refused
from reconciler.execution.tasks import TaskQueue
from reconciler.pipeline.context import RunContext
from reconciler.settings import Settings
from reconciler.spec.task import Task
from reconciler.tools.registry import builtin_registry

MANIFEST = """
apiVersion: reconciler/v1
kind: AgentType
metadata: {name: notes, labels: {team: words}}
spec:
  version: 1.0.0
  owner: notes@example.com
  input: {text: {type: text, required: true}}
  models: {note: {fields: {text: {type: text, required: true}}}}
  tools: [{name: database_writer, models: [note]}]
  pipeline:
    - {id: save, tool: database_writer, with: {model: note, mode: insert, values: {text: "{{ input.text }}"}}}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: diary, labels: {team: people}}
spec: {type: notes, enabled: false, schedule: "0 7 * * *"}
---
apiVersion: reconciler/v1
kind: Agent
metadata: {name: minutes}
spec: {type: notes}
"""


class Clock(BaseAgent):
    name = "clock"
    title = "Tells the time"

    def process_task(self, task: Task, context: RunContext) -> dict[str, str]:
        return {"created": task.created_at}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(database=database_url, cache=tmp_path / "cache")


@pytest.fixture
def registry(settings: Settings) -> AgentRegistry:
    return on(settings, date(2026, 11, 24))


def on(settings: Settings, day: date) -> AgentRegistry:
    schemas = open_schema_manager(settings)
    return AgentRegistry(schemas, StaticAgents(Clock), builtin_registry(), today=lambda: day)


def names(registry: AgentRegistry, **asked: object) -> list[str]:
    return [agent.name for agent in registry.list(AgentFilter(**asked))]  # type: ignore[arg-type]


def test_before_anything_is_applied_there_are_the_static_agents(registry: AgentRegistry) -> None:
    assert names(registry) == ["clock"]
    with pytest.raises(NotFound, match="there is no agent diary"):
        registry.get("diary")


def test_what_is_registered_is_listed_beside_the_static_agents(registry: AgentRegistry) -> None:
    applied = registry.register(MANIFEST, actor="ada", reason="first")
    assert (applied.revision, applied.failed) == (1, ())
    assert names(registry) == ["clock", "diary", "minutes"]
    assert names(registry, enabled=False) == ["diary"]
    assert names(registry, table="notes.note") == ["diary", "minutes"]
    assert names(registry, label="team=people") == ["diary"]
    diary = registry.get("diary")
    assert (diary.type, diary.version, diary.owner, diary.schedule) == (
        "notes",
        "1.0.0",
        "notes@example.com",
        "0 7 * * *",
    )
    assert registry.agent_type("diary").name == "notes"
    assert registry.agent_type("clock").spec.title == "Tells the time"


def test_a_registration_is_validated_like_any_file(registry: AgentRegistry) -> None:
    with pytest.raises(ManifestsInvalid) as broken:
        registry.register(MANIFEST.replace("input.text", "input.txt"))
    assert [problem.code for problem in broken.value.problems] == ["expression"]
    with pytest.raises(ManifestsInvalid) as unknown:
        registry.register(MANIFEST.replace("spec: {type: notes}", "spec: {type: nots}"))
    assert [problem.code for problem in unknown.value.problems] == ["unknown-type"]
    assert names(registry) == ["clock"]


def test_a_deprecation_is_a_patch_that_everybody_can_see(registry: AgentRegistry) -> None:
    registry.register(MANIFEST)
    registry.deprecate("notes", "use wiki", sunset="2027-01-31", actor="ada")
    assert [(v.version, v.status) for v in registry.versions("notes")] == [
        ("1.0.1", "deprecated"),
        ("1.0.0", "active"),
    ]
    found = registry.get("minutes")
    assert (found.status, found.deprecated, found.sunset) == (Status.DEPRECATED, "use wiki", "2027-01-31")


def test_from_its_sunset_on_a_type_takes_no_new_tasks(registry: AgentRegistry, settings: Settings) -> None:
    registry.register(MANIFEST)
    registry.deprecate("notes", "use wiki", sunset="2026-01-31")
    assert on(settings, date(2026, 1, 30)).get("minutes").status is Status.DEPRECATED
    assert registry.get("minutes").status is Status.RETIRED
    with connect(settings.database) as connection, pytest.raises(Refused, match="retired since") as refused:
        TaskQueue(connection).submit("minutes", {"text": "hello"})
    assert refused.value.hint == "use wiki"


def test_an_agent_that_is_taken_out_is_retired_and_takes_no_new_tasks(
    registry: AgentRegistry, settings: Settings
) -> None:
    registry.register(MANIFEST)
    registry.retire("agent/minutes")
    assert names(registry) == ["clock", "diary"]
    assert names(registry, status=Status.RETIRED) == ["minutes"]
    assert registry.get("minutes").status is Status.RETIRED
    with connect(settings.database) as connection, pytest.raises(NotFound):
        TaskQueue(connection).submit("minutes", {"text": "hello"})


def test_what_others_need_or_nobody_knows_cannot_be_taken_out(registry: AgentRegistry) -> None:
    registry.register(MANIFEST)
    with pytest.raises(ManifestsInvalid):
        registry.retire("type/notes")
    with pytest.raises(NotFound) as unknown:
        registry.retire("agent/minute")
    assert unknown.value.hint == "did you mean `agent/minutes`?"
    assert names(registry) == ["clock", "diary", "minutes"]

"""What of an agent can be searched for, and which status a deprecation gives it on which day."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reconciler.agents.lifecycle import Status, refuse_new_tasks_if_retired, status_of
from reconciler.agents.listing import AgentFilter, AgentRecord, described
from reconciler.errors import Refused
from reconciler.manifests.reader import compile_file
from reconciler.spec.agent_type import AgentType
from reconciler.tools.registry import builtin_registry
from tests.unit.plans.samples import agent_type

SHIPPED = Path(__file__).parents[3] / "agents.d"
TODAY = date(2026, 11, 24)


def shipped(folder: str, **spec: Any) -> AgentRecord:
    """The record of an agent called as the folder of its type."""
    compiled, _, _ = compile_file((SHIPPED / folder / "type.yaml").read_bytes(), "type.yaml")
    document = json.loads(compiled[0].canonical)
    document["spec"].update(spec)
    return described(folder, "dynamic", AgentType.model_validate(document), builtin_registry(), TODAY)


AGENTS = [
    shipped("email-analysis"),
    shipped("knowledge-base", deprecated={"message": "use wiki", "sunset": "2026-12-31"}),
    shipped("text-processing", deprecated={"message": "use nothing", "sunset": "2026-11-24"}),
    AgentRecord("clock", "static", title="Tells the time", labels=(("team", "time"),), owner="t@example.com"),
    AgentRecord("cracked", "static", enabled=False, status=Status.BROKEN, problem="ImportError"),
]
MAIL, KNOWLEDGE, TEXT = "email-analysis", "knowledge-base", "text-processing"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (AgentFilter(), [MAIL, KNOWLEDGE, TEXT, "clock", "cracked"]),
        (AgentFilter(name="clock"), ["clock"]),
        (AgentFilter(name="*-*"), [MAIL, KNOWLEDGE, TEXT]),
        (AgentFilter(text="BOOKMARK"), [KNOWLEDGE]),
        (AgentFilter(label="team"), [MAIL, KNOWLEDGE, TEXT, "clock"]),
        (AgentFilter(label="team=examples"), [KNOWLEDGE, TEXT]),
        (AgentFilter(label="team=nobody"), []),
        (AgentFilter(owner="support@example.com"), [MAIL]),
        (AgentFilter(tool="database_writer"), [MAIL, KNOWLEDGE, TEXT]),
        (AgentFilter(tool="keyword_classifier"), [MAIL, TEXT]),
        (AgentFilter(capability="mail"), [MAIL]),
        (AgentFilter(capability="network"), [MAIL, KNOWLEDGE]),
        (AgentFilter(capability="language_model"), [MAIL]),
        (AgentFilter(model="llama3.2"), [MAIL]),
        (AgentFilter(model="analysis"), []),
        (AgentFilter(table="email_analysis__analysis"), [MAIL]),
        (AgentFilter(table="knowledge-base.tag"), [KNOWLEDGE]),
        (AgentFilter(table="knowledge-base.nothing"), []),
        (AgentFilter(type="text-processing"), [TEXT]),
        (AgentFilter(kind="static"), ["clock", "cracked"]),
        (AgentFilter(status=Status.ACTIVE), [MAIL, "clock"]),
        (AgentFilter(status=Status.DEPRECATED), [KNOWLEDGE]),
        (AgentFilter(status=Status.RETIRED), [TEXT]),
        (AgentFilter(status=Status.BROKEN), ["cracked"]),
        (AgentFilter(enabled=False), ["cracked"]),
        (AgentFilter(label="team=examples", status=Status.DEPRECATED), [KNOWLEDGE]),
    ],
)
def test_a_filter_finds_exactly_what_it_says(asked: AgentFilter, found: list[str]) -> None:
    assert [agent.name for agent in AGENTS if asked.matches(agent)] == found


def test_the_reach_of_a_type_is_what_its_grants_and_steps_name() -> None:
    reach = AGENTS[0].reach
    assert reach.models == ("llama3.2",)
    assert reach.writes == ("email_analysis__analysis", "email_analysis__action_item")
    assert reach.hosts == ("smtp.example.com",)
    assert reach.recipients == ("{{ settings.urgent_to }}",)
    assert (reach.reads, reach.agents) == ((), ())


@pytest.mark.parametrize(
    ("deprecated", "today", "status"),
    [
        (None, date(2026, 1, 1), Status.ACTIVE),
        ("use mail", date(2026, 1, 1), Status.DEPRECATED),
        ({"message": "use mail", "sunset": "2026-06-01"}, date(2026, 5, 31), Status.DEPRECATED),
        ({"message": "use mail", "sunset": "2026-06-01"}, date(2026, 6, 1), Status.RETIRED),
        ({"message": "use mail", "sunset": "2026-06-01"}, date(2026, 6, 2), Status.RETIRED),
    ],
)
def test_a_deprecated_type_is_retired_from_its_sunset_on(
    deprecated: Any, today: date, status: Status
) -> None:
    old = agent_type("old", **({"deprecated": deprecated} if deprecated else {}))
    assert status_of(old, today) is status
    if status is Status.RETIRED:
        with pytest.raises(Refused, match="old is retired since 2026-06-01") as caught:
            refuse_new_tasks_if_retired("inbox", old, today)
        assert caught.value.hint == "use mail"
    else:
        refuse_new_tasks_if_retired("inbox", old, today)

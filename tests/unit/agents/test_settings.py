"""Which settings a task runs with: defaults < agent < task, and what none of them may say."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.agents.settings import AgentSettings
from reconciler.errors import Denied, InvalidInput
from reconciler.spec.agent_type import AgentTypeSpec
from reconciler.spec.fields import Fields

FIELDS: Fields = AgentTypeSpec.model_validate(
    {
        "version": "1.0.0",
        "settings": {
            "language": {"type": "enum", "values": ["en", "de"], "default": "en"},
            "limit": {"type": "integer", "min": 1, "max": 10},
            "urgent_to": {"type": "string", "required": True},
            "token": {"type": "string", "sensitive": True},
        },
    }
).settings

AGENT = {"urgent_to": "a@example.com"}


@pytest.mark.parametrize(
    ("agent", "task", "merged"),
    [
        (AGENT, {}, {"language": "en", "urgent_to": "a@example.com"}),
        (AGENT | {"language": "de"}, {}, {"language": "de", "urgent_to": "a@example.com"}),
        (AGENT, {"language": "de"}, {"language": "de", "urgent_to": "a@example.com"}),
        (AGENT | {"language": "de"}, {"language": "en"}, {"language": "en", "urgent_to": "a@example.com"}),
        (AGENT, {"limit": 3}, {"language": "en", "limit": 3, "urgent_to": "a@example.com"}),
        (AGENT | {"limit": 9}, {"limit": 3}, {"language": "en", "limit": 3, "urgent_to": "a@example.com"}),
        (AGENT | {"token": "t"}, {}, {"language": "en", "urgent_to": "a@example.com", "token": "t"}),
        (AGENT, {"urgent_to": "b@example.com"}, {"language": "en", "urgent_to": "b@example.com"}),
    ],
)
def test_a_task_wins_over_its_agent_and_the_agent_over_the_default(
    agent: dict[str, Any], task: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert dict(AgentSettings(FIELDS, agent).with_overrides(task)) == merged


@pytest.mark.parametrize(
    ("task", "error", "where", "told"),
    [
        ({"token": "mine"}, Denied, "settings/token", "sensitive"),
        ({"limit": 11}, InvalidInput, "settings/limit", "10"),
        ({"limit": "3"}, InvalidInput, "settings/limit", "whole number"),
        ({"language": "fr"}, InvalidInput, "settings/language", "`fr`"),
        ({"langage": "en"}, InvalidInput, "settings/langage", "langage"),
    ],
)
def test_what_a_task_must_not_say_is_refused_at_its_place(
    task: dict[str, Any], error: type[Exception], where: str, told: str
) -> None:
    with pytest.raises(error) as caught:
        AgentSettings(FIELDS, AGENT).with_overrides(task)
    assert getattr(caught.value, "where", "") == where
    assert told in str(caught.value)


def test_an_agent_that_no_longer_fits_its_type_is_told_what_is_missing() -> None:
    with pytest.raises(InvalidInput, match="urgent_to"):
        AgentSettings(FIELDS, {})


def test_tasks_without_overrides_share_one_validated_mapping() -> None:
    settings = AgentSettings(FIELDS, AGENT)
    assert settings.with_overrides({}) is settings.with_overrides({})

"""What a single document of an agent gets told."""

from __future__ import annotations

import pytest

from reconciler.manifests.checks.agent import check_agent
from reconciler.spec.agent import Agent
from tests.unit.manifests.example import told


def agent(**spec: object) -> Agent:
    document = {"apiVersion": "reconciler/v1", "kind": "Agent", "metadata": {"name": "a"}}
    return Agent.model_validate({**document, "spec": {"type": "t", **spec}})


@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 8-18 * * 1-5", "0 0 1 jan mon", "0 0 29 2 *"])
def test_a_schedule_has_five_fields(schedule: str) -> None:
    assert check_agent(agent(schedule=schedule, timezone="Europe/Berlin")) == []


@pytest.mark.parametrize(
    "schedule",
    ["", "@daily", "* * * *", "0 * * * * *", "60 * * * *", "a * * * *", "0 0 31 2 *", "5-1 * * * *"],
)
def test_what_is_no_schedule_is_told(schedule: str) -> None:
    findings = check_agent(agent(schedule=schedule))
    assert told(findings) == ["bad-schedule /spec/schedule"]
    assert "*/5 * * * *" in findings[0].hint


@pytest.mark.parametrize("name", ["Europe/Berlinn", "/etc/localtime", "../UTC", "", "Europe"])
def test_what_is_no_time_zone_is_told(name: str) -> None:
    assert told(check_agent(agent(schedule="* * * * *", timezone=name))) == [
        "unknown-timezone /spec/timezone"
    ]


def test_a_time_zone_alone_does_nothing() -> None:
    assert told(check_agent(agent(timezone="UTC"))) == ["attribute-without-effect /spec/timezone (warning)"]

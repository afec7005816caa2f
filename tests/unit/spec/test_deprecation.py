"""`deprecated` of a type: a message, and with it a day where that is known."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import canonical, parse_canonical


def _type(deprecated: Any) -> AgentType:
    spec = {"version": "1.0.0", "deprecated": deprecated}
    document = {"apiVersion": "reconciler/v1", "kind": "AgentType", "metadata": {"name": "old"}, "spec": spec}
    return AgentType.model_validate(document)


@pytest.mark.parametrize(
    ("written", "message", "sunset", "kept_as"),
    [
        ("use mail", "use mail", None, '"deprecated":"use mail"'),
        ({"message": "use mail"}, "use mail", None, '"deprecated":"use mail"'),
        (
            {"message": "use mail", "sunset": "2027-01-31"},
            "use mail",
            "2027-01-31",
            '"deprecated":{"message":"use mail","sunset":"2027-01-31"}',
        ),
    ],
)
def test_both_ways_of_writing_mean_the_same_and_the_shortest_is_kept(
    written: Any, message: str, sunset: str | None, kept_as: str
) -> None:
    found = _type(written)
    assert found.spec.deprecated is not None
    assert (found.spec.deprecated.message, found.spec.deprecated.sunset) == (message, sunset)
    assert kept_as in canonical(found)
    assert parse_canonical("type", canonical(found)) == found


@pytest.mark.parametrize(
    "written",
    ["", {"sunset": "2027-01-31"}, {"message": "m", "sunset": "2027-02-30"}, {"message": "m", "day": 1}],
)
def test_a_deprecation_needs_a_message_and_a_day_of_the_calendar(written: Any) -> None:
    with pytest.raises(ValidationError):
        _type(written)

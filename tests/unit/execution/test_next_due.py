"""When a schedule is due, by the clock on the wall of its zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.database.schedules import Scheduled
from reconciler.execution.scheduler import next_due

CASES = [
    (
        "UTC where no zone is named",
        "30 2 * * *",
        "",
        "2026-03-28T12:00",
        ["2026-03-29T02:30", "2026-03-30T02:30"],
    ),
    (
        "what falls into the hour that spring skips comes at its end",
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00",
        ["2026-03-29T01:00", "2026-03-30T00:30"],
    ),
    (
        "what falls into the hour that autumn repeats comes once",
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00",
        ["2026-10-25T00:30", "2026-10-26T01:30"],
    ),
    (
        "every half hour goes on through the hour that autumn repeats",
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:45",
        ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30", "2026-10-25T02:00"],
    ),
    (
        "every half hour goes on through the hour that spring skips",
        "*/30 * * * *",
        "Europe/Berlin",
        "2026-03-29T00:15",
        ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"],
    ),
    (
        "noon stays noon though the clocks move",
        "0 12 * * *",
        "America/New_York",
        "2026-03-07T18:00",
        ["2026-03-08T16:00", "2026-03-09T16:00"],
    ),
    ("a day that is rare", "0 0 29 2 *", "", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
]


@pytest.mark.parametrize(
    ("told", "expression", "zone", "after", "due"), CASES, ids=[case[0] for case in CASES]
)
def test_it_is_due(told: str, expression: str, zone: str, after: str, due: list[str]) -> None:
    scheduled = Scheduled("a", expression, zone)
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found = []
    for _ in due:
        next_ = next_due(scheduled, moment)
        assert next_ is not None
        assert next_.tzinfo is UTC
        found.append(next_.strftime("%Y-%m-%dT%H:%M"))
        moment = next_
    assert found == due


@pytest.mark.parametrize(
    ("expression", "zone"), [("x x x x x", ""), ("0 0 30 2 *", ""), ("* * * * *", "Mars/Crater")]
)
def test_what_cannot_be_understood_is_never_due(expression: str, zone: str) -> None:
    assert next_due(Scheduled("a", expression, zone), datetime(2026, 1, 1, tzinfo=UTC)) is None

"""What an agent's own document decides; its type is asked in `link`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from reconciler.spec.agent import Agent
from reconciler.spec.findings import Finding

CRON_FIELDS = 5


def check_agent(agent: Agent) -> list[Finding]:
    return [*_check_schedule(agent)]


def _check_schedule(agent: Agent) -> Iterator[Finding]:
    schedule, timezone = agent.spec.schedule, agent.spec.timezone
    if schedule is not None and (reason := _schedule_problem(schedule)):
        hint = "five fields: minute hour day month weekday, such as `*/5 * * * *`"
        yield Finding("bad-schedule", f"not a schedule: {reason}", ("spec", "schedule"), hint)
    if timezone is None:
        return
    if not _is_timezone(timezone):
        hint = "use a name of the IANA database, such as `Europe/Berlin`"
        yield Finding("unknown-timezone", f"there is no time zone `{timezone}`", ("spec", "timezone"), hint)
    elif schedule is None:
        message = "`timezone` has no effect without `schedule`"
        yield Finding(
            "attribute-without-effect", message, ("spec", "timezone"), severity="warning", at_key=True
        )


@lru_cache(maxsize=1024)
def _schedule_problem(text: str) -> str:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    count = len(text.split())
    if count != CRON_FIELDS:
        return f"it has {count} fields"
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error).lower()
    except StopIteration:
        return "it never comes due"
    return ""


@lru_cache(maxsize=256)
def _is_timezone(name: str) -> bool:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

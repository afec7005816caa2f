"""Of a plan, what may go ahead now and what waits, and why. Pure.

Units do not depend on each other: one that waits keeps no other from being applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.control.drift_rules import heals_only
from reconciler.plans.changes import Action, Hazard, Kind, Severity, Unit
from reconciler.plans.plan import Plan, stopping

_OBJECTS = frozenset({Kind.TYPE, Kind.AGENT})


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a unit is not applied now. `stalled`: nothing but another manifest, policy, row or a person's word helps."""

    reason: str
    message: str
    stalled: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """`plan` has only the units that go ahead; `waiting` are the others, by name."""

    plan: Plan
    waiting: Mapping[str, tuple[Unit, Wait]] = field(default_factory=dict)


def select(
    plan: Plan,
    *,
    allow: Sequence[str] = (),
    report_drift: bool = False,
    retrying: Mapping[str, Wait] | None = None,
) -> Selection:
    """`allow` as `reconcile --apply` takes it; `retrying` are units that failed and are not due again yet."""
    whole = stopping(plan.plan_hazards, allow)
    waiting: dict[str, tuple[Unit, Wait]] = {}
    for unit in plan.units:
        wait = _wait(unit, whole, allow, report_drift) or (retrying or {}).get(unit.name)
        if wait is not None:
            waiting[unit.name] = (unit, wait)
    if not waiting:
        return Selection(plan)
    return Selection(replace(plan, units=tuple(u for u in plan.units if u.name not in waiting)), waiting)


def _wait(unit: Unit, whole: Sequence[Hazard], allow: Sequence[str], report_drift: bool) -> Wait | None:
    if report_drift and heals_only(unit):
        return Wait(
            "drift-reported", "its tables were changed by other hands, which the policy leaves to people"
        )
    if stops := stopping(unit.hazards, allow):
        return _stopped(stops)
    if whole and removes(unit):  # as mass-removal: it says nothing against what comes or changes
        return _stopped(whole)
    return None


def _stopped(stops: Sequence[Hazard]) -> Wait:
    worst = max(stops, key=lambda hazard: hazard.severity is Severity.BLOCK)
    rows = f", {worst.rows:,} rows" if worst.rows else ""
    more = f" (and {len(stops) - 1} more)" if len(stops) > 1 else ""
    way = (
        "" if worst.severity is Severity.BLOCK else f"; --allow {worst.code}:{worst.object or worst.address}"
    )
    return Wait(worst.code, f"{worst.message}{rows}{more}{way}")


def removes(unit: Unit) -> bool:
    return any(change.action is Action.REMOVE and change.kind in _OBJECTS for change in unit.changes)

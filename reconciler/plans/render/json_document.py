"""A plan as one JSON document, for programs: pipelines, approvals, the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconciler.errors import Problem
from reconciler.plans.changes import Change, Hazard, Unit
from reconciler.plans.plan import FORMAT_VERSION, Plan

if TYPE_CHECKING:
    from reconciler.plans.render.masking import SettingsLookup
    from reconciler.spec.state import Drift


def plan_document(plan: Plan, *, sensitive_settings: SettingsLookup | None = None) -> dict[str, Any]:
    """JSON-ready; the keys are those below, in this order.

    `changes` are in the order of the plan, `units` name them by address. `sensitive_settings` tells of types
    the plan does not hold; settings of agents whose type nobody tells of are masked.
    """
    return {
        "format_version": FORMAT_VERSION,
        "id": plan.id,
        "source": plan.source,
        "database": plan.database,
        "units": [_unit_document(unit) for unit in plan.units],
        "changes": change_documents(plan.changes, sensitive_settings=sensitive_settings),
        "hazards": [hazard_document(hazard) for hazard in plan.hazards],
        "drift": [_drift_document(drift) for drift in plan.drift],
        "problems": [problem_document(problem) for problem in plan.problems],
        "held": sorted(plan.held),
        "suspended": list(plan.suspended),
        "summary": asdict(plan.summary),
    }


def change_documents(
    changes: Iterable[Change], *, sensitive_settings: SettingsLookup | None = None
) -> list[dict[str, Any]]:
    """Each change as `action, kind, address, reason, before, after, hazards`."""
    changes = tuple(changes)
    if not changes:
        return []
    from reconciler.plans.render.masking import masked_document, settings_lookup

    lookup = settings_lookup(changes, sensitive_settings)
    return [
        {
            "action": change.action.value,
            "kind": change.kind.value,
            "address": change.address,
            "reason": change.reason,
            "before": None if change.before is None else masked_document(change.before, lookup),
            "after": None if change.after is None else masked_document(change.after, lookup),
            "hazards": [hazard_document(hazard) for hazard in change.hazards],
        }
        for change in changes
    ]


def hazard_document(hazard: Hazard) -> dict[str, Any]:
    """`rows` is null where no row is concerned or none was counted."""
    return {
        "code": hazard.code,
        "severity": hazard.severity.value,
        "address": hazard.address,
        "rows": hazard.rows,
        "message": hazard.message,
        "suggestion": hazard.suggestion,
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """`severity` is `error` or `warning`; `file` is relative to the source."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }


def _unit_document(unit: Unit) -> dict[str, Any]:
    return {"name": unit.name, "changes": [change.address for change in unit.changes]}


def _drift_document(drift: Drift) -> dict[str, Any]:
    return {
        "address": drift.address,
        "recorded": drift.recorded,
        "live": drift.live,
        "message": drift.message,
    }

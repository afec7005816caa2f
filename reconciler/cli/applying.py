"""From a plan that was shown to one that is carried out: gate, question, progress, outcome, exit code."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation
from reconciler.errors import PartlyApplied, ReconcilerError, Refused
from reconciler.plans.render.ink import printable

if TYPE_CHECKING:
    from reconciler.control.reconciler import Reconciler
    from reconciler.control.reports import Outcome
    from reconciler.plans.plan import Plan


def carry_out(
    reconciler: Reconciler,
    plan: Plan,
    invocation: Invocation,
    console: Console,
    *,
    reason: str = "",
    keep_going: bool = True,
) -> Outcome:
    """Applies the plan once nothing stops it and somebody said yes; raises Refused or UsageError otherwise.

    What would be refused anyway is refused before anybody is asked.
    """
    refuse_if_stopped(plan, invocation.allow)
    console.confirm(f"Apply this plan to {plan.database}?", yes=invocation.yes)
    progress = console.progress()
    try:
        return reconciler.apply(
            plan,
            allow=invocation.allow,
            reason=reason,
            actor=invocation.actor(),
            progress=progress,
            keep_going=keep_going,
        )
    finally:
        progress.close()


def refuse_if_stopped(plan: Plan, allow: tuple[str, ...]) -> None:
    """Raises Refused where hazards stop an apply, with what would have to be allowed."""
    from reconciler.plans.changes import Severity
    from reconciler.plans.plan import stopping
    from reconciler.plans.render.outline import allowance

    stops = stopping(plan.hazards, allow)
    if not stops:
        return
    codes = ", ".join(dict.fromkeys(hazard.code for hazard in stops))
    if any(hazard.severity is Severity.BLOCK for hazard in stops):
        hint = "change the rows, the manifests or the policy first; reconcile --plan shows each hazard"
    else:
        hint = "allow each: " + " ".join(f"--allow {printable(allowance(hazard))}" for hazard in stops)
    count = f"{len(stops)} hazard{'' if len(stops) == 1 else 's'}"
    raise Refused(f"{count} not allowed: {codes}", hint=hint)


def report_outcome(outcome: Outcome, console: Console) -> None:
    """What was done, in text. Raises PartlyApplied where some units failed, ReconcilerError where all did."""
    if outcome.applied:
        units = f"{len(outcome.applied)} unit{'' if len(outcome.applied) == 1 else 's'}"
        as_revision = f" as revision {outcome.revision}" if outcome.revision is not None else ""
        console.lines([f"Applied {units}{as_revision}."])
    elif not outcome.failed:
        console.lines(["Nothing to do."])
    for name, error in outcome.failed:
        console.tell(f"failed: {printable(name)}: {printable(error)}")
    raise_if_failed(outcome)


def raise_if_failed(outcome: Outcome) -> None:
    if outcome.failed:
        names = ", ".join(printable(name) for name, _ in outcome.failed)
        hint = f"reconcile show {outcome.revision} tells more" if outcome.revision is not None else ""
        error = PartlyApplied if outcome.applied else ReconcilerError
        raise error(f"not applied: {names}", hint=hint)


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """`plan_id, revision, applied, failed`; each of `failed` has `unit` and `error`."""
    failed = [{"unit": name, "error": error} for name, error in outcome.failed]
    return {**asdict(outcome), "failed": failed}


def exit_status(outcome: Outcome) -> int:
    """The exit code of an outcome that has been shown as a document."""
    if not outcome.failed:
        return 0
    return (PartlyApplied if outcome.applied else ReconcilerError).exit_status

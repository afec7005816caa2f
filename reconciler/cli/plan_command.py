"""`reconcile --plan` and `reconcile --apply`."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.applying import (
    carry_out,
    exit_status,
    outcome_document,
    refuse_if_stopped,
    report_outcome,
)
from reconciler.cli.console import Console
from reconciler.cli.invocation import Invocation
from reconciler.cli.plan_request import PlanRequest
from reconciler.cli.verdicts import (
    SOME_FAILED,
    verdict_lines,
    verdict_markdown,
    verdict_problems,
    verdict_summary,
)
from reconciler.errors import ManifestsInvalid, StalePlan, UsageError
from reconciler.garbage import not_collected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.control.reconciler import Reconciler
    from reconciler.plans.plan import Plan

CHANGES_PENDING = 2


def run_plan(invocation: Invocation, request: PlanRequest) -> int:
    """The exit code. Raises what the reconciler raises."""
    console = invocation.console()
    with invocation.reconciler(create=request.apply) as reconciler:
        if request.base and not request.apply:
            return _show(reconciler, _against(reconciler, request.base), invocation, request, console)
        with not_collected():
            plan = reconciler.plan(use_cache=request.use_cache)
            if request.out:
                document = json.dumps(_document(reconciler, plan), indent=1, ensure_ascii=False)
                _write(Path(request.out), document + "\n")
            if not request.apply:
                return _show(reconciler, plan, invocation, request, console)
            gc.freeze()  # what the plan is made of stays until the process ends: the next search need not see it
        return _apply(reconciler, plan, invocation, request, console)


def _against(reconciler: Reconciler, ref: str, *, count: bool = True) -> Plan:
    from reconciler.bootstrap import load_base

    base, name = load_base(reconciler.settings, ref)
    return reconciler.plan_against(base, name, count=count)


def _show(
    reconciler: Reconciler, plan: Plan, invocation: Invocation, request: PlanRequest, console: Console
) -> int:
    if request.write_revision:
        from reconciler.cli.revision_file import write_revision

        console.tell(
            f"wrote {write_revision(plan, reconciler.statements(plan), Path(request.write_revision))}"
        )
    tested = _tested(reconciler, plan) if request.test else None
    _render(reconciler, plan, invocation, request.format, console, tested)
    if request.sql and request.format == "text":
        console.lines(_sql_lines(reconciler, plan))
    if any(problem.severity == "error" for problem in plan.problems):
        return ManifestsInvalid.exit_status
    if tested is not None and not all(rehearsal.passed for rehearsal in tested):
        return SOME_FAILED
    return CHANGES_PENDING if request.detailed_exitcode and plan.pending else 0


def _tested(reconciler: Reconciler, plan: Plan) -> list[Rehearsal]:
    """The tests of every type that the plan adds or changes, run."""
    from reconciler.bootstrap import rehearsals

    desired = reconciler.desired()
    addresses = dict.fromkeys(change.address for change in plan.changes if change.address in desired.entries)
    types = [address.removeprefix("type/") for address in addresses if address.startswith("type/")]
    return [*rehearsals(desired, types)]


def _apply(
    reconciler: Reconciler, plan: Plan, invocation: Invocation, request: PlanRequest, console: Console
) -> int:
    if request.plan_file:
        _refuse_another(plan, Path(request.plan_file))
    if request.plan_id:
        reviewed = _against(reconciler, request.base, count=False) if request.base else plan
        reconciler.check(request.plan_id, reviewed)
    broken = tuple(problem for problem in plan.problems if problem.severity == "error")
    if broken:  # before the plan is shown, which would tell them all as well
        hint = "correct them, then apply again; nothing was applied"
        raise ManifestsInvalid(broken, hint=hint, root=reconciler.settings.source)
    if not console.json:
        _render(reconciler, plan, invocation, "text", console)
        console.out.flush()
    if plan.empty:
        outcome = reconciler.apply(plan, actor=invocation.actor())
    else:
        refuse_if_stopped(plan, invocation.allow)
        outcome = carry_out(
            reconciler, plan, invocation, console, reason=request.reason, keep_going=request.keep_going
        )
    if not console.json:
        report_outcome(outcome, console)
        return 0
    console.document({"plan": _document(reconciler, plan), "outcome": outcome_document(outcome)})
    return exit_status(outcome)


def _render(
    reconciler: Reconciler,
    plan: Plan,
    invocation: Invocation,
    format_: str,
    console: Console,
    tested: Sequence[Rehearsal] | None = None,
) -> None:
    root = reconciler.settings.source
    sensitive = reconciler.sensitive_settings
    match format_:
        case "json":
            console.document(_document(reconciler, plan) | _tests_document(tested))
        case "markdown":
            from reconciler.plans.render.markdown import SIZE_LIMIT, render_markdown

            tests = verdict_markdown(tested or ())
            limit = SIZE_LIMIT - len(tests)
            allow = invocation.allow
            text = render_markdown(plan, allow=allow, root=root, sensitive_settings=sensitive, limit=limit)
            console.lines([text + tests])
        case "github":
            from reconciler.plans.render.annotations import github_annotations

            problems = (*plan.problems, *verdict_problems(tested or (), reconciler.desired))
            console.lines(github_annotations(problems, plan.hazards, root=root))
        case "sarif":
            from reconciler.plans.render.annotations import sarif

            problems = (*plan.problems, *verdict_problems(tested or (), reconciler.desired))
            console.document(sarif(problems, plan.hazards, root=root))
        case _:
            from reconciler.plans.render.text import render_text

            _tell_tests(tested, console)
            if reconciler.settings.policy:
                console.lines([console.faint(f"Policy     {reconciler.settings.policy}, pinned")])
            console.lines(
                render_text(
                    plan,
                    colour=console.colour_out,
                    width=console.width,
                    allow=invocation.allow,
                    root=root,
                    sensitive_settings=sensitive,
                )
            )


def _tests_document(tested: Sequence[Rehearsal] | None) -> dict[str, Any]:
    if tested is None:
        return {}
    from reconciler.agents.rehearsal.document import rehearsal_document

    return {"tests": [rehearsal_document(rehearsal) for rehearsal in tested]}


def _tell_tests(tested: Sequence[Rehearsal] | None, console: Console) -> None:
    """Before the plan, whose summary is always the last line."""
    if tested is not None:
        for rehearsal in tested:
            console.lines(verdict_lines(rehearsal, console))
        console.lines([verdict_summary(tested), ""])


def _document(reconciler: Reconciler, plan: Plan) -> dict[str, Any]:
    from reconciler.plans.render.json_document import plan_document

    pinned = {"policy": reconciler.settings.policy} if reconciler.settings.policy else {}
    return plan_document(plan, sensitive_settings=reconciler.sensitive_settings) | pinned


def _sql_lines(reconciler: Reconciler, plan: Plan) -> list[str]:
    lines: list[str] = []
    for unit, statements in reconciler.statements(plan):
        lines += ["", f"-- {unit}"]
        for statement in statements:
            comment = f"  -- {statement.comment}" if statement.comment else ""
            lines.append(f"{statement.sql};{comment}")
    return lines


def _refuse_another(plan: Plan, file: Path) -> None:
    try:
        recorded = json.loads(file.read_text())
        identity = recorded["id"]
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read: {error.strerror}", hint="write one with --plan --out FILE"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} holds no plan", hint="write one with --plan --out FILE") from error
    if identity != plan.id:
        raise StalePlan(
            f"{file} holds plan {identity}, but the plan is {plan.id} now",
            hint="source or database moved since; plan again and review what changed",
        )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error

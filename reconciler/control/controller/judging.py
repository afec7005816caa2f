"""What a pass found -> a condition for each object. Pure.

Two axes, as operators know them: is it as the manifests say (`sync`), and does it work (`health`). The condition
sums up what is to be expected: Ready, Reconciling (the controller is at it), Stalled (somebody has to do something).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.control.controller.selection import Selection, Wait
from reconciler.database.conditions import SOURCE, Condition
from reconciler.errors import Problem
from reconciler.plans.changes import Unit
from reconciler.plans.plan import Plan
from reconciler.spec.state import State


@dataclass(frozen=True, slots=True)
class Health:
    """`message` says what is wrong where `state` is degraded; `relies_on` is the type of an agent."""

    state: str = "unknown"
    message: str = ""
    relies_on: str = ""


HEALTHY = Health("healthy")


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one pass, after its apply. `desired` is what the source says, held or not; `live` are the digests of what is
    in place now, `failed` the units that were not applied, with why, and `suspended` says why addresses are left alone.
    """

    plan: Plan
    desired: State
    live: Mapping[str, str]
    revision: int
    selection: Selection
    failed: Mapping[str, str] = field(default_factory=dict)
    suspended: Mapping[str, str] = field(default_factory=dict)


def judge(
    findings: Findings, health: Mapping[str, Health], known: Mapping[str, Condition]
) -> Iterator[Condition]:
    """One condition for each object that is wanted or in place; the very one that is `known` where nothing is new."""
    desired = {address: entry.digest for address, entry in findings.desired.entries.items()}
    live, plan, waits = findings.live, findings.plan, dict(_waits(findings))
    broken = _broken(plan)
    held = set(plan.held)
    noted = findings.suspended.keys() | held | waits.keys()
    for address in sorted(desired.keys() | live.keys() | held):
        wanted, before = desired.get(address, ""), known.get(address)
        if (
            before is not None
            and address not in noted
            and _is_as_before(before, wanted, live.get(address), health.get(address, _UNKNOWN))
        ):
            yield before
            continue
        base = Condition(
            address,
            "Ready",
            "applied",
            sync="synced" if live.get(address, "") == wanted else "out-of-sync",
            health=health.get(address, _UNKNOWN).state,
            generation=wanted or live.get(address, ""),
            revision=findings.revision,
            commit=plan.commit,
        )
        if address in findings.suspended:
            yield replace(
                base,
                reason="suspended",
                message=findings.suspended[address],
                health="suspended",
            )
        elif address in held:
            told = _told(address, broken)
            yield replace(base, condition="Stalled", sync="unknown", reason="manifest-broken", message=told)
        elif address in waits:
            wait = waits[address]
            state = "Stalled" if wait.stalled else "Reconciling"
            yield replace(base, condition=state, reason=wait.reason, message=wait.message, sync="out-of-sync")
        elif base.sync == "out-of-sync":
            yield replace(base, condition="Reconciling", reason="pending", message="the next pass applies it")
        else:
            yield with_health(base, health.get(address, _UNKNOWN))


def with_health(condition: Condition, health: Health) -> Condition:
    """What is in place and does not work is of no use; anything else that is said of it comes first."""
    if condition.health == "suspended":
        return condition
    if condition.reason not in ("applied", "degraded"):
        return replace(condition, health=health.state)
    if health.state == "degraded":
        return replace(
            condition, condition="Stalled", reason="degraded", message=health.message, health="degraded"
        )
    return replace(condition, condition="Ready", reason="applied", message="", health=health.state)


def source_condition(plan: Plan, revision: int, findings: Findings) -> Condition:
    """Of a source that could be read."""
    errors = [problem for problem in plan.problems if problem.severity == "error"]
    base = Condition(
        SOURCE,
        "Ready",
        "read",
        health="healthy",
        generation=plan.desired,
        revision=revision,
        commit=plan.commit,
    )
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return replace(
            base,
            condition="Stalled",
            reason=errors[0].code,
            message=f"{_place(errors[0])}{errors[0].message}{more}",
            sync="out-of-sync",
            health="degraded",
        )
    pending = bool(findings.failed or findings.selection.waiting)
    return replace(base, sync="out-of-sync" if pending else "synced")


def unreadable(code: str, message: str, before: Condition | None) -> Condition:
    """Of a source that could not be read: what was applied before stays in place."""
    base = before or Condition(SOURCE, "Stalled", code)
    return replace(base, condition="Stalled", reason=code, message=message, sync="unknown", health="degraded")


_UNKNOWN = Health()


def _is_as_before(known: Condition, wanted: str, live: str | None, health: Health) -> bool:
    return known.generation == wanted == live and known.reason == "applied" and known.health == health.state


def _waits(findings: Findings) -> Iterator[tuple[str, Wait]]:
    units = {unit.name: unit for unit in findings.plan.units}
    for name, error in findings.failed.items():
        if name in units:
            yield from _each(units[name], Wait("apply-failed", error, stalled=False))
    for unit, wait in findings.selection.waiting.values():
        yield from _each(unit, wait)


def _each(unit: Unit, wait: Wait) -> Iterator[tuple[str, Wait]]:
    """Every object of the unit; of one that only has tables, the type that owns them."""
    for change in unit.changes:
        if change.kind.value in ("type", "agent", "policy"):
            yield change.address, wait
    yield unit.name, wait


def _broken(plan: Plan) -> dict[str, Problem]:
    """The first error of each file."""
    found: dict[str, Problem] = {}
    for problem in plan.problems:
        if problem.severity == "error":
            found.setdefault(problem.file, problem)
    return found


def _told(address: str, broken: Mapping[str, Problem]) -> str:
    """The problem that names the address; where none does, that of some manifest it relies on."""
    name = address.partition("/")[2]
    ranked = sorted(broken.values(), key=lambda one: (address not in one.message, name not in one.file))
    problem = ranked[0] if ranked else None
    if problem is None:
        return "its manifest is broken"
    return f"{_place(problem)}{problem.message}"


def _place(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}: " if problem.file else ""

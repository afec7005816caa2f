"""Desired and actual state -> a plan whose hazards are counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.control.drift_rules import DriftRules
from reconciler.control.recorded_policies import under_policies
from reconciler.control.suspension import without_suspended
from reconciler.errors import Problem
from reconciler.plans.changes import Probe, Unit
from reconciler.plans.diff import Differ
from reconciler.plans.hazards import unfinished
from reconciler.plans.locking import locking_hazards
from reconciler.plans.order import units_of
from reconciler.plans.plan import Plan, plan_id
from reconciler.plans.settle import questions, removal_hazards, settled
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy
from reconciler.spec.state import ActualState, Drift, State
from reconciler.spec.tables import Table

Count = Callable[[Mapping[Probe, Table]], Mapping[Probe, int]]
"""Answers probes by the rows they concern."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with the two states it was made from. `depends_on_rows`: rows that come later could make it
    another."""

    plan: Plan
    desired: State
    actual: ActualState
    depends_on_rows: bool


def plan_states(
    desired: State,
    actual: ActualState,
    *,
    source: str,
    database: str,
    commit: str = "",
    problems: tuple[Problem, ...] = (),
    count: Count | None = None,
    hold_missing: bool = False,
    check_versions: bool = True,
    lineage: Callable[[str], Sequence[AgentType]] | None = None,
    rows_of: Callable[[Unit], Mapping[str, int]] | None = None,
    pinned: Sequence[Policy] = (),
) -> Planned:
    """`desired.held` is left alone. `hold_missing` holds everything the manifests do not name: some of them
    could not be read at all, so that nobody knows what they stand for. `count` asks the database, None where
    there is none: every hazard then stays, with unknown rows.

    `rows_of` gives the estimated rows of a unit's large PostgreSQL tables; it is what locking hazards are
    made of. `pinned` are policies that hold whatever the desired state says.
    """
    if hold_missing:
        desired = desired.holding(actual.entries.keys() - desired.entries.keys())
    desired, suspended = without_suspended(desired, actual)
    desired, forbidden = under_policies(desired, actual, pinned)
    units = units_of(Differ(desired, actual, check_versions, lineage, pinned).differences())
    drift = actual.drift
    if drift:
        units, drift = DriftRules.of([*desired.policies(), *pinned]).without_ignored(units, drift)
    asked = questions(units)
    units = settled(units, count(asked) if count and asked else {})
    if rows_of is not None:
        units = tuple(locking_hazards(unit, rows_of(unit)) for unit in units)
    plan = Plan(
        id=plan_id(desired.digest, actual.fingerprint, commit),
        source=source,
        database=database,
        desired=desired.digest,
        observed=actual.fingerprint,
        commit=commit,
        units=units,
        plan_hazards=(*removal_hazards(units, desired, actual), *map(unfinished, actual.unfinished)),
        drift=_unexplained(drift, units),
        problems=(*problems, *forbidden),
        held=tuple(sorted(desired.held.difference(suspended))),
        suspended=suspended,
    )
    return Planned(plan, desired, actual, bool(asked))


def _unexplained(drift: tuple[Drift, ...], units: tuple[Unit, ...]) -> tuple[Drift, ...]:
    """Without tables that differ because somebody has run their migration already."""
    done = {migration.name for unit in units for migration in unit.migrations if migration.done}
    return tuple(found for found in drift if found.address.split("/")[1] not in done)

"""A plan: ordered units of changes with an identity."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import Problem

if TYPE_CHECKING:  # a plan without changes is made without loading what changes are made of
    from reconciler.plans.changes import Change, Hazard, Unit
    from reconciler.spec.state import Drift

PLANNER = "1"
"""Version of the planner's behaviour. Raised when the same two states come to give another plan."""

FORMAT_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over `changes`: restores count as add, renames as change."""

    add: int = 0
    change: int = 0
    remove: int = 0

    @property
    def text(self) -> str:
        return f"Plan: {self.add} to add, {self.change} to change, {self.remove} to destroy."


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done, in order. `hazards` also holds those of no single change (such as mass removal).

    `source` and `database` are for people (passwords masked). `desired` and `observed` are the digests the
    plan was made from. `held` is left alone while its manifests are broken, `suspended` because somebody said so.
    """

    id: str
    source: str
    database: str
    desired: str
    observed: str
    commit: str = ""
    units: tuple[Unit, ...] = ()
    plan_hazards: tuple[Hazard, ...] = ()
    drift: tuple[Drift, ...] = ()
    problems: tuple[Problem, ...] = ()
    held: tuple[str, ...] = ()
    suspended: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for unit in self.units for change in unit.changes)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return self.plan_hazards + tuple(hazard for unit in self.units for hazard in unit.hazards)

    @property
    def empty(self) -> bool:
        return not self.units

    @property
    def pending(self) -> bool:
        """Whether an apply has anything to do: changes, or what an interrupted one has left unfinished."""
        return bool(self.units) or any(hazard.code == "unfinished" for hazard in self.plan_hazards)

    @property
    def summary(self) -> Summary:
        if self.empty:
            return Summary()
        from reconciler.plans.changes import Action

        counts = Counter(change.action for unit in self.units for change in unit.changes)
        return Summary(
            add=counts[Action.ADD] + counts[Action.RESTORE],
            change=counts[Action.CHANGE] + counts[Action.RENAME],
            remove=counts[Action.REMOVE],
        )


def plan_id(desired: str, observed: str, commit: str = "") -> str:
    """Equal inputs give an equal id; any other input another one. 16 hexadecimal digits."""
    return hashlib.sha256("\n".join((PLANNER, desired, observed, commit)).encode()).hexdigest()[:16]


def stopping(hazards: Iterable[Hazard], allow: Iterable[str] = ()) -> tuple[Hazard, ...]:
    """The hazards that stop an apply: `block` always, `confirm` unless allowed.

    An allowance is `CODE:OBJECT` or `CODE` alone; OBJECT is a hazard's object or address, and covers all
    below it (`destructive:email-analysis` covers `email-analysis.analysis.body`).
    """
    found = tuple(hazards)
    if not found:
        return ()
    from reconciler.plans.changes import Severity

    allowed = [entry.partition(":") for entry in allow]

    def is_allowed(hazard: Hazard) -> bool:
        return any(code == hazard.code and _names(of, hazard) for code, _, of in allowed)

    def stops(hazard: Hazard) -> bool:
        return hazard.severity is Severity.BLOCK or (
            hazard.severity is Severity.CONFIRM and not is_allowed(hazard)
        )

    return tuple(hazard for hazard in found if stops(hazard))


def _names(of: str, hazard: Hazard) -> bool:
    return not of or _covers(of, hazard.object, ".") or _covers(of, hazard.address, "/")


def _covers(allowance: str, name: str, separator: str) -> bool:
    return name == allowance or name.startswith(allowance + separator)

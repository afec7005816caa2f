"""A plan: ordered units of changes with an identity."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from typing import TYPE_CHECKING

from reconciler.errors import Problem
from reconciler.plans.changes import Action, Change, Hazard, Severity, Unit

if TYPE_CHECKING:
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

    `source` and `database` are for people (passwords masked). `desired` and `observed` are the digests the plan was made from.
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

    An allowance is `CODE:OBJECT` or `CODE` alone; OBJECT is a hazard's object or address, and covers all below it
    (`destructive:email-analysis` covers `email-analysis.analysis.body`).
    """
    allowed = [entry.partition(":") for entry in allow]

    def is_allowed(hazard: Hazard) -> bool:
        return any(
            code == hazard.code and (not of or _covers(of, hazard.object, ".") or _covers(of, hazard.address, "/"))
            for code, _, of in allowed
        )

    return tuple(
        h for h in hazards if h.severity is Severity.BLOCK or (h.severity is Severity.CONFIRM and not is_allowed(h))
    )


def _covers(allowance: str, name: str, separator: str) -> bool:
    return name == allowance or name.startswith(allowance + separator)

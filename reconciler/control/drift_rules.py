"""What policies say of drift: whether it is healed or only reported, and which is nobody's business."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.plans.changes import Kind, Unit
from reconciler.spec.policy import DriftTreatment, Policy
from reconciler.spec.state import Drift

_OBJECTS = frozenset({Kind.TYPE, Kind.AGENT, Kind.POLICY})


@dataclass(frozen=True, slots=True)
class DriftRules:
    """`ignored` are pointers, in parts: `*` stands for any one part, and each covers all below it."""

    report: bool = False
    ignored: tuple[tuple[str, ...], ...] = field(default=())

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> DriftRules:
        """The strictest of all: one that says report is enough, what one ignores is ignored."""
        found = list(policies)
        pointers = (pointer for policy in found for pointer in policy.spec.ignore_drift)
        return cls(
            report=any(policy.spec.drift is DriftTreatment.REPORT for policy in found),
            ignored=tuple(tuple(pointer.strip("/").split("/")) for pointer in pointers),
        )

    def ignores(self, drift: Drift) -> bool:
        parts = drift.address.split("/")
        return any(_covers(pointer, parts) for pointer in self.ignored)

    def without_ignored(
        self, units: tuple[Unit, ...], drift: tuple[Drift, ...]
    ) -> tuple[tuple[Unit, ...], tuple[Drift, ...]]:
        """Both without what is ignored: a unit goes if it would heal nothing else."""
        if not self.ignored:
            return units, drift
        kept = tuple(found for found in drift if not self.ignores(found))
        ignored = {_table(found) for found in drift} - {_table(found) for found in kept}
        return tuple(
            unit for unit in units if not (heals_only(unit) and _tables(unit) <= ignored and ignored)
        ), kept


def heals_only(unit: Unit) -> bool:
    """Whether nobody asked for the unit: no manifest changed, its tables are put back as they were."""
    return not any(change.kind in _OBJECTS for change in unit.changes)


def _covers(pointer: Sequence[str], parts: Sequence[str]) -> bool:
    return len(pointer) <= len(parts) and all(
        said in ("*", part) for said, part in zip(pointer, parts, strict=False)
    )


def _table(drift: Drift) -> str:
    return drift.address.split("/")[1]


def _tables(unit: Unit) -> set[str]:
    return {migration.name for migration in unit.migrations}

"""Removals are believed only after a while.

A folder that is being copied, switched to another branch or saved by an editor lacks files for moments. What comes
or changes may be applied at once; what goes has to stay away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.control.controller.selection import Wait, removes
from reconciler.plans.changes import Unit


class Confirmed:
    """`after` is in seconds; 0 believes at once, as for a source that only ever shows whole states."""

    def __init__(self, after: float) -> None:
        self._after = after
        self._since: dict[str, float] = {}

    def waiting(self, units: Sequence[Unit], now: float) -> Mapping[str, Wait]:
        """The units that remove something which was there until just now."""
        if not self._after:
            return {}
        going = {unit.name for unit in units if removes(unit)}
        self._since = {name: self._since.get(name, now) for name in going}
        return {
            name: Wait("removal-unconfirmed", "it is missing from the source since a moment", stalled=False)
            for name, since in self._since.items()
            if now - since < self._after
        }

    def next_due(self, now: float) -> float | None:
        """When the next of them is believed; those that are already wait for something else."""
        return min((s + self._after for s in self._since.values() if s + self._after > now), default=None)

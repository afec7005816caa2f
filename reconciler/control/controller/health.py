"""Whether what is in place works: the tests of a type pass, and an agent of it can be built.

Both are a matter of what the manifests say, so that each is found out once for what they say, in slices between
passes: applying never waits for it. What becomes of tasks is a matter of their input as well, and of services that come
and go: dead letters and incidents tell of it, and no manifest is degraded by them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from reconciler.control.controller.judging import HEALTHY, Health
from reconciler.database.conditions import SOURCE, Condition
from reconciler.spec.state import State

Examine = Callable[[State, str], Health]
"""The health of a type or agent of a state; may take as long as the tests of a type do."""


class Checkups:
    """What is known of the health of a state's objects, and what is still to be looked at."""

    def __init__(self, examine: Examine) -> None:
        self._examine = examine
        self._found: dict[tuple[str, str], Health] = {}
        """By address and digest, of the newest state only."""
        self._due: dict[str, str] = {}
        self._state = ""
        self.known: dict[str, Health] = {}
        self.version = 0
        """Raised whenever `known` says something else."""

    @property
    def pending(self) -> bool:
        return bool(self._due)

    def recall(self, recorded: Mapping[str, Condition]) -> None:
        """Takes over what another controller has found out of the state that it saw last."""
        seen = recorded.get(SOURCE)
        if seen is None or self._found or self._state:
            return
        told = (one for one in recorded.values() if one.health in ("healthy", "degraded") and one is not seen)
        self._found = {(one.address, one.generation): _recalled(one) for one in told}

    def want(self, state: State) -> None:
        """From now on the objects of this state count."""
        if state.digest == self._state:
            return
        self._state = state.digest
        kept: dict[tuple[str, str], Health] = {}
        due: dict[str, str] = {}
        for address in sorted(state.entries, reverse=True):  # types first: their agents rely on them
            digest = state.entries[address].digest
            found = HEALTHY if address.startswith("policy/") else self._found.get((address, digest))
            if found is None or found.relies_on in due or (found.relies_on == ANY and due):
                due[address] = digest
            else:
                kept[address, digest] = found
        self._found, self._due = kept, due
        self.known = {address: health for (address, _), health in kept.items()}
        self.version += 1

    def advance(self, state: State, until: float) -> Mapping[str, Health]:
        """Examines some more, at least one, until a moment of the monotonic clock; what was found."""
        found: dict[str, Health] = {}
        while self._due and (not found or time.monotonic() < until):
            address = next(iter(self._due))
            digest = self._due.pop(address)
            if address not in state.entries or state.entries[address].digest != digest:
                continue
            health = self._with_type(self._examine(state, address))
            found[address] = self.known[address] = self._found[address, digest] = health
        if found:
            self.version += 1
        return found

    def _with_type(self, health: Health) -> Health:
        if health.state == "healthy" and self.known.get(health.relies_on, HEALTHY).state == "degraded":
            return replace(health, state="degraded", message=f"{health.relies_on} is degraded")
        return health


ANY = "?"
"""Relied on by an agent whose type nobody has looked up."""


def _recalled(one: Condition) -> Health:
    relies_on = ANY if one.address.startswith("agent/") else ""
    return Health(one.health, one.message if one.health == "degraded" else "", relies_on)

"""What cannot go ahead without something else: whatever is left alone takes along what refers to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.spec.requirements import requirements
from reconciler.spec.state import ActualState, State


def new_addresses(desired: State, actual: ActualState) -> Iterator[str]:
    """Addresses of what would be added or changed."""
    for address, entry in desired.entries.items():
        there = actual.entries.get(address)
        if there is None or there.digest != entry.digest:
            yield address


def with_dependents(desired: State, actual: ActualState, addresses: Iterable[str]) -> set[str]:
    """The addresses and all new that refers to them, directly or not."""
    held = set(addresses)
    if held:
        needs = {address: requirements(desired.spec(address)) for address in new_addresses(desired, actual)}
        while more := {address for address, needed in needs.items() if needed & held} - held:
            held |= more
    return held

"""Policies whose manifests are broken stay in force as they were recorded.

A manifest that cannot be read takes no protection away: its policy is neither changed nor removed, and what it
forbids does not go ahead. A policy that was never recorded forbids nothing yet; but it may be another's new name, so
while it is broken no policy is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.errors import Problem
from reconciler.policy.check import Rules
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy
from reconciler.spec.requirements import requirements
from reconciler.spec.state import ActualState, State


def under_recorded_policies(desired: State, actual: ActualState) -> tuple[State, tuple[Problem, ...]]:
    """`desired` with what was recorded of the policies in doubt, all held that they forbid, and what they say."""
    in_doubt = {address for address in desired.held if _is_policy(address)}
    if not in_doubt:
        return desired, ()
    if not in_doubt <= actual.entries.keys():
        in_doubt |= {a for a in actual.entries if _is_policy(a) and a not in desired.entries}
    recorded = sorted(in_doubt & actual.entries.keys())
    desired = desired.holding(recorded).with_entries_of(actual, recorded)
    rules = Rules([spec for address in recorded if isinstance(spec := actual.spec(address), Policy)])
    problems: list[Problem] = []
    forbidden = set()
    for address in sorted(_new(desired, actual)):
        spec = desired.spec(address)
        if isinstance(spec, AgentType) and (found := [*_problems(spec, desired, address, rules)]):
            forbidden.add(address)
            problems += found
    return desired.holding(_with_dependents(desired, actual, forbidden)), tuple(problems)


def _is_policy(address: str) -> bool:
    return address.startswith("policy/")


def _new(desired: State, actual: ActualState) -> Iterator[str]:
    """Addresses of what would be added or changed."""
    for address, entry in desired.entries.items():
        there = actual.entries.get(address)
        if there is None or there.digest != entry.digest:
            yield address


def _problems(spec: AgentType, desired: State, address: str, rules: Rules) -> Iterator[Problem]:
    location = desired.entries[address].location
    place = (location.file, location.line, location.column) if location else ("", 0, 0)
    for finding in rules.check(spec):
        hint = "the manifest of the policy is broken; until it is corrected, it holds as it was last applied"
        yield Problem(finding.code, f"{address}: {finding.message}", *place, hint=hint)


def _with_dependents(desired: State, actual: ActualState, addresses: Iterable[str]) -> set[str]:
    """The addresses and all new that refers to them, directly or not."""
    held = set(addresses)
    if held:
        needs = {address: requirements(desired.spec(address)) for address in _new(desired, actual)}
        while more := {address for address, needed in needs.items() if needed & held} - held:
            held |= more
    return held

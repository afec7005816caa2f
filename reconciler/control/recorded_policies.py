"""Policies that stand whatever the source says: those that are pinned, and those whose manifests are broken, as they
were recorded.

What is pinned has judged the manifests already, but not a former state that is brought back. A manifest that cannot
be read takes no protection away: its policy is neither changed nor removed, and what it forbids does not go ahead. A
policy that was never recorded forbids nothing yet; but it may be another's new name, so while it is broken no policy
is removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.control.dependents import new_addresses, with_dependents
from reconciler.errors import Problem
from reconciler.policy.check import Rules
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy
from reconciler.spec.state import ActualState, State

_PINNED = "the operator has pinned this policy; it holds beside those of the source"
_BROKEN = "the manifest of the policy is broken; until it is corrected, it holds as it was last applied"


def under_policies(
    desired: State, actual: ActualState, pinned: Sequence[Policy] = ()
) -> tuple[State, tuple[Problem, ...]]:
    """`desired` with what was recorded of the policies in doubt, all held that they or the pinned ones forbid, and
    what they say."""
    desired, told = _judged(desired, actual, pinned, _PINNED)
    in_doubt = {address for address in desired.held if _is_policy(address)}
    if not in_doubt:
        return desired, told
    if not in_doubt <= actual.entries.keys():
        in_doubt |= {a for a in actual.entries if _is_policy(a) and a not in desired.entries}
    recorded = sorted(in_doubt & actual.entries.keys())
    desired = desired.holding(recorded).with_entries_of(actual, recorded)
    standing = [spec for address in recorded if isinstance(spec := actual.spec(address), Policy)]
    desired, more = _judged(desired, actual, standing, _BROKEN)
    return desired, (*told, *more)


def _judged(
    desired: State, actual: ActualState, policies: Sequence[Policy], hint: str
) -> tuple[State, tuple[Problem, ...]]:
    if not policies:
        return desired, ()
    rules = Rules(policies)
    problems: list[Problem] = []
    forbidden = set()
    for address in sorted(new_addresses(desired, actual)):
        spec = desired.spec(address)
        if isinstance(spec, AgentType) and (found := [*_problems(spec, desired, address, rules, hint)]):
            forbidden.add(address)
            problems += found
    return desired.holding(with_dependents(desired, actual, forbidden)), tuple(problems)


def _is_policy(address: str) -> bool:
    return address.startswith("policy/")


def _problems(spec: AgentType, desired: State, address: str, rules: Rules, hint: str) -> Iterator[Problem]:
    location = desired.entries[address].location
    place = (location.file, location.line, location.column) if location else ("", 0, 0)
    for finding in rules.check(spec):
        if finding.severity == "warning":
            continue  # told where the manifest was read
        yield Problem(finding.code, f"{address}: {finding.message}", *place, hint=hint)

"""Differences -> units: what must change together, in the order it must happen.

Objects are connected by references between tables, by an agent's type and by the agents a pipeline calls.
Units do not depend on each other, so one may fail and the others go on; inside a unit, what is needed comes
before what needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from reconciler.plans.changes import Action, Change, TableMigration, Unit
from reconciler.plans.diff import Difference
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec
from reconciler.spec.steps import Step

_RANK = {"policy": 0, "type": 1, "agent": 2}


def units_of(differences: list[Difference]) -> tuple[Unit, ...]:
    """Units by their first address; every difference is in exactly one."""
    by_address = {difference.address: difference for difference in differences}
    edges = {
        address: {needed for needed in _needs(difference) if needed in by_address}
        for address, difference in by_address.items()
    }
    groups = _components(edges)
    return tuple(_unit(group[0], [by_address[a] for a in _sorted(group, edges)]) for group in groups)


def _needs(difference: Difference) -> Iterator[str]:
    for spec in (difference.after, difference.before):
        if spec is not None:
            yield from needs(spec)


def needs(spec: Spec) -> Iterator[str]:
    """Addresses a spec refers to."""
    if isinstance(spec, Agent):
        yield f"type/{spec.spec.type}"
    elif isinstance(spec, AgentType):
        for model in spec.spec.models.values():
            for field in model.fields.values():
                owner = (field.model or "").rpartition(".")[0]
                if owner and owner != spec.name:
                    yield f"type/{owner}"
        yield from (f"agent/{name}" for name in _called(spec.spec.pipeline))


def _called(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if step.agent:
            yield step.agent
        yield from _called(step.parallel or ())


def _components(edges: dict[str, set[str]]) -> list[list[str]]:
    root = {address: address for address in edges}

    def find(address: str) -> str:
        while root[address] != address:
            root[address] = root[root[address]]
            address = root[address]
        return address

    for address, targets in edges.items():
        for target in targets:
            a, b = find(address), find(target)
            if a != b:
                root[max(a, b)] = min(a, b)
    groups: dict[str, list[str]] = defaultdict(list)
    for address in sorted(edges, key=_rank):
        groups[find(address)].append(address)
    return sorted(groups.values(), key=lambda group: _rank(group[0]))


def _rank(address: str) -> tuple[int, str]:
    return _RANK[address.partition("/")[0]], address


def _sorted(group: list[str], edges: dict[str, set[str]]) -> list[str]:
    """What is needed before what needs it. `group` is in the order of ranks, which nearly always is such an order."""
    places = {address: place for place, address in enumerate(group)}
    if all(places[needed] < place for address, place in places.items() for needed in edges[address]):
        return group
    sorter = TopologicalSorter({address: sorted(edges[address], key=_rank) for address in group})
    try:
        return list(sorter.static_order())
    except CycleError:  # types may refer to each other; the statements of a unit cope with that
        return group


def _unit(name: str, differences: list[Difference]) -> Unit:
    """What is removed goes in the opposite order of what is added: agents before their type."""
    going = [d for d in reversed(differences) if _goes(d)]
    ordered = [d for d in differences if not _goes(d)] + going if going else differences
    migrations: tuple[TableMigration, ...] = tuple(m for d in ordered for m in d.migrations)
    changes: list[Change] = []
    for difference in ordered:
        if difference.change is not None:
            changes.append(difference.change)
        changes.extend(change for migration in difference.migrations for change in migration.changes)
    return Unit(name, tuple(changes), migrations)


def _goes(difference: Difference) -> bool:
    return difference.change is not None and difference.change.action is Action.REMOVE

"""What is judged of a state: the tests of its types, the health of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.control.controller.judging import Health
    from reconciler.spec.codec import Spec
    from reconciler.spec.state import State


def rehearsals(state: State, types: Iterable[str]) -> Iterator[Rehearsal]:
    """Runs the tests of these types of a state, one type after the other."""
    from reconciler.agents.rehearsal import rehearse
    from reconciler.tools.registry import builtin_registry

    def lookup(address: str) -> Spec | None:
        return state.spec(address) if address in state.entries else None

    for name in types:
        agent_type = state.agent_type(name)
        assert agent_type is not None, "a type of this state"
        yield rehearse(agent_type, builtin_registry(), lookup)


def examination() -> Callable[[State, str], Health]:
    """What tells the health of an object of a state: a type's tests are run, an agent is built."""
    from reconciler.agents.dynamic import DynamicAgent
    from reconciler.control.controller.judging import HEALTHY, Health
    from reconciler.errors import ReconcilerError
    from reconciler.tools.registry import builtin_registry

    registry = builtin_registry()

    def agent_health(state: State, name: str) -> Health:
        agent = state.agent(name)
        assert agent is not None, "an agent of this state"
        relies_on = f"type/{agent.spec.type}"
        agent_type = state.agent_type(agent.spec.type)
        if agent_type is None:
            return HEALTHY  # of an installed type, which its package answers for
        try:
            DynamicAgent(agent, agent_type, registry)
        except ReconcilerError as error:
            return Health("degraded", f"it cannot be built: {error.message}", relies_on)
        return Health("healthy", "", relies_on)

    def type_health(state: State, name: str) -> Health:
        (rehearsal,) = rehearsals(state, [name])
        failed = [verdict for verdict in rehearsal.verdicts if not verdict.passed]
        if not failed:
            return HEALTHY
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return Health("degraded", f"test {failed[0].test!r} fails{more}; reconcile test {name}")

    def examine(state: State, address: str) -> Health:
        kind, _, name = address.partition("/")
        return agent_health(state, name) if kind == "agent" else type_health(state, name)

    return examine

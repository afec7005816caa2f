"""Units: what must change together, and the order in which that happens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plans.changes import Unit
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, address_of

from .samples import agent, agent_type
from .states import policy, units


def referring(name: str, *targets: str, version: str = "1.0.0") -> AgentType:
    """A type with a model `thing`, which refers to the `thing` of each of the targets."""
    fields = {f"to_{t}": {"type": "reference", "model": f"{t}.thing"} for t in targets}
    return agent_type(name, version, models={"thing": {"fields": {"name": "string", **fields}}})


def calling(name: str, other: str) -> AgentType:
    """A type whose pipeline runs another agent."""
    return agent_type(name, pipeline=[{"id": "ask", "agent": other}])


def objects(unit: Unit) -> list[str]:
    """Addresses of the changes but those of tables and their parts."""
    return [change.address for change in unit.changes if not change.address.startswith("table/")]


def test_what_has_nothing_to_do_with_each_other_is_in_units_of_its_own() -> None:
    found = units([], [agent_type("b"), agent_type("a"), policy(), agent("of-a", "a")])
    assert [(unit.name, objects(unit)) for unit in found] == [
        ("policy/default", ["policy/default"]),
        ("type/a", ["type/a", "agent/of-a"]),
        ("type/b", ["type/b"]),
    ]


def test_a_reference_joins_two_types_and_its_target_comes_first() -> None:
    [unit] = units([], [referring("a", "z"), referring("z")])
    assert unit.name == "type/a"
    assert [change.address for change in unit.changes] == [
        "type/z",
        "table/z__thing",
        "type/a",
        "table/a__thing",
    ]
    assert [migration.name for migration in unit.migrations] == ["z__thing", "a__thing"]


def test_an_agent_that_is_called_comes_before_the_type_that_calls_it() -> None:
    specs = [calling("outer", "inner-agent"), agent("outer-agent", "outer"), agent("inner-agent", "inner")]
    [unit] = units([], [*specs, agent_type("inner")])
    assert objects(unit) == ["type/inner", "agent/inner-agent", "type/outer", "agent/outer-agent"]


def test_what_goes_goes_last_and_in_the_opposite_order() -> None:
    gone = [referring("a", "z"), agent("of-a", "a")]
    stays = referring("z", version="1.0.0")
    changed = agent_type("z", "2.0.0", models={"thing": {"fields": {"name": "text"}}})
    [unit] = units([*gone, stays], [changed])
    assert objects(unit) == ["type/z", "agent/of-a", "type/a"]
    assert [m.name for m in unit.migrations] == ["z__thing", "a__thing"]


def test_only_what_changes_joins() -> None:
    """Two agents of one type that stays as it is have nothing to do with each other."""
    found = units([agent_type("a")], [agent_type("a"), agent("one", "a"), agent("two", "a")])
    assert [objects(unit) for unit in found] == [["agent/one"], ["agent/two"]]


def test_types_that_refer_to_each_other_are_one_unit() -> None:
    [unit] = units([], [referring("b", "a"), referring("a", "b"), agent("of-b", "b")])
    assert objects(unit) == ["type/a", "type/b", "agent/of-b"]


def test_a_reference_that_is_given_up_still_joins() -> None:
    """The table must let go of its target before that may go."""
    [unit] = units([referring("a", "z"), referring("z")], [referring("a", version="2.0.0")])
    assert objects(unit) == ["type/a", "type/z"]


NAMES = [f"t{n}" for n in range(7)]
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3, unique=True))


@given(graph=GRAPHS, order=st.randoms(use_true_random=False))
def test_units_are_the_connected_components_whatever_the_order_of_the_manifests(
    graph: dict[str, list[str]], order: object
) -> None:
    specs: list[Spec] = [
        referring(name, *(t for t in targets if t in graph and t != name)) for name, targets in graph.items()
    ]
    found = units([], specs)
    assert sorted(a for unit in found for a in objects(unit)) == sorted(address_of(spec) for spec in specs)
    order.shuffle(specs)  # type: ignore[attr-defined]
    assert units([], specs) == found
    place = {address: n for n, unit in enumerate(found) for address in objects(unit)}
    for name, targets in graph.items():
        for target in targets:
            if target in graph:
                assert place[f"type/{name}"] == place[f"type/{target}"]
    assert len(found) == _components(graph)


def _components(graph: dict[str, list[str]]) -> int:
    """By merging sets until none touch: slow, and plain to see that it is right."""
    groups = [{name, *(t for t in targets if t in graph)} for name, targets in graph.items()]
    merged = True
    while merged:
        merged = False
        for one in groups:
            other = next((g for g in groups if g is not one and g & one), None)
            if other is not None:
                one |= other
                groups.remove(other)
                merged = True
                break
    return len(groups)

"""What differs between two documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plans.render.attributes import ABSENT, Attribute, differences, notation
from reconciler.plans.render.ink import printable

NAMES = st.text("abc", min_size=1, max_size=2)
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | NAMES
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"id": NAMES, "with": inner}), max_size=3)
    ),
    max_leaves=12,
)


@given(DOCUMENTS, DOCUMENTS)
def test_there_is_a_difference_exactly_where_documents_are_not_equal(before: Any, after: Any) -> None:
    assert bool(list(differences(before, after))) == (repr(_ordered(before)) != repr(_ordered(after)))


@given(DOCUMENTS, DOCUMENTS)
def test_the_way_back_undoes_every_difference(before: Any, after: Any) -> None:
    forth = {(a.path, notation(a.before), notation(a.after)) for a in differences(before, after)}
    back = {(a.path, notation(a.after), notation(a.before)) for a in differences(after, before)}
    assert forth == back


def _ordered(value: Any) -> Any:
    """Keys of mappings in one order: they have none of their own."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 2}, [Attribute("a", 1, 2)]),
        ({}, {"a": None}, [Attribute("a", ABSENT, None)]),
        ({"a": {"b": 1, "c": 1}}, {"a": {"c": 1}}, [Attribute("a.b", 1, ABSENT)]),
        ({"a": 1}, {"a": True}, [Attribute("a", 1, True)]),
        ({"p": [{"id": "x", "v": 1}]}, {"p": [{"id": "x", "v": 2}]}, [Attribute("p[x].v", 1, 2)]),
        (
            {"p": [{"id": "x"}, {"id": "y"}]},
            {"p": [{"id": "y"}, {"id": "x"}]},
            [Attribute("order of p", ["x", "y"], ["y", "x"])],
        ),
        ({"p": [{"id": "x"}]}, {"p": [{"id": "y"}, {"id": "x"}]}, [Attribute("p[y]", ABSENT, {"id": "y"})]),
        ({"p": [1]}, {"p": [True]}, [Attribute("p", [1], [True])]),
        ({"p": [{"a": 1, "b": 2}]}, {"p": [{"b": 2, "a": 1}]}, []),
        ({"p": [1, 2]}, {"p": [1, 3]}, [Attribute("p", [1, 2], [1, 3])]),
        ({"p": [{"id": "x"}, {"id": "x"}]}, {"p": []}, [Attribute("p", [{"id": "x"}, {"id": "x"}], [])]),
    ],
)
def test_a_difference_is_named_by_where_it_is(before: Any, after: Any, found: list[Attribute]) -> None:
    assert list(differences(before, after)) == found


@given(st.text())
def test_whatever_is_shown_is_printable_and_told_apart(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert text.isprintable() == (shown == text)

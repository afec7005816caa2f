"""Compiled expressions give what walking their tree gives, and fail as it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from reconciler.errors import ExpressionError
from reconciler.expressions.filters import FILTERS
from reconciler.expressions.nested import compiled_value
from reconciler.expressions.predicates import PREDICATES
from reconciler.expressions.template import Template, compiled_template, parse
from reconciler.expressions.values import RESULT_LENGTH, to_text
from tests.unit.expressions.test_jinja_oracle import CONTEXT, EXPRESSIONS
from tests.unit.expressions.tree_walker import evaluate

SIGNS = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "and", "or"]
TESTS = [name for name, predicate in PREDICATES.items() if not predicate.argument]
PLAIN_FILTERS = [name for name, spec in FILTERS.items() if not spec.required]

MISFITS = st.one_of(
    EXPRESSIONS,
    st.sampled_from(
        ["nope", "o.nope", "t.x", "numbers[9]", "numbers.a", "rows[0].a.b", "o[t]", "numbers[i]"]
    ),
    st.builds(lambda a, sign, b: f"({a} {sign} {b})", EXPRESSIONS, st.sampled_from(SIGNS), EXPRESSIONS),
    st.builds(lambda a, name: f"({a} | {name})", EXPRESSIONS, st.sampled_from(PLAIN_FILTERS)),
    st.builds(lambda a, b: f"({a} | default({b}))", EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda a, b: f"({a} | truncate({b}))", EXPRESSIONS, EXPRESSIONS),
    st.builds(lambda a, name: f"({a} is not {name})", EXPRESSIONS, st.sampled_from(TESTS)),
    EXPRESSIONS.map(lambda text: f"(-{text})"),
)
"""Expressions of which many do not fit what they are applied to."""

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-2, 2)
    | st.text(max_size=3)
    | st.decimals(-9, 9, places=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("aks"), inner, max_size=2),
    max_leaves=5,
)
CONTEXTS = st.dictionaries(st.sampled_from([*CONTEXT]), VALUES).map(lambda some: {**CONTEXT, **some})


def _walked(template: Template, context: dict[str, Any]) -> Any:
    if template.is_expression:
        (part,) = template.parts
        assert not isinstance(part, str)
        return evaluate(part, context)
    texts = [p if isinstance(p, str) else to_text(evaluate(p, context), p.offset) for p in template.parts]
    return "".join(texts)


def _outcome(give: Callable[[], Any]) -> str:
    try:
        return repr(give())
    except ExpressionError as error:
        return f"{type(error).__name__} {error.message} @{error.offset} {error.hint}"


@settings(max_examples=400, deadline=None)
@given(st.one_of(MISFITS, EXPRESSIONS), CONTEXTS)
@example("o.deep.k", {"o": {"deep": "k"}})
@example("t.x", {"t": "a text"})
@example("nope | default(t)", {"t": [1]})
@example("i == f", {"i": 1, "f": 1.0})
def test_compiled_and_walked_agree(text: str, context: dict[str, Any]) -> None:
    for source in ("{{ " + text + " }}", "a {{ " + text + " }} b"):
        try:
            template = parse(source)
        except ExpressionError:
            assume(False)  # nested too deep
        function = compiled_template(template)
        assert _outcome(lambda: function(context)) == _outcome(lambda: _walked(template, context))  # noqa: B023


def test_a_text_is_bounded_while_it_grows() -> None:
    function = compiled_template(parse("{{ t }}{{ t }}"))
    with pytest.raises(ExpressionError, match="grows beyond"):
        function({"t": "x" * (RESULT_LENGTH // 2 + 1)})


NESTED: list[tuple[Any, Any]] = [
    ("plain", "plain"),
    ("{{ i }}", 7),
    ({"a": 1, "b": "{{ i }}", "c": "x{{ j }}"}, {"a": 1, "b": 7, "c": "x-3"}),
    ({"a": {"b": ["{{ t }}", {"c": None}]}}, {"a": {"b": ["Hello wide World", {"c": None}]}}),
    (["{{ i }}", 2.5, True], [7, 2.5, True]),
    ({"{{ i }}": "key"}, {"{{ i }}": "key"}),
]


@pytest.mark.parametrize(("value", "expected"), NESTED)
def test_nested_values_are_built_in_their_order(value: Any, expected: Any) -> None:
    built = compiled_value(value)(CONTEXT)
    assert repr(built) == repr(expected)


@pytest.mark.parametrize("value", [{"a": [1, {"b": []}], "c": "{{ i }}"}, [[1], {"a": "x"}], {"a": 1}, []])
def test_two_calls_share_no_list_and_no_object(value: Any) -> None:
    function = compiled_value(value)
    spoilt = function(CONTEXT)
    _spoil(spoilt)
    assert function(CONTEXT) == compiled_value(value)(CONTEXT)


def _spoil(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _spoil(item)
        value["spoilt"] = True
    elif isinstance(value, list):
        for item in value:
            _spoil(item)
        value.append("spoilt")

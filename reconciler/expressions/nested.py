"""Nested values with expressions in their texts -> functions that build them anew for every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.expressions.compiled import Evaluate
from reconciler.expressions.operations import Context
from reconciler.expressions.template import compiled_template, has_expression, parse

_SCALARS = frozenset({str, int, float, bool, type(None)})


def compiled_value(value: Any) -> Evaluate:
    """The function that gives a copy of a value with its expressions evaluated. Raises ExpressionError where one does
    not parse; keys are never expressions.

    What comes of an expression is passed on as it is. Lists and objects that stand in the value are built anew each
    time, constant or not: a tool that changes what it was given must not reach the next task with it.
    """
    if isinstance(value, str):
        return compiled_template(parse(value)) if has_expression(value) else _constant(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, (list, tuple)):
        return _list(value)
    return _constant(value)


def is_constant(value: Any) -> bool:
    """Whether a value is a scalar without any expression."""
    return type(value) in _SCALARS and not (isinstance(value, str) and has_expression(value))


def _constant(value: Any) -> Evaluate:
    return lambda context: value


def _object(value: Mapping[str, Any]) -> Evaluate:
    """The constants are copied together, in the order of the keys; only the others are asked for."""
    constants = dict(value)
    others = [(key, compiled_value(item)) for key, item in value.items() if not is_constant(item)]
    if not others:
        return lambda context: constants.copy()
    if len(others) == 1:
        only, evaluate = others[0]
        if len(constants) == 1:
            return lambda context: {only: evaluate(context)}

        def build_one(context: Context) -> dict[str, Any]:
            built = constants.copy()
            built[only] = evaluate(context)
            return built

        return build_one

    def build(context: Context) -> dict[str, Any]:
        built = constants.copy()
        for key, part in others:
            built[key] = part(context)
        return built

    return build


def _list(value: list[Any] | tuple[Any, ...]) -> Evaluate:
    if all(map(is_constant, value)):
        constants = list(value)
        return lambda context: constants.copy()
    items = [compiled_value(item) for item in value]
    return lambda context: [item(context) for item in items]


def evaluate_value(value: Any, context: Mapping[str, Any]) -> Any:
    """A copy of a nested value, for once. Raises ExpressionError."""
    return compiled_value(value)(context)

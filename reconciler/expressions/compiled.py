"""Nodes -> functions from names to values, made once and called for many tasks.

A function is specialised for what its node is known to be (a path of two names, a filter whose arguments are
constants) and hands whatever is not the common case to `operations`, which also says what is wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, assert_never

from reconciler.errors import ExpressionError
from reconciler.expressions.filters import FILTERS, FilterSpec
from reconciler.expressions.operations import (
    Context,
    UndefinedError,
    calculated,
    check_argument,
    check_filtered,
    filtered,
    holds,
    member,
    signed,
    tested,
)
from reconciler.expressions.paths import path_of
from reconciler.expressions.predicates import PREDICATES
from reconciler.expressions.syntax import (
    Arithmetic,
    Compare,
    Comparison,
    Concat,
    Conditional,
    Filter,
    Item,
    ListOf,
    Literal,
    Logic,
    Node,
    Path,
    Test,
    Unary,
)
from reconciler.expressions.values import RESULT_LENGTH, bounded, to_text

Evaluate = Callable[[Context], Any]
"""Raises ExpressionError."""


def compiled(node: Node) -> Evaluate:
    """The function that gives a node's value."""
    match node:
        case Path():
            return path_of(node)
        case Literal():
            return _constant(node.value)
        case Filter():
            return _filter(node)
        case Compare():
            return _compare(node)
        case Logic():
            return _logic(node)
        case Test():
            return _test(node)
        case Conditional():
            return _conditional(node)
        case Concat():
            return _concat(node)
        case Arithmetic():
            left, right = compiled(node.left), compiled(node.right)
            return lambda context: calculated(node, left(context), right(context))
        case Unary():
            operand = compiled(node.operand)
            if node.operator == "not":
                return lambda context: not operand(context)
            return lambda context: signed(node, operand(context))
        case Item():
            target, key, offset = compiled(node.target), compiled(node.key), node.offset
            return lambda context: member(target(context), key(context), offset)
        case ListOf():
            items = [compiled(item) for item in node.items]
            return lambda context: [item(context) for item in items]
    assert_never(node)


def compiled_text(parts: tuple[str | Node, ...]) -> Evaluate:
    """The function that joins stretches of text and what expressions between them give."""
    pieces = [
        (part, None, 0) if isinstance(part, str) else ("", compiled(part), part.offset) for part in parts
    ]

    def text(context: Context) -> str:
        texts: list[str] = []
        length = 0
        for piece, evaluate, offset in pieces:
            if evaluate is not None:
                value = evaluate(context)
                piece = value if type(value) is str else to_text(value, offset)
            length += len(piece)
            if length > RESULT_LENGTH:
                raise ExpressionError(f"the text grows beyond {RESULT_LENGTH:,} characters")
            texts.append(piece)
        return "".join(texts)

    return text


def _constant(value: Any) -> Evaluate:
    return lambda context: value


# --- operators ------------------------------------------------------------------------------------

_PLAIN = frozenset({int, float, str, bool})
_SIGNS: dict[Comparison, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""Signs that mean the same to Python where both sides are of one plain type."""


def _logic(node: Logic) -> Evaluate:
    left, right = compiled(node.left), compiled(node.right)
    if node.operator == "and":
        return lambda context: left(context) and right(context)
    return lambda context: left(context) or right(context)


def _conditional(node: Conditional) -> Evaluate:
    test, then, otherwise = compiled(node.test), compiled(node.then), compiled(node.otherwise)
    return lambda context: then(context) if test(context) else otherwise(context)


def _concat(node: Concat) -> Evaluate:
    left, right, offset = compiled(node.left), compiled(node.right), node.offset

    def concat(context: Context) -> Any:
        before, behind = left(context), right(context)
        return bounded(to_text(before, offset) + to_text(behind, offset), offset)

    return concat


def _compare(node: Compare) -> Evaluate:
    if len(node.rest) > 1:
        return _compare_many(node)
    sign, operand = node.rest[0]
    first, second, offset = compiled(node.first), compiled(operand), node.offset
    plain = _SIGNS.get(sign)

    def compare(context: Context) -> bool:
        left, right = first(context), second(context)
        kind = type(left)
        if plain is not None and kind is type(right) and kind in _PLAIN:
            return plain(left, right)
        return holds(sign, left, right, offset)

    return compare


def _compare_many(node: Compare) -> Evaluate:
    first, offset = compiled(node.first), node.offset
    rest = [(sign, compiled(operand)) for sign, operand in node.rest]

    def compare(context: Context) -> bool:
        left = first(context)
        for sign, operand in rest:
            right = operand(context)
            if not holds(sign, left, right, offset):
                return False
            left = right
        return True

    return compare


# --- filters and tests ----------------------------------------------------------------------------


def _filter(node: Filter) -> Evaluate:
    spec = FILTERS[node.name]
    target = _guarded(compiled(node.target)) if spec.guards else compiled(node.target)
    constants = _constant_arguments(node, spec)
    if constants is not None:

        def filter_with_constants(context: Context) -> Any:
            value = target(context)
            check_filtered(node, spec, value)
            return filtered(node, spec, value, constants)

        return filter_with_constants

    arguments = [(name, spec.parameters[name], compiled(argument)) for name, argument in node.arguments]
    lazy = spec.guards and all(name != "boolean" for name, _ in node.arguments)

    def filter_with_arguments(context: Context) -> Any:
        value = target(context)
        if (
            lazy and value is not None
        ):  # `input.html | default(steps.fetch.body)`: nothing was fetched, nor need be
            return value
        check_filtered(node, spec, value)
        given: dict[str, Any] = {}
        for name, wanted, argument in arguments:
            given[name] = argument(context)
            check_argument(node, name, wanted, given[name])
        return filtered(node, spec, value, given)

    return filter_with_arguments


def _constant_arguments(node: Filter, spec: FilterSpec) -> dict[str, Any] | None:
    """The arguments, where they are constants and fit; None where that must be seen when they are evaluated."""
    constants: dict[str, Any] = {}
    for name, argument in node.arguments:
        if not isinstance(argument, Literal):
            return None
        try:
            check_argument(node, name, spec.parameters[name], argument.value)
        except ExpressionError:
            return None
        constants[name] = argument.value
    return constants


def _guarded(target: Evaluate) -> Evaluate:
    """None stands for what is undefined."""

    def guarded(context: Context) -> Any:
        try:
            return target(context)
        except UndefinedError:
            return None

    return guarded


def _test(node: Test) -> Evaluate:
    predicate = PREDICATES[node.name]
    target = compiled(node.target)
    argument = None if node.argument is None else compiled(node.argument)
    if predicate.guards:
        return _defined(node, target)

    def test(context: Context) -> bool:
        value = target(context)
        return tested(node, predicate, value, () if argument is None else (argument(context),))

    return test


def _defined(node: Test, target: Evaluate) -> Evaluate:
    wanted = (node.name == "defined") is not node.negated

    def defined(context: Context) -> bool:
        try:
            target(context)
        except UndefinedError:
            return not wanted
        return wanted

    return defined

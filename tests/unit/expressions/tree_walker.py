"""Nodes -> values by walking the tree: the plain reading of the language, by which the compiled one is measured."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, assert_never

from reconciler.errors import ExpressionError
from reconciler.expressions.filters import FILTERS
from reconciler.expressions.predicates import PREDICATES, contains
from reconciler.expressions.syntax import (
    Arithmetic,
    Compare,
    Comparison,
    Concat,
    Conditional,
    Filter,
    Item,
    Key,
    ListOf,
    Literal,
    Logic,
    Node,
    Path,
    Test,
    Unary,
    shown,
)
from reconciler.expressions.values import bounded, kind_of, noun_of, to_text
from reconciler.spec.findings import did_you_mean

Context = Mapping[str, Any]


class UndefinedError(ExpressionError):
    """A name, key or item that is not there. What `default` and `is defined` catch."""


def evaluate(node: Node, context: Context) -> Any:
    """The value of a node. Raises ExpressionError."""
    match node:
        case Path():
            return _follow(node, context)
        case Literal():
            return node.value
        case Filter():
            return _filtered(node, context)
        case Compare():
            return _compared(node, context)
        case Logic():
            left = evaluate(node.left, context)
            decided = not left if node.operator == "and" else left
            return left if decided else evaluate(node.right, context)
        case Test():
            return _tested(node, context)
        case Conditional():
            return evaluate(node.then if evaluate(node.test, context) else node.otherwise, context)
        case Concat():
            left, right = evaluate(node.left, context), evaluate(node.right, context)
            return bounded(to_text(left, node.offset) + to_text(right, node.offset), node.offset)
        case Arithmetic():
            return _calculated(node, evaluate(node.left, context), evaluate(node.right, context))
        case Unary():
            return _signed(node, evaluate(node.operand, context))
        case Item():
            return _member(evaluate(node.target, context), evaluate(node.key, context), node.offset)
        case ListOf():
            return [evaluate(item, context) for item in node.items]
    assert_never(node)


# --- reading --------------------------------------------------------------------------------------


def _follow(path: Path, context: Context) -> Any:
    """Plain dicts are tried first and alone pay no call: nearly all steps of nearly all paths are such."""
    value: Any = context
    for index, key in enumerate(path.parts):
        if type(value) is dict and key in value:
            value = value[key]
        elif index:
            value = _member(value, key, path.offset, path.parts[:index])
        elif key in context:
            value = context[str(key)]
        else:
            known = [name for name in context if isinstance(name, str)]
            raise UndefinedError(
                f"`{key}` is undefined", offset=path.offset, hint=did_you_mean(str(key), known)
            )
    return value


def _member(value: Any, key: Any, offset: int, owner: tuple[Key, ...] = ()) -> Any:
    kind = kind_of(value)
    name = f"`{shown(owner)}`" if owner else noun_of(value)
    if kind == "object":
        if isinstance(key, (str, int)) and key in value:
            return value[key]
        raise UndefinedError(
            f"{name} has no `{key}`", offset=offset, hint=did_you_mean(str(key), map(str, value))
        )
    if kind == "list" and type(key) is int:
        if -len(value) <= key < len(value):
            return value[key]
        raise UndefinedError(f"{name} has {len(value)} items and none at {key}", offset=offset)
    what = f"{name} is {noun_of(value)} and" if owner else name
    raise UndefinedError(f"{what} has no `{key}`", offset=offset)


# --- operators ------------------------------------------------------------------------------------

_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_ORDER: Mapping[Comparison, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _calculated(node: Arithmetic, left: Any, right: Any) -> Any:
    for operand in (left, right):
        if kind_of(operand) != "number":
            hint = "texts are joined with `~`" if kind_of(operand) == "text" and node.operator == "+" else ""
            raise ExpressionError(
                f"`{node.operator}` calculates with numbers, not with {noun_of(operand)}",
                offset=node.offset,
                hint=hint,
            )
    left, right = _alike(left, right)
    try:
        return bounded(_ARITHMETIC[node.operator](left, right), node.offset)
    except ZeroDivisionError as error:
        raise ExpressionError("division by zero", offset=node.offset) from error
    except ArithmeticError as error:
        raise ExpressionError("the number is out of range", offset=node.offset) from error


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """A float beside a decimal becomes the decimal it is written as: Python does not mix the two."""
    if isinstance(left, Decimal) and isinstance(right, float):
        return left, Decimal(repr(right))
    if isinstance(right, Decimal) and isinstance(left, float):
        return Decimal(repr(left)), right
    return left, right


def _signed(node: Unary, operand: Any) -> Any:
    if node.operator == "not":
        return not operand
    if kind_of(operand) != "number":
        raise ExpressionError(
            f"`{node.operator}` is for numbers, not for {noun_of(operand)}", offset=node.offset
        )
    return bounded(-operand if node.operator == "-" else operand, node.offset)


def _compared(node: Compare, context: Context) -> bool:
    left = evaluate(node.first, context)
    for sign, operand in node.rest:
        right = evaluate(operand, context)
        if not _holds(sign, left, right, node.offset):
            return False
        left = right
    return True


def _holds(sign: Comparison, left: Any, right: Any, offset: int) -> bool:
    left, right = _alike(left, right)
    try:
        if sign == "==":
            return bool(left == right)
        if sign == "!=":
            return bool(left != right)
        if sign == "in":
            return contains(right, left)
        if sign == "not in":
            return not contains(right, left)
        return bool(_ORDER[sign](left, right))
    except ValueError as error:
        raise ExpressionError(str(error), offset=offset) from error
    except (TypeError, ArithmeticError, RecursionError) as error:
        hint = "give it a value with `| default(...)`" if left is None or right is None else ""
        raise ExpressionError(
            f"`{sign}` cannot compare {noun_of(left)} with {noun_of(right)}", offset=offset, hint=hint
        ) from error


# --- filters and tests ----------------------------------------------------------------------------


def _filtered(node: Filter, context: Context) -> Any:
    spec = FILTERS[node.name]
    try:
        value = evaluate(node.target, context)
    except UndefinedError:
        if not spec.guards:
            raise
        value = None
    if kind_of(value) not in spec.takes:
        hint = "give it a value with `| default(...)`" if value is None else ""
        raise ExpressionError(
            f"`{node.name}` does not work on {noun_of(value)}", offset=node.offset, hint=hint
        )
    if spec.guards and value is not None and all(name != "boolean" for name, _ in node.arguments):
        return value  # what would stand in for it is not looked at
    arguments: dict[str, Any] = {}
    for name, argument in node.arguments:
        arguments[name] = given = evaluate(argument, context)
        _check_argument(node, name, spec.parameters[name], given)
    try:
        return bounded(spec.apply(value, **arguments), node.offset)
    except LookupError as error:
        raise UndefinedError(f"`{node.name}`: {error.args[0]}", offset=node.offset) from error
    except ValueError as error:
        raise ExpressionError(f"`{node.name}`: {error}", offset=node.offset) from error
    except (TypeError, ArithmeticError, RecursionError) as error:
        raise ExpressionError(
            f"`{node.name}` does not work on these values together", offset=node.offset
        ) from error


def _check_argument(node: Filter, name: str, wanted: str, given: Any) -> None:
    fits = wanted == "any" or (type(given) is int if wanted == "integer" else kind_of(given) == wanted)
    if not fits:
        raise ExpressionError(
            f"`{name}` of filter `{node.name}` is of type {wanted}, not {noun_of(given)}", offset=node.offset
        )


def _tested(node: Test, context: Context) -> bool:
    predicate = PREDICATES[node.name]
    try:
        value = evaluate(node.target, context)
    except UndefinedError:
        if not predicate.guards:
            raise
        return (node.name == "undefined") is not node.negated
    arguments = () if node.argument is None else (evaluate(node.argument, context),)
    try:
        return predicate.apply(value, *arguments) is not node.negated
    except ValueError as error:
        raise ExpressionError(f"`is {node.name}`: {error}", offset=node.offset) from error

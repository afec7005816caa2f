"""Row condition -> its answer for one row, in SQL's three-valued logic: None is NULL."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase
from typing import Any, assert_never

from reconciler.expressions.check_syntax import (
    Among,
    Between,
    Calculation,
    Call,
    ColumnValue,
    Compared,
    Constant,
    IsNull,
    Junction,
    Negative,
    Not,
    Operand,
    Sign,
    ValueKind,
)
from reconciler.expressions.check_values import CANONICAL

Value = int | float | str | bool | None

_SIGNS: Mapping[Sign, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_UPPER = str.maketrans(ascii_lowercase, ascii_uppercase)


def evaluate(node: Operand, row: Mapping[str, Any]) -> Value:
    """A boolean node gives True, False or None. Columns missing from the row are NULL."""
    match node:
        case ColumnValue():
            return stored(row.get(node.name), node.kind)
        case Constant():
            return float(node.value) if isinstance(node.value, Decimal) else node.value
        case Negative():
            value = evaluate(node.operand, row)
            return None if value is None else _whole_or_real(-_number(value), -float(value))
        case Calculation():
            left, right = evaluate(node.left, row), evaluate(node.right, row)
            return None if left is None or right is None else _calculated(node, _number(left), _number(right))
        case Call():
            return _called(node, [evaluate(argument, row) for argument in node.arguments])
        case Compared():
            return _compared(node.sign, evaluate(node.left, row), evaluate(node.right, row))
        case Between():
            value = evaluate(node.operand, row)
            above = _compared(">=", value, evaluate(node.low, row))
            below = _compared("<=", value, evaluate(node.high, row))
            return _negated(_both(above, below), node.negated)
        case Among():
            value = evaluate(node.operand, row)
            answers = [_compared("=", value, evaluate(choice, row)) for choice in node.choices]
            return _negated(True if True in answers else None if None in answers else False, node.negated)
        case IsNull():
            return (evaluate(node.operand, row) is None) is not node.negated
        case Not():
            return _negated(_truth(evaluate(node.operand, row)), True)
        case Junction():
            left, right = _truth(evaluate(node.left, row)), _truth(evaluate(node.right, row))
            if node.operator == "and":
                return _both(left, right)
            return _negated(_both(_negated(left, True), _negated(right, True)), True)
    assert_never(node)


def stored(value: Any, kind: ValueKind) -> Value:
    """A value of a row as SQLite holds and compares it. Raises ValueError if it is none of the kind."""
    if value is None:
        return None
    if kind in CANONICAL:
        return CANONICAL[kind][0](value)
    if kind in ("real", "decimal"):
        return float(value)
    return bool(value) if kind == "boolean" else value


def _calculated(node: Calculation, left: int | float, right: int | float) -> Value:
    if node.operator in ("/", "%"):
        if right == 0:
            return None
        if node.kind != "integer":
            return _defined(left / right)
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return _whole_or_real(
            quotient if node.operator == "/" else left - quotient * right, float(left) / right
        )
    apply = {"+": operator.add, "-": operator.sub, "*": operator.mul}[node.operator]
    return _whole_or_real(apply(left, right), apply(float(left), float(right)))


def _whole_or_real(exact: int | float, approximate: float) -> Value:
    """SQLite goes on in floating point where 64 bits no longer do."""
    if isinstance(exact, int) and not -(2**63) <= exact < 2**63:
        return approximate
    return _defined(exact)


def _defined(number: int | float) -> Value:
    return None if isinstance(number, float) and math.isnan(number) else number


def _called(node: Call, values: list[Value]) -> Value:
    if node.function == "coalesce":
        return next((value for value in values if value is not None), None)
    value = values[0]
    if value is None:
        return None
    match node.function:
        case "abs":
            return _whole_or_real(abs(_number(value)), abs(float(value)))
        case "length":
            return len(str(value))
        case "lower":
            return str(value).translate(_LOWER)
        case "upper":
            return str(value).translate(_UPPER)
    assert_never(node.function)


def _number(value: Value) -> int | float:
    """Parsing saw to it that only numbers come here."""
    assert isinstance(value, (int, float))
    return value


def _truth(value: Value) -> bool | None:
    assert value is None or isinstance(value, bool)
    return value


def _compared(sign: Sign, left: Value, right: Value) -> bool | None:
    return None if left is None or right is None else _SIGNS[sign](left, right)


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _negated(answer: bool | None, negated: bool) -> bool | None:
    return answer if answer is None or not negated else not answer

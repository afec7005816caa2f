"""What may stand beside what in a row condition, and the kind of what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal, cast

from reconciler.errors import ExpressionError
from reconciler.expressions.check_syntax import (
    NUMBERS,
    Calculation,
    Compared,
    Constant,
    Operand,
    Sign,
    ValueKind,
)
from reconciler.expressions.check_values import CANONICAL
from reconciler.expressions.tokens import leading_zero

NOUNS: Mapping[ValueKind, str] = {
    "integer": "an integer",
    "real": "a number",
    "decimal": "a decimal",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a time",
    "uuid": "a uuid",
}
_LARGEST = Decimal(10) ** 300


def number(text: str, offset: int) -> Constant:
    if leading_zero(text):
        raise ExpressionError(f"`{text}` begins with a zero", offset=offset)
    if not text.isdigit():
        fraction = Decimal(text)
        if fraction > _LARGEST:
            raise ExpressionError(f"`{text}` is too large", offset=offset)
        return Constant(fraction, "decimal", offset)
    if len(text) > 19 or int(text) >= 2**63:
        raise ExpressionError(f"`{text}` does not fit 64 bits", offset=offset)
    return Constant(int(text), "integer", offset)


def calculation(operator: str, left: Operand, right: Operand, offset: int) -> Operand:
    must_be_number(left, operator, offset)
    must_be_number(right, operator, offset)
    kind = common([left.kind, right.kind])
    if operator == "%" and kind != "integer":
        raise ExpressionError("`%` is for integers", offset=offset)
    return Calculation(cast(Literal["+", "-", "*", "/", "%"], operator), left, right, kind)


def comparison(sign: Sign, left: Operand, right: Operand, offset: int) -> Compared:
    left, right = of_one_kind((left, right), f"`{sign}`", offset)
    if sign not in ("=", "<>"):
        must_be_ordered(left, sign, offset)
    return Compared(sign, left, right)


def of_one_kind(operands: Sequence[Operand], what: str, offset: int) -> tuple[Operand, ...]:
    """The operands, with texts read as the dates, times or uuids they are compared with."""
    others = [o for o in operands if not (isinstance(o, Constant) and o.kind == "text")]
    kind = others[0].kind if others else "text"
    if kind in CANONICAL:
        operands = [
            _read_as(kind, o) if isinstance(o, Constant) and o.kind == "text" else o for o in operands
        ]
    for operand in operands:
        if operand.kind != kind and not {operand.kind, kind} <= NUMBERS:
            wrong = operand.offset if isinstance(operand, Constant) else offset
            hint = "write true or false" if kind == "boolean" else ""
            raise ExpressionError(
                f"{what} cannot compare {NOUNS[kind]} with {NOUNS[operand.kind]}", offset=wrong, hint=hint
            )
    return tuple(operands)


def _read_as(kind: ValueKind, constant: Constant) -> Constant:
    canonical, example = CANONICAL[kind]
    try:
        return replace(constant, value=canonical(str(constant.value)), kind=kind)
    except ValueError as error:
        raise ExpressionError(f"`{constant.value}` is not {example}", offset=constant.offset) from error


def common(kinds: Sequence[ValueKind]) -> ValueKind:
    """The kind of a number that may come from any of these; other kinds are all alike."""
    if len(set(kinds)) == 1:
        return kinds[0]
    return "real" if "real" in kinds else "decimal"


def must_be_number(node: Operand, what: str, offset: int) -> None:
    if node.kind not in NUMBERS:
        raise ExpressionError(f"`{what}` is for numbers, not for {NOUNS[node.kind]}", offset=offset)


def must_be_ordered(node: Operand, what: str, offset: int) -> None:
    if node.kind == "boolean":
        raise ExpressionError(f"`{what}` does not work on true and false", offset=offset, hint="use `=`")


def must_be_boolean(node: Operand, what: str, offset: int) -> None:
    if node.kind != "boolean":
        raise ExpressionError(
            f"{what} is a condition, not {NOUNS[node.kind]}", offset=offset, hint="compare it with something"
        )

"""The nodes of a row condition. Every node knows the kind of its value: there are no ill-typed conditions.

The kinds integer, real and decimal are numbers. Dates, times and uuids are held as the texts SQLite stores:
`2026-01-31`, `2026-01-31 13:00:00.000000` in UTC, and 32 hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, assert_never

ValueKind = Literal["integer", "real", "decimal", "text", "boolean", "date", "datetime", "uuid"]
Sign = Literal["=", "<>", "<", "<=", ">", ">="]
Function = Literal["length", "lower", "upper", "abs", "coalesce"]

NUMBERS: frozenset[ValueKind] = frozenset({"integer", "real", "decimal"})


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """What a row has in a column."""

    name: str
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written in the condition."""

    value: int | Decimal | str | bool
    kind: ValueKind
    offset: int


@dataclass(frozen=True, slots=True)
class Negative:
    """`-operand`"""

    operand: Operand
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Calculation:
    """Division by zero gives NULL; whole numbers divide to whole numbers, cut towards zero."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Operand
    right: Operand
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Call:
    """`lower` and `upper` change the letters of ASCII only; `length` counts characters."""

    function: Function
    arguments: tuple[Operand, ...]
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Compared:
    """Texts are ordered by code point."""

    sign: Sign
    left: Operand
    right: Operand
    kind: ValueKind = "boolean"


@dataclass(frozen=True, slots=True)
class Between:
    """`operand [not] between low and high`"""

    operand: Operand
    low: Operand
    high: Operand
    negated: bool
    kind: ValueKind = "boolean"


@dataclass(frozen=True, slots=True)
class Among:
    """`operand [not] in (choices)`."""

    operand: Operand
    choices: tuple[Operand, ...]
    negated: bool
    kind: ValueKind = "boolean"


@dataclass(frozen=True, slots=True)
class IsNull:
    """`operand is [not] null`"""

    operand: Operand
    negated: bool
    kind: ValueKind = "boolean"


@dataclass(frozen=True, slots=True)
class Not:
    """`not operand`"""

    operand: Operand
    kind: ValueKind = "boolean"


@dataclass(frozen=True, slots=True)
class Junction:
    """`left and right`, `left or right`"""

    operator: Literal["and", "or"]
    left: Operand
    right: Operand
    kind: ValueKind = "boolean"


Operand = (
    ColumnValue
    | Constant
    | Negative
    | Calculation
    | Call
    | Compared
    | Between
    | Among
    | IsNull
    | Not
    | Junction
)


def column_names(node: Operand) -> Iterator[str]:
    """Names of the columns a node reads, as often as it reads them."""
    match node:
        case ColumnValue():
            yield node.name
        case Constant():
            return
        case Negative() | IsNull() | Not():
            yield from column_names(node.operand)
        case Calculation() | Compared() | Junction():
            yield from column_names(node.left)
            yield from column_names(node.right)
        case Call():
            for argument in node.arguments:
                yield from column_names(argument)
        case Between():
            for part in (node.operand, node.low, node.high):
                yield from column_names(part)
        case Among():
            for part in (node.operand, *node.choices):
                yield from column_names(part)
        case _:
            assert_never(node)

"""The closed set of nodes an expression can consist of. Frozen values.

`offset` is where in the text a node starts; for operators, filters and tests, where their sign or name is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as OneOf
from typing import assert_never

Scalar = str | int | float | bool | None
Key = str | int
Comparison = OneOf["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, truth value or none as it stands."""

    value: Scalar
    offset: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`"""

    items: tuple[Node, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Path:
    """A name and the keys followed from it, all known without evaluating: `steps.extract.rows[0]`."""

    parts: tuple[Key, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Item:
    """`target[key]` where the target is no path or the key is computed."""

    target: Node
    key: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `+a`, `not a`"""

    operator: OneOf["-", "+", "not"]
    operand: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right`: numbers only."""

    operator: OneOf["+", "-", "*", "/", "//", "%"]
    left: Node
    right: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Concat:
    """`left ~ right`: both as text."""

    left: Node
    right: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Compare:
    """`first op second op third ...`: every neighbouring pair must hold."""

    first: Node
    rest: tuple[tuple[Comparison, Node], ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Logic:
    """Gives one of its operands, like Python's; the right one is evaluated only if needed."""

    operator: OneOf["and", "or"]
    left: Node
    right: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """`then if test else otherwise`"""

    test: Node
    then: Node
    otherwise: Node
    offset: int


@dataclass(frozen=True, slots=True)
class Filter:
    """`target | name(arguments)`; the arguments are already bound to the names of the filter's parameters."""

    name: str
    target: Node
    arguments: tuple[tuple[str, Node], ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Test:
    """`target is [not] name argument`."""

    name: str
    target: Node
    argument: Node | None
    negated: bool
    offset: int


Node = (
    Literal
    | ListOf
    | Path
    | Item
    | Unary
    | Arithmetic
    | Concat
    | Compare
    | Logic
    | Conditional
    | Filter
    | Test
)


@dataclass(frozen=True, slots=True)
class Reference:
    """A path an expression reads; `guarded` where `default(...)` or `is [un]defined` stands over it."""

    path: tuple[Key, ...]
    offset: int
    guarded: bool


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside a node, in the order of the text."""
    match node:
        case Literal() | Path():
            return ()
        case ListOf():
            return node.items
        case Item():
            return (node.target, node.key)
        case Unary():
            return (node.operand,)
        case Arithmetic() | Concat() | Logic():
            return (node.left, node.right)
        case Compare():
            return (node.first, *(operand for _, operand in node.rest))
        case Conditional():
            return (node.then, node.test, node.otherwise)
        case Filter():
            return (node.target, *(argument for _, argument in node.arguments))
        case Test():
            return (node.target,) if node.argument is None else (node.target, node.argument)
    assert_never(node)


def descendants(node: Node) -> Iterator[Node]:
    """The node and everything inside it."""
    yield node
    for child in children(node):
        yield from descendants(child)


def shown(parts: tuple[Key, ...]) -> str:
    """A path as it is written: `steps.extract.rows[0]`."""
    text = str(parts[0])
    for part in parts[1:]:
        text += f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{part!r}]"
    return text

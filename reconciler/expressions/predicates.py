"""The tests that may follow `is`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reconciler.expressions.values import NOUNS, Kind, kind_of


@dataclass(frozen=True, slots=True)
class Predicate:
    """`apply(value)` or, with `argument`, `apply(value, argument)` answers; ValueError, with a sentence,
    where the question makes no sense. `takes`: kinds it is asked of. `guards`: the value may be undefined.
    """

    apply: Callable[..., bool]
    argument: bool = False
    guards: bool = False
    takes: frozenset[Kind] = frozenset(NOUNS)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError("only whole numbers can be tested so")
    return value


def _divisible(value: Any, divisor: Any) -> bool:
    if _whole(divisor) == 0:
        raise ValueError("nothing is divisible by 0")
    return _whole(value) % _whole(divisor) == 0


def _contained(value: Any, container: Any) -> bool:
    return contains(container, value)


def contains(container: Any, value: Any) -> bool:
    """`value in container`: a part of a text, an item of a list, a key of an object. Raises ValueError."""
    match kind_of(container):
        case "text" if kind_of(value) == "text":
            return str(value) in str(container)
        case "list":
            return value in container
        case "object":
            return isinstance(value, str) and value in container
    raise ValueError("`in` looks for a text in a text, an item in a list or a key in an object")


_NUMBER: frozenset[Kind] = frozenset({"number"})

PREDICATES: Mapping[str, Predicate] = MappingProxyType(
    {
        # The evaluator answers these two itself: it alone knows what is undefined.
        "defined": Predicate(lambda value: True, guards=True),
        "undefined": Predicate(lambda value: False, guards=True),
        "none": Predicate(lambda value: value is None),
        "true": Predicate(lambda value: value is True),
        "false": Predicate(lambda value: value is False),
        "boolean": Predicate(lambda value: kind_of(value) == "boolean"),
        "string": Predicate(lambda value: kind_of(value) == "text"),
        "number": Predicate(lambda value: kind_of(value) == "number"),
        "integer": Predicate(lambda value: type(value) is int),
        "float": Predicate(lambda value: type(value) is float),
        "mapping": Predicate(lambda value: kind_of(value) == "object"),
        "odd": Predicate(lambda value: _whole(value) % 2 == 1, takes=_NUMBER),
        "even": Predicate(lambda value: _whole(value) % 2 == 0, takes=_NUMBER),
        "divisibleby": Predicate(_divisible, argument=True, takes=_NUMBER),
        "in": Predicate(_contained, argument=True),
    }
)

"""Paths -> functions that follow them: most of what expressions are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.expressions.operations import Context, follow
from reconciler.expressions.syntax import Key, Path

Evaluate = Callable[[Context], Any]


def path_of(path: Path) -> Evaluate:
    """Plain dicts all the way are the common case; what is none, or lacks the key, is followed again with care."""
    match path.parts:
        case (first, second):
            return _path_of_two(path, first, second)
        case (first, second, third):
            return _path_of_three(path, first, second, third)
    first, *rest = path.parts

    def many(context: Context) -> Any:
        try:
            value = context[first]  # type: ignore[index]
            for key in rest:
                if type(value) is not dict:
                    return follow(path, context)
                value = value[key]
        except KeyError:
            return follow(path, context)
        return value

    return many


def _path_of_two(path: Path, first: Key, second: Key) -> Evaluate:
    """`input.subject`"""

    def two(context: Context) -> Any:
        try:
            owner = context[first]  # type: ignore[index]  # a name is a text
            if type(owner) is dict:
                return owner[second]
        except KeyError:
            pass
        return follow(path, context)

    return two


def _path_of_three(path: Path, first: Key, second: Key, third: Key) -> Evaluate:
    """`steps.extract.urgency`"""

    def three(context: Context) -> Any:
        try:
            outer = context[first]  # type: ignore[index]
            if type(outer) is dict:
                inner = outer[second]
                if type(inner) is dict:
                    return inner[third]
        except KeyError:
            pass
        return follow(path, context)

    return three

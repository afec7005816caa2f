"""What the values of expressions are: their kinds, their bounds, and how they look in a text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from reconciler.errors import ExpressionError

Kind = Literal["text", "number", "boolean", "list", "object", "date", "none", "other"]

RESULT_LENGTH = 1_048_576
"""Characters of a text, and items of a list, that an expression may build. What it merely passes on is not
measured: that was bounded where it came in."""

INTEGER_BOUND = 2**63
"""Whole numbers fit a database's 64 bits."""

_KINDS: dict[type, Kind] = {
    str: "text",
    int: "number",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    list: "list",
    tuple: "list",
    dict: "object",
    date: "date",
    datetime: "date",
    time: "date",
    UUID: "text",
    type(None): "none",
}

NOUNS: dict[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "object": "an object",
    "date": "a date",
    "none": "none",
    "other": "a value of another kind",
}


def kind_of(value: Any) -> Kind:
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    for base, known in (
        (str, "text"),
        (Mapping, "object"),
        (list, "list"),
        (int, "number"),
        (float, "number"),
    ):
        if isinstance(value, base):
            return known  # type: ignore[return-value]  # mypy widens the pairs to str
    return "other"


def noun_of(value: Any) -> str:
    return NOUNS[kind_of(value)]


def to_text(value: Any, offset: int = 0) -> str:
    """A value inside a text: none is empty, collections and booleans are JSON, dates ISO 8601."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    kind = kind_of(value)
    if kind in ("list", "object", "boolean"):
        return to_json(value, offset)
    if kind == "date":
        return str(value.isoformat())
    if kind == "other":
        raise ExpressionError(f"a {type(value).__name__} cannot be written into a text", offset=offset)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def to_json(value: Any, offset: int = 0) -> str:
    """Keys sorted, so that equal values give equal texts."""
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise ExpressionError("the value cannot be written as JSON", offset=offset) from error
    if len(text) > RESULT_LENGTH:
        raise ExpressionError(f"the text grows beyond {RESULT_LENGTH:,} characters", offset=offset)
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if kind_of(value) == "other":
        raise TypeError
    return to_text(value)


def bounded(value: Any, offset: int) -> Any:
    """The value itself; ExpressionError where a number leaves 64 bits or a text or list grows too long."""
    if isinstance(value, int):
        if not -INTEGER_BOUND <= value < INTEGER_BOUND:
            raise ExpressionError("the number does not fit 64 bits", offset=offset)
    elif isinstance(value, (float, Decimal)):
        if not math.isfinite(value):
            raise ExpressionError("the number is not finite", offset=offset)
    elif isinstance(value, (str, list)) and len(value) > RESULT_LENGTH:
        what = (
            "text grows beyond {:,} characters" if isinstance(value, str) else "list grows beyond {:,} items"
        )
        raise ExpressionError("the " + what.format(RESULT_LENGTH), offset=offset)
    return value

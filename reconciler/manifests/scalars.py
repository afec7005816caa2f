"""Plain scalars by the rules of YAML 1.2's core schema.

`no`, `on`, `1:30`, `1_000` and `2024-01-31` are text. What could mean either of two values is refused.
"""

from __future__ import annotations

import re

WORDS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""Plain scalars that are not text, other than numbers."""

NUMERIC_STARTS = frozenset("+-.0123456789")

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))")
MAX_DEPTH = 32
"""Collections inside one another."""
MAX_KEY_LENGTH = 200

_MOST_DIGITS = 24
"""Longer texts are not even converted: the largest 64-bit integer has 22 digits in octal."""


class AmbiguousNumberError(Exception):
    """Says why the text is refused as a number. The remedy is always the same: quotes, if text is meant."""


def plain(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar; AmbiguousNumberError where two readers would see two different numbers."""
    if text[:1] in NUMERIC_STARTS:
        return number(text)
    return WORDS.get(text, text)


def number(text: str) -> str | int | float:
    """The value of a plain scalar that starts like a number. What only starts like one is text."""
    if _INTEGER.fullmatch(text):
        return _bounded(text, 10)
    if _PREFIXED.fullmatch(text):
        return _bounded(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return _float(text)
    if _NOT_FINITE.fullmatch(text):
        raise AmbiguousNumberError(f"{text} is not a finite number")
    return text


def _bounded(digits: str, base: int) -> int:
    value = int(digits, base) if len(digits) <= _MOST_DIGITS else 2**64
    if not -(2**63) <= value < 2**63:
        raise AmbiguousNumberError("a whole number lies between -2^63 and 2^63 - 1")
    return value


def _float(text: str) -> float:
    mantissa = re.split("[eE]", text.lstrip("+-"))[0]
    if mantissa.isdigit() and text.lstrip("+-") == mantissa:
        raise AmbiguousNumberError(f"{text} begins with 0: octal to some readers, decimal to others")
    digits = mantissa.replace(".", "").strip("0")
    if len(digits) > 17:
        raise AmbiguousNumberError("a number has 17 significant digits at most; more would be lost")
    value = float(text)
    if value in (float("inf"), float("-inf")) or (value == 0 and digits):
        raise AmbiguousNumberError(f"{text} is out of range")
    return value

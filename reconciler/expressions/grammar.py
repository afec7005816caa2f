"""Signs, words and literals of expressions, and how tightly operators bind: as in Jinja."""

from __future__ import annotations

import re

from reconciler.errors import ExpressionError
from reconciler.expressions.tokens import leading_zero
from reconciler.expressions.values import INTEGER_BOUND

TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<end>\}\}|\Z)"
    r"|(?P<operator>==|!=|<=|>=|//|[-+*/%~<>|.,()\[\]=:{}])"
    r"|(?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<string>\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^'\\]*(?:\\.[^'\\]*)*'))",
    re.DOTALL,
)

CONDITIONAL, OR, AND, NOT, COMPARE, SUM, CONCAT, PRODUCT, FILTER, SIGN, POSTFIX = range(1, 12)

POWERS = {
    "if": CONDITIONAL,
    "or": OR,
    "and": AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not"), COMPARE),
    **dict.fromkeys(("+", "-"), SUM),
    "~": CONCAT,
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
    **dict.fromkeys(("|", "is"), FILTER),
    **dict.fromkeys((".", "[", "("), POSTFIX),
}

CONSTANTS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
RESERVED = frozenset({"and", "or", "not", "is", "in", "if", "else"})
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "'": "'"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)

HINTS = {
    "=": "write `==` to compare",
    ":": "slices and dict literals are not supported",
    "{": "dict literals are not supported",
    "}": "an expression ends with `}}`",
    "": "is there something missing at the end?",
}


def number(text: str, offset: int) -> int | float:
    if leading_zero(text):
        raise ExpressionError(f"`{text}` begins with a zero", offset=offset, hint="quote it if it is a text")
    if len(text) > 40:
        raise ExpressionError("a number has at most 40 digits", offset=offset)
    if text.endswith("_") or "__" in text:
        raise ExpressionError(f"`{text}` is not a number", offset=offset)
    if not text.replace("_", "").isdigit():
        fraction = float(text)
        if fraction == float("inf"):
            raise ExpressionError(f"`{text}` is too large", offset=offset)
        return fraction
    whole = int(text)
    if whole >= INTEGER_BOUND:
        raise ExpressionError(f"`{text}` does not fit 64 bits", offset=offset)
    return whole


def unescaped(text: str, offset: int) -> str:
    if "\\" not in text:
        return text[1:-1]

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code and not 0xD800 <= int(code, 16) < 0xE000:
            return chr(int(code, 16))
        if not code and match[3] in _ESCAPES:
            return _ESCAPES[match[3]]
        raise ExpressionError(
            f"`{match[0]}` is no escape", offset=offset + 1 + match.start(), hint="for a backslash write two"
        )

    return _ESCAPE.sub(character, text[1:-1])

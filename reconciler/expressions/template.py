"""Texts with `{{ ... }}` in them: parse, ask what they refer to, evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reconciler.errors import ExpressionError
from reconciler.expressions.compiled import Evaluate, compiled, compiled_text
from reconciler.expressions.parser import Parser
from reconciler.expressions.syntax import Node, Reference

TEXT_LENGTH = 262_144
"""Characters of one text, prompts included."""

EXPRESSION_LENGTH = 4_000
"""Characters between one pair of braces."""

_OPENING = re.compile(r"\{[{%#]")

Path = tuple[str | int, ...]

_LEAVES = frozenset({int, float, bool, type(None)})


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text. `parts` are its literal stretches and expressions in order.

    `is_expression`: it is one `{{ }}` and nothing else and its value keeps its type; any other gives a str.
    """

    text: str
    parts: tuple[str | Node, ...]
    references: tuple[Reference, ...]
    is_expression: bool

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The value for these names. `context` holds JSON-like values, None for what is declared but missing.

        Raises ExpressionError where a name is undefined, a type does not fit or the result grows too large.
        """
        return compiled_template(self)(context)


def compiled_template(template: Template) -> Evaluate:
    """The same as a function, for a template that is evaluated more than once."""
    first = template.parts[0] if template.is_expression else ""
    return compiled_text(template.parts) if isinstance(first, str) else compiled(first)


def has_expression(text: str) -> bool:
    """Whether a text must be parsed. Also true for Jinja's other braces, which parsing refuses."""
    return "{" in text and _OPENING.search(text) is not None


@lru_cache(maxsize=8192)
def parse(text: str) -> Template:
    """Raises ExpressionError, with the offset in `text`."""
    if len(text) > TEXT_LENGTH:
        raise ExpressionError(f"a text with expressions has at most {TEXT_LENGTH:,} characters")
    parts: list[str | Node] = []
    references: list[Reference] = []
    position = 0
    while match := _OPENING.search(text, position):
        start = match.start()
        if start > position:
            parts.append(text[position:start])
        parser = _enter(text, start)
        parts.append(parser.whole("}}"))
        references += parser.references
        position = parser.position
        if position - start > EXPRESSION_LENGTH:
            raise ExpressionError(f"an expression has at most {EXPRESSION_LENGTH:,} characters", offset=start)
    if position < len(text):
        parts.append(text[position:])
    is_expression = len(parts) == 1 and not isinstance(parts[0], str)
    return Template(text, tuple(parts), tuple(references), is_expression)


def _enter(text: str, start: int) -> Parser:
    """A parser behind the opening brace at `start`; raises for braces of other kinds."""
    opening = text[start : start + 2]
    if opening != "{{":
        what = "statements" if opening == "{%" else "comments"
        raise ExpressionError(
            f"`{opening}` is not supported: there are no {what}, only `{{{{ ... }}}}`",
            offset=start,
            hint=f'for the characters themselves write `{{{{ "{opening}" }}}}`',
        )
    if text.startswith(("-", "+"), start + 2):
        raise ExpressionError(
            "whitespace control is not supported", offset=start, hint="leave a space between `{{` and a sign"
        )
    return Parser(text, start + 2)


@lru_cache(maxsize=2048)
def parse_condition(text: str) -> Template:
    """One expression, with or without braces, as in `when:` and `for_each:`. Raises ExpressionError."""
    stripped = text.strip()
    if has_expression(stripped):
        template = parse(stripped)
        if not template.is_expression:
            raise ExpressionError("must be one expression, with nothing before or behind it")
        return template if stripped == text else _shifted(text)
    if len(text) > EXPRESSION_LENGTH:
        raise ExpressionError(f"an expression has at most {EXPRESSION_LENGTH:,} characters")
    parser = Parser(text)
    return Template(text, (parser.whole(""),), tuple(parser.references), is_expression=True)


def _shifted(text: str) -> Template:
    """An expression in braces with white space around it, its offsets counted from the start of that."""
    parser = _enter(text, text.index("{{"))
    return Template(text, (parser.whole("}}"),), tuple(parser.references), is_expression=True)


def texts(value: Any, path: Path = ()) -> list[tuple[Path, str]]:
    """Every text with an expression inside nested dicts and lists, unparsed, with the path that leads to it.

    Keys are never expressions.
    """
    found: list[tuple[Path, str]] = []
    _collect(value, path, found)
    return found


def _collect(value: Any, path: Path, found: list[tuple[Path, str]]) -> None:
    if isinstance(value, str):
        if has_expression(value):
            found.append((path, value))
        return
    if isinstance(value, (dict, Mapping)):
        members: Iterable[tuple[str | int, Any]] = value.items()
    elif isinstance(value, (list, tuple)):
        members = enumerate(value)
    else:
        return
    for key, member in members:
        kind = member.__class__
        if kind is str:
            if "{" in member and has_expression(member):
                found.append(((*path, key), member))
        elif kind not in _LEAVES:
            _collect(member, (*path, key), found)


def walk(value: Any) -> Iterator[tuple[Path, Template]]:
    """Like `texts`, parsed. Raises ExpressionError at the first that does not parse."""
    for path, text in texts(value):
        yield path, parse(text)

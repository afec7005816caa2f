"""Row conditions of `checks:`, such as `urgency < 4 or summary is not null`.

    condition   or, and, not; = == != <> < <= > >=; [not] between x and y; [not] in (...); is [not] null
    value       a field, "a field" named like a keyword, 12, 1.5, 'text', true, false, + - * / %, ( )
    function    length lower upper abs coalesce

Texts compared with dates, times and uuids are read as such. Conditions are typed while they are parsed and
never pasted into SQL: what comes out is made of nodes. As in SQL, a row violates a check only if the answer
is false; NULL passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reconciler.errors import ExpressionError
from reconciler.expressions.check_evaluate import evaluate
from reconciler.expressions.check_parser import CheckParser, Readable
from reconciler.expressions.check_render import Dialect, render
from reconciler.expressions.check_syntax import Operand, column_names

__all__ = ["CheckExpression", "Dialect", "parse_check"]

TEXT_LENGTH = 4_000
_AS_NAMED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CheckExpression:
    """`columns` are the fields the condition reads."""

    text: str
    node: Operand
    columns: frozenset[str]

    def sql(self, dialect: Dialect, renames: Mapping[str, str] = _AS_NAMED) -> str:
        """The condition as SQL without parameters; `renames` maps fields to the columns that hold them."""
        return render(self.node, dialect, renames)

    def evaluate(self, row: Mapping[str, Any]) -> bool | None:
        """The answer for a row: None where SQL says NULL. Decimals count in floating point, as in SQLite.

        Dates, times and uuids may be given as such or as texts; ValueError if a text is none.
        """
        answer = evaluate(self.node, row)
        return None if answer is None else bool(answer)


def parse_check(text: str, columns: Mapping[str, Readable]) -> CheckExpression:
    """A condition over these fields, or the columns that hold them. Raises ExpressionError.

    Refused: unknown fields, comparisons across kinds, and encrypted, json, list and binary fields.
    """
    if len(text) > TEXT_LENGTH:
        raise ExpressionError(f"a condition has at most {TEXT_LENGTH:,} characters", offset=TEXT_LENGTH)
    if "\0" in text:
        raise ExpressionError("a condition holds no NUL", offset=text.index("\0"))
    node = CheckParser(text, columns).whole()
    return CheckExpression(text, node, frozenset(column_names(node)))

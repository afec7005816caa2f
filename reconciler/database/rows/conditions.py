"""`where` as SQL: field -> value, list of values, None, or values by operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.searching import TEXTUAL, BadQuery, Searched, searched
from reconciler.tools.host import OPERATORS

MOST_VALUES = 500
"""In one `in`: what a statement of either database surely takes."""

Sql = tuple[str, list[Any]]
"""A condition and its parameters."""


def conditions(model: LiveModel, where: Mapping[str, Any]) -> list[Sql]:
    """All of which must hold. Raises BadQuery, whose `where` is the JSON pointer into `where`."""
    found: list[Sql] = []
    for name, asked in where.items():
        field = searched(model, name, f"where/{name}")
        for operator, value, place in _asked(name, asked):
            found.append(_OPERATIONS[operator](field, value, place))
    return found


def joined(parts: list[Sql]) -> Sql:
    """One condition that holds if all do; `TRUE` for none."""
    sql = " AND ".join(part for part, _ in parts) or "TRUE"
    return sql, [value for _, params in parts for value in params]


def _asked(name: str, asked: Any) -> Iterator[tuple[str, Any, str]]:
    """(operator, value, place) of what is asked of one field."""
    place = f"where/{name}"
    match asked:
        case Mapping():
            for operator, value in asked.items():
                if operator not in OPERATORS:
                    hint = f"there are {', '.join(OPERATORS)}"
                    raise BadQuery(f"there is no comparison `{operator}`", where=place, hint=hint)
                yield operator, value, f"{place}/{operator}"
        case list() | tuple():
            yield "in", asked, place
        case _:
            yield "eq", asked, place


def _equal(field: Searched, value: Any, place: str) -> Sql:
    if value is None:
        return f"{field.sql} IS NULL", []
    return f"{field.sql} = ?", [field.parameter(value, place)]


def _different(field: Searched, value: Any, place: str) -> Sql:
    if value is None:
        return f"{field.sql} IS NOT NULL", []
    return f"({field.sql} <> ? OR {field.sql} IS NULL)", [field.parameter(value, place)]


def _compared(sign: str) -> Callable[[Searched, Any, str], Sql]:
    def compare(field: Searched, value: Any, place: str) -> Sql:
        if value is None:
            raise BadQuery(f"{field.name}: no value is neither more nor less than another", where=place)
        return f"{field.ordered_sql} {sign} {field.ordered_place}", [field.parameter(value, place)]

    return compare


def _among(field: Searched, values: Any, place: str) -> Sql:
    if not isinstance(values, (list, tuple)):
        raise BadQuery(f"{field.name}: `in` takes a list of values", where=place)
    if len(values) > MOST_VALUES:
        raise BadQuery(f"{field.name}: `in` takes at most {MOST_VALUES} values", where=place)
    some = [field.parameter(value, place) for value in values if value is not None]
    parts = [f"{field.sql} IN ({', '.join('?' * len(some))})"] if some else []
    if None in values:
        parts.append(f"{field.sql} IS NULL")
    return f"({' OR '.join(parts)})" if parts else "FALSE", some


def _containing(field: Searched, value: Any, place: str) -> Sql:
    if field.type not in TEXTUAL or not isinstance(value, str):
        raise BadQuery(f"{field.name}: `contains` looks for a text in a text", where=place)
    function = "instr" if field.dialect == "sqlite" else "strpos"
    return f"{function}({field.sql}, ?) > 0", [field.parameter(value, place)]


def _without_value(field: Searched, value: Any, place: str) -> Sql:
    if not isinstance(value, bool):
        raise BadQuery(f"{field.name}: `is_null` is true or false", where=place)
    return f"{field.sql} IS {'' if value else 'NOT '}NULL", []


_OPERATIONS: Mapping[str, Callable[[Searched, Any, str], Sql]] = {
    "eq": _equal,
    "ne": _different,
    "lt": _compared("<"),
    "le": _compared("<="),
    "gt": _compared(">"),
    "ge": _compared(">="),
    "in": _among,
    "contains": _containing,
    "is_null": _without_value,
}
assert tuple(_OPERATIONS) == OPERATORS

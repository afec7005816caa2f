"""The query language of results, as it stands in a query string.

    filter[urgency][ge]=4&filter[category]=bug,billing&sort=-urgency&fields=id,urgency&include=analysis&count=true
    group=category&measure=count&measure=avg.urgency

Parsed by hand, as the names of parameters hold names of fields, and on the busiest path of all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from api.problems import Refusal
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.queries import MOST_ROWS, RowQuery
from reconciler.database.rows.searching import BadQuery, searched
from reconciler.database.rows.summaries import Summary
from reconciler.spec.fields import FieldType
from reconciler.tools.host import OPERATORS

MOST_PARAMETERS = 200
DEFAULT_LIMIT = 50
_FILTER = re.compile(r"filter\[([a-z][a-z0-9_]{0,62})\](?:\[([a-z_]{1,20})\])?")
_LISTS = ("sort", "fields", "include", "group", "measure")
_SINGLE = ("limit", "cursor", "count", "model", "deleted")
_WHOLE = re.compile("-?[0-9]{1,19}")


@dataclass(slots=True)
class Asked:
    """`where` holds what was asked of each field by operator, as it was written."""

    where: dict[str, dict[str, str]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    single: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> str:
        return self.single.get("model", "")

    @property
    def summary(self) -> bool:
        return "group" in self.lists or "measure" in self.lists

    def names(self, name: str) -> list[str]:
        return self.lists.get(name, [])


def asked(query: bytes) -> Asked:
    """Raises Refusal."""
    found = Asked()
    if not query:
        return found
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        raise Refusal(
            400, "bad-query", f"a query has at most {MOST_PARAMETERS} parameters, in UTF-8"
        ) from None
    for name, value in pairs:
        _take(found, name, value)
    return found


def row_query(query: Asked, model: LiveModel, agent: str) -> RowQuery:
    """Raises BadQuery, Refusal."""
    return RowQuery(
        where=_where(query, model, agent),
        order_by=query.names("sort") or ("-id",),
        fields=query.names("fields"),
        limit=_limit(query.single.get("limit", "")),
        cursor=query.single.get("cursor", ""),
        include=query.names("include"),
        count=_truth(query, "count"),
        deleted=_truth(query, "deleted"),
    )


def summary_query(query: Asked, model: LiveModel, agent: str) -> Summary:
    """Raises BadQuery, Refusal."""
    return Summary(query.names("group"), query.names("measure") or ("count",), _where(query, model, agent))


def _take(found: Asked, name: str, value: str) -> None:
    if name in _LISTS:
        found.lists.setdefault(name, []).extend(part.strip() for part in value.split(",") if part.strip())
    elif name in _SINGLE:
        if name in found.single:
            raise Refusal(400, "bad-query", f"`{name}` is given twice")
        found.single[name] = value
    elif match := _FILTER.fullmatch(name):
        operator = match[2] or ("in" if "," in value else "eq")
        given = found.where.setdefault(match[1], {})
        if operator in given:
            raise Refusal(
                400, "bad-query", f"`{name}` is given twice", hint="put the values of `in` into one"
            )
        given[operator] = value
    else:
        raise Refusal(
            400,
            "bad-query",
            f"there is no parameter `{name[:60]}`",
            hint="filter[FIELD][OPERATOR], sort, fields, include, group, measure, limit, cursor, count",
        )


def _where(query: Asked, model: LiveModel, agent: str) -> dict[str, Any]:
    where: dict[str, Any] = {"agent": agent} if agent else {}
    for name, given in query.where.items():
        place = f"filter/{name}"
        read = _READERS.get(searched(model, name, place).type, str)
        where[name] = {operator: _value(operator, text, read, place) for operator, text in given.items()}
    return where


def _value(operator: str, text: str, read: Any, place: str) -> Any:
    if operator not in OPERATORS:
        raise BadQuery(
            f"there is no comparison `{operator}`", where=place, hint=f"there are {', '.join(OPERATORS)}"
        )
    try:
        if operator == "is_null":
            return _bool(text)
        if operator == "in":
            return [read(part) for part in text.split(",")]
        return read(text)
    except ValueError:
        raise BadQuery(f"{text[:60]!r} is no value of this field", where=place) from None


def _integer(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _limit(text: str) -> int:
    if not text:
        return DEFAULT_LIMIT
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MOST_ROWS:
        raise Refusal(400, "bad-query", f"`limit` is a number from 1 to {MOST_ROWS}")
    return int(text)


def _truth(query: Asked, name: str) -> bool:
    text = query.single.get(name, "false")
    if text not in ("true", "false"):
        raise Refusal(400, "bad-query", f"`{name}` is true or false")
    return text == "true"


_READERS: Mapping[FieldType, Any] = {
    FieldType.INTEGER: _integer,
    FieldType.REFERENCE: _integer,
    FieldType.NUMBER: float,
    FieldType.BOOLEAN: _bool,
}

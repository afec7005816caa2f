"""Keyset paging: a cursor holds the last row's place in the order, not how many rows came before it.

Rows that come or go meanwhile neither shift a page nor appear twice. A cursor is no secret and not signed: all that
somebody who forges one can reach is another place in the same list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.database.json_text import to_json
from reconciler.database.rows.conditions import Sql
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.searching import BadQuery, Searched, searched

LONGEST_CURSOR = 20_000
MOST_KEYS = 8


@dataclass(frozen=True, slots=True)
class SortKey:
    field: Searched
    descending: bool

    @property
    def sql(self) -> str:
        order = f"{self.field.ordered_sql} {'DESC' if self.descending else 'ASC'}"
        return f"{order} NULLS LAST" if self.field.nullable else order


def sort_keys(model: LiveModel, order_by: Sequence[str]) -> tuple[SortKey, ...]:
    """Ending in the id, so that no two rows have the same place. Raises BadQuery."""
    if len(order_by) > MOST_KEYS:
        raise BadQuery(f"rows are sorted by at most {MOST_KEYS} fields", where="order_by")
    keys: dict[str, SortKey] = {}
    for asked in (*order_by, "id"):
        name = asked.removeprefix("-")
        keys.setdefault(name, SortKey(searched(model, name, "order_by"), asked.startswith("-")))
        if name == "id":
            break
    return tuple(keys.values())


def order_sql(keys: Sequence[SortKey]) -> str:
    return ", ".join(key.sql for key in keys)


def cursor_of(keys: Sequence[SortKey], row: Mapping[str, Any]) -> str:
    """The place right behind a row that holds the values of all keys."""
    values = [row[key.field.name] for key in keys]
    data = to_json([_mark(keys), *values]).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def behind(keys: Sequence[SortKey], cursor: str) -> Sql:
    """The condition of the rows behind a place. Raises BadQuery for what is no cursor of a list so sorted."""
    values = _values(keys, cursor)
    alternatives: list[str] = []
    params: list[Any] = []
    for position, key in enumerate(keys):
        further = _further(key, values[position])
        if further is None:
            continue
        same = [_same(k, v) for k, v in zip(keys[:position], values[:position], strict=True)]
        parts = [*same, further]
        alternatives.append("(" + " AND ".join(sql for sql, _ in parts) + ")")
        params += [value for _, some in parts for value in some]
    return f"({' OR '.join(alternatives)})", params


def _same(key: SortKey, value: Any) -> Sql:
    field = key.field
    if value is None:
        return f"{field.sql} IS NULL", []
    return f"{field.ordered_sql} = {field.ordered_place}", [field.parameter(value, "cursor")]


def _further(key: SortKey, value: Any) -> Sql | None:
    """Rows that come later by this key; None where nothing comes later than having no value."""
    field = key.field
    if value is None:
        return None
    sql = f"{field.ordered_sql} {'<' if key.descending else '>'} {field.ordered_place}"
    if field.nullable:
        sql = f"({sql} OR {field.sql} IS NULL)"
    return sql, [field.parameter(value, "cursor")]


def _mark(keys: Sequence[SortKey]) -> str:
    """Of the model and the order: a cursor of another list is found out."""
    words = [str(keys[0].field.model), *(f"{'-' * key.descending}{key.field.name}" for key in keys)]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


def _values(keys: Sequence[SortKey], cursor: str) -> list[Any]:
    wrong = BadQuery(
        "that is no cursor of this list", where="cursor", hint="give the `next` of the page before, as it is"
    )
    if len(cursor) > LONGEST_CURSOR:
        raise wrong
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, *values = json.loads(data)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise wrong from None
    if mark != _mark(keys) or len(values) != len(keys):
        raise wrong
    if any(value is None and not key.field.nullable for key, value in zip(keys, values, strict=True)):
        raise wrong
    return [*values]

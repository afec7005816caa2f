"""Conditions as people write them on one line: `urgency>=3`, `category=bug`, `summary~=down`, `due=null`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.searching import BadQuery, searched
from reconciler.spec.fields import FieldType

_CONDITION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(!=|>=|<=|~=|=|>|<)(.*)", re.DOTALL)
_OPERATORS = {"=": "eq", "!=": "ne", ">=": "ge", "<=": "le", ">": "gt", "<": "lt", "~=": "contains"}


def parse_where(model: LiveModel, spoken: Iterable[str]) -> dict[str, Any]:
    """A `where` as queries take it; conditions about one field add up. Raises BadQuery.

    Values are read as the field's type has them. `null` is no value, `[a, b]` one of several; a text that looks like
    either is put into double quotes.
    """
    where: dict[str, dict[str, Any]] = {}
    for condition in spoken:
        found = _CONDITION.fullmatch(condition)
        if found is None:
            raise BadQuery(
                f"{condition!r} is no condition",
                where="where",
                hint="write FIELD=VALUE, or !=, <, <=, >, >=, ~=",
            )
        name, sign, text = found[1], found[2], found[3].strip()
        field = searched(model, name, f"where/{name}")
        operator, value = _asked(_OPERATORS[sign], text, _READERS.get(field.type, _text), name)
        asked = where.setdefault(name, {})
        if operator in asked:
            raise BadQuery(f"{name}: compared by `{sign}` twice", where=f"where/{name}")
        asked[operator] = value
    return where


def _asked(operator: str, text: str, read: Callable[[str], Any], name: str) -> tuple[str, Any]:
    try:
        if text == "null":
            return operator, None
        if operator == "eq" and text.startswith("[") and text.endswith("]"):
            parts = [part.strip() for part in text[1:-1].split(",") if part.strip()]
            return "in", [None if part == "null" else read(part) for part in parts]
        return operator, read(text)
    except ValueError:
        raise BadQuery(f"{name}: {text!r} is no value of this field", where=f"where/{name}") from None


def _text(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return str(json.loads(text))
    return text


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_READERS: Mapping[FieldType, Callable[[str], Any]] = {
    FieldType.INTEGER: int,
    FieldType.REFERENCE: int,
    FieldType.NUMBER: float,
    FieldType.BOOLEAN: _truth,
}

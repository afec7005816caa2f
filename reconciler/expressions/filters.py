"""The filters that may follow `|`, with what they take and give.

A filter gets values of the kinds it declares and raises ValueError with a sentence for people where these do
not do, LookupError where there is nothing to give (which `default` then replaces).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from reconciler.expressions.values import NOUNS, RESULT_LENGTH, Kind, kind_of, noun_of, to_json, to_text

Number = int | float | Decimal
Parameter = Literal["any", "text", "integer", "number", "boolean"]
Gives = Literal["text", "integer", "number", "boolean", "list", "texts", "same", "item", "any"]

_ANY: frozenset[Kind] = frozenset(NOUNS)
_TEXT: frozenset[Kind] = frozenset({"text"})
_NUMBER: frozenset[Kind] = frozenset({"number"})
_LIST: frozenset[Kind] = frozenset({"list"})


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """`apply(value, **arguments)` gets a value of the kinds in `takes`, arguments of those in `parameters`.

    `gives` says what comes out: "same" is the kind that went in, "item" an item of the list, "texts" a list
    of texts. Parameters in `literal` must be plain texts in the source, to be checked without values.
    `guards`: an undefined value is replaced instead of being an error.
    """

    apply: Callable[..., Any]
    takes: frozenset[Kind] = _ANY
    gives: Gives = "any"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    literal: frozenset[str] = frozenset()
    guards: bool = False


def _default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    return default_value if value is None or (boolean and not value) else value


# --- texts ----------------------------------------------------------------------------------------


def _trim(value: str, chars: str | None = None) -> str:
    return value.strip(chars)


def _title(value: str) -> str:
    return re.sub(r"[^-\s({\[<]+", lambda word: word[0][0].upper() + word[0][1:].lower(), value)


def _replace(value: str, old: str, new: str, count: int = -1) -> str:
    found = value.count(old)
    replaced = found if count < 0 else min(found, count)
    _fits(len(value) + replaced * (len(new) - len(old)))
    return value.replace(old, new, count)


def _split(value: str, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    if separator == "":
        raise ValueError("the separator is empty")
    return value.split(separator, maxsplit)


def _truncate(value: str, length: int = 255, killwords: bool = False, end: str = "...") -> str:
    if length < len(end):
        raise ValueError("the length leaves no room for the ending")
    if len(value) <= length:
        return value
    cut = value[: length - len(end)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


_DIRECTIVES = re.compile(r"%(.?)", re.DOTALL)


def _date(value: Any, pattern: str = "%Y-%m-%d") -> str:
    if any(letter not in "YmdHMSfjBbAaz%" or not letter for letter in _DIRECTIVES.findall(pattern)):
        raise ValueError("the pattern may hold %Y %m %d %H %M %S %f %j %B %b %A %a %z and %%")
    if len(pattern) > 200:
        raise ValueError("the pattern is too long")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError("the text is no ISO 8601 date") from error
    if not isinstance(value, date):
        raise ValueError("a time of day has no date")
    return value.strftime(pattern)


# --- numbers --------------------------------------------------------------------------------------

_NOTHING: Any = object()
_DIGITS = 400


def _int(value: Any, default: Any = _NOTHING, base: int = 10) -> Any:
    try:
        if not isinstance(value, str):
            return int(value)
        if len(value) > _DIGITS or not 2 <= base <= 36:
            raise ValueError
        whole = base != 10 or value.strip().lstrip("+-").isdecimal()
        return int(value, base) if whole else int(float(value))
    except (ValueError, OverflowError) as error:
        return _otherwise(default, value, "int(default=0)", error)


def _float(value: Any, default: Any = _NOTHING) -> Any:
    try:
        if isinstance(value, str) and len(value) > _DIGITS:
            raise ValueError
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return number
    except (ValueError, OverflowError) as error:
        return _otherwise(default, value, "float(default=0)", error)


def _otherwise(default: Any, value: Any, advice: str, error: Exception) -> Any:
    if default is _NOTHING:
        raise ValueError(f"`{to_text(value)[:40]}` is not a number; `{advice}` would replace it") from error
    return default


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if not -15 <= precision <= 15:
        raise ValueError("`precision` lies between -15 and 15")
    if method == "common":
        return round(value, precision)
    if method not in ("ceil", "floor"):
        raise ValueError("`method` is common, ceil or floor")
    factor = 10.0**precision
    towards = math.ceil if method == "ceil" else math.floor
    if isinstance(value, Decimal):
        return Decimal(towards(value.scaleb(precision))).scaleb(-precision)
    return towards(value * factor) / factor


# --- lists ----------------------------------------------------------------------------------------


def _first(value: Any) -> Any:
    if not value:
        raise LookupError("there is no first item: it is empty")
    return value[0]


def _last(value: Any) -> Any:
    if not value:
        raise LookupError("there is no last item: it is empty")
    return value[-1]


def _join(value: list[Any], d: str = "", attribute: str | None = None) -> str:
    texts = [to_text(item) for item in _map(value, attribute)]
    _fits(sum(map(len, texts)) + len(d) * max(len(texts) - 1, 0))
    return d.join(texts)


def _map(value: list[Any], attribute: str | None = None, default: Any = _NOTHING) -> list[Any]:
    if attribute is None:
        return list(value)
    keys = attribute.split(".")
    return [_member(item, keys, default) for item in value]


def _member(item: Any, keys: list[str], default: Any) -> Any:
    for key in keys:
        if kind_of(item) == "object" and key in item:
            item = item[key]
        elif kind_of(item) == "list" and key.isdecimal() and int(key) < len(item):
            item = item[int(key)]
        elif default is _NOTHING:
            raise LookupError(f"an item has no `{key}`")
        else:
            return default
    return item


def _folded(case_sensitive: bool, attribute: str | None) -> Callable[[Any], Any]:
    """The key by which items are compared."""
    keys = attribute.split(".") if attribute else []

    def key(item: Any) -> Any:
        item = _member(item, keys, _NOTHING)
        return item.lower() if isinstance(item, str) and not case_sensitive else item

    return key


def _sort(
    value: list[Any], reverse: bool = False, case_sensitive: bool = False, attribute: str | None = None
) -> list[Any]:
    return sorted(value, key=_folded(case_sensitive, attribute), reverse=reverse)


def _unique(value: list[Any], case_sensitive: bool = False, attribute: str | None = None) -> list[Any]:
    key = _folded(case_sensitive, attribute)
    kept: dict[Any, Any] = {}
    for item in value:
        kept.setdefault(key(item), item)
    return list(kept.values())


def _sum(value: list[Any], attribute: str | None = None, start: Number = 0) -> Number:
    total = start
    for item in _map(value, attribute):
        if kind_of(item) != "number":
            raise ValueError(f"{noun_of(item)} cannot be added")
        total = total + item
    return total


def _extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def apply(value: list[Any], case_sensitive: bool = False, attribute: str | None = None) -> Any:
        if not value:
            raise LookupError("there is no item: the list is empty")
        return pick(value, key=_folded(case_sensitive, attribute))

    return apply


def _fits(length: int) -> None:
    if length > RESULT_LENGTH:
        raise ValueError(f"the text grows beyond {RESULT_LENGTH:,} characters")


_ORDER: Mapping[str, Parameter] = {"case_sensitive": "boolean", "attribute": "text"}
_ATTRIBUTE = frozenset({"attribute"})
_SIZED: frozenset[Kind] = frozenset({"text", "list", "object"})
_NUMERAL: frozenset[Kind] = frozenset({"text", "number", "boolean"})
_DEFAULT = FilterSpec(_default, parameters={"default_value": "any", "boolean": "boolean"}, guards=True)
_LENGTH = FilterSpec(len, _SIZED, "integer")

FILTERS: Mapping[str, FilterSpec] = MappingProxyType(
    {
        "default": _DEFAULT,
        "d": _DEFAULT,
        "lower": FilterSpec(str.lower, _TEXT, "text"),
        "upper": FilterSpec(str.upper, _TEXT, "text"),
        "capitalize": FilterSpec(str.capitalize, _TEXT, "text"),
        "title": FilterSpec(_title, _TEXT, "text"),
        "trim": FilterSpec(_trim, _TEXT, "text", {"chars": "text"}),
        "replace": FilterSpec(
            _replace,
            _TEXT,
            "text",
            {"old": "text", "new": "text", "count": "integer"},
            required=("old", "new"),
        ),
        "split": FilterSpec(_split, _TEXT, "texts", {"separator": "text", "maxsplit": "integer"}),
        "truncate": FilterSpec(
            _truncate, _TEXT, "text", {"length": "integer", "killwords": "boolean", "end": "text"}
        ),
        "date": FilterSpec(_date, frozenset({"text", "date"}), "text", {"pattern": "text"}),
        "string": FilterSpec(to_text, _ANY - {"other"}, "text"),
        "tojson": FilterSpec(to_json, _ANY - {"other"}, "text"),
        "int": FilterSpec(_int, _NUMERAL, "integer", {"default": "any", "base": "integer"}),
        "float": FilterSpec(_float, _NUMERAL, "number", {"default": "any"}),
        "abs": FilterSpec(abs, _NUMBER, "same"),
        "round": FilterSpec(_round, _NUMBER, "number", {"precision": "integer", "method": "text"}),
        "length": _LENGTH,
        "count": _LENGTH,
        "first": FilterSpec(_first, frozenset({"text", "list"}), "item"),
        "last": FilterSpec(_last, frozenset({"text", "list"}), "item"),
        "join": FilterSpec(_join, _LIST, "text", {"d": "text", "attribute": "text"}, literal=_ATTRIBUTE),
        "map": FilterSpec(
            _map,
            _LIST,
            "list",
            {"attribute": "text", "default": "any"},
            required=("attribute",),
            literal=_ATTRIBUTE,
        ),
        "sort": FilterSpec(_sort, _LIST, "same", {"reverse": "boolean", **_ORDER}, literal=_ATTRIBUTE),
        "unique": FilterSpec(_unique, _LIST, "same", _ORDER, literal=_ATTRIBUTE),
        "reverse": FilterSpec(lambda value: value[::-1], frozenset({"text", "list"}), "same"),
        "list": FilterSpec(list, _SIZED, "list"),
        "sum": FilterSpec(
            _sum, _LIST, "number", {"attribute": "text", "start": "number"}, literal=_ATTRIBUTE
        ),
        "min": FilterSpec(_extreme(min), _LIST, "item", _ORDER, literal=_ATTRIBUTE),
        "max": FilterSpec(_extreme(max), _LIST, "item", _ORDER, literal=_ATTRIBUTE),
    }
)

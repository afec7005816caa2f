"""Does a value written in a manifest fit the field it is meant for?

Hand-made: a validator per field would cost more to build than the few values of a field cost to check.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec, StringFormat
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.hosts import normal_host
from reconciler.spec.patterns import matches
from reconciler.spec.recipients import parse_recipient

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
"""Whole numbers are stored in 64 bits."""

PRECISION, SCALE = 18, 6
"""Digits of a decimal in all and after the point, where its field does not say."""

Wrong = tuple[str, str, str]
"""Code, message and hint of what is wrong with one value."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_literal(value: Any, field: FieldSpec | ItemSpec, path: Path) -> Iterator[Finding]:
    """Findings about a value and the items of a list. None is no value, and fits what is not required."""
    if value is None:
        if isinstance(field, ItemSpec) or field.required:
            yield Finding("value-missing", "a value is required here", path)
        return
    if wrong := _WRONG[field.type](value, field):
        code, message, hint = wrong
        yield Finding(code, message, path, hint)
    elif field.type is FieldType.LIST and isinstance(field, FieldSpec) and field.items is not None:
        for index, item in enumerate(value):
            yield from check_literal(item, field.items, (*path, index))


def _certainly_fits(value: Any, field: FieldSpec) -> bool:
    """Whether `check_literal` has nothing to say, for the values that there are most of."""
    return value is not None and field.items is None and _WRONG[field.type](value, field) is None


def check_given(
    given: Mapping[str, Any], fields: Mapping[str, FieldSpec], path: Path, noun: str
) -> Iterator[Finding]:
    """Whether values by name fit their fields, and none that is required is missing."""
    yield from check_known(given, fields, path, noun)
    for name, field in fields.items():
        if field.required and field.default is None and name not in given:
            yield Finding(f"missing-{noun}", f"the {noun} `{name}` is required", path)


def check_known(
    given: Mapping[str, Any], fields: Mapping[str, FieldSpec], path: Path, noun: str
) -> Iterator[Finding]:
    """Whether values by name are declared and fit their fields; any may be missing."""
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(name, fields)
            yield Finding(f"unknown-{noun}", f"there is no {noun} `{name}`", (*path, name), hint, at_key=True)
        elif not _certainly_fits(value, field):
            yield from check_literal(value, field, (*path, name))


def decimal_digits(field: FieldSpec | ItemSpec) -> tuple[int, int]:
    """Digits in all and after the point that a decimal field keeps."""
    if isinstance(field, ItemSpec):
        return PRECISION, SCALE
    precision = field.precision or PRECISION
    return precision, min(SCALE, precision) if field.scale is None else field.scale


def has_format(text: str, form: StringFormat) -> bool:
    """Whether a text has a well-known shape."""
    match form:
        case StringFormat.EMAIL:
            address = parse_recipient(text)
            return address is not None and not address.anyone
        case StringFormat.URI:
            return _is_uri(text)
        case StringFormat.HOSTNAME:
            return normal_host(text) is not None and not _is_address(text, 4) and not _is_address(text, 6)
        case StringFormat.IPV4:
            return _is_address(text, 4)
        case StringFormat.IPV6:
            return _is_address(text, 6)
        case StringFormat.SLUG:
            return _SLUG.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    if any(character.isspace() or ord(character) < 32 for character in text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.scheme) and bool(parts.netloc or parts.path) and (parts.port or 0) >= 0
    except ValueError:
        return False


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _no(noun: str, value: Any, hint: str = "") -> Wrong:
    return "value-type", f"must be {noun}, not {_shown(value)}", hint


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _text(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, str):
        return _no("a text", value, "put it in quotes" if isinstance(value, (int, float)) else "")
    if wrong := _length(len(value), "characters", field):
        return wrong
    if field.pattern is not None and not matches(field.pattern, value):
        return "value-pattern", f"{_shown(value)} does not match the pattern `{field.pattern}`", ""
    if field.format is not None and not has_format(value, field.format):
        return "value-format", f"{_shown(value)} is no {field.format.value}", ""
    return None


def _length(length: int, unit: str, field: FieldSpec | ItemSpec) -> Wrong | None:
    least = field.min_length if isinstance(field, FieldSpec) else None
    if field.max_length is not None and length > field.max_length:
        return "value-length", f"has {length} {unit}; at most {field.max_length} fit", ""
    if least is not None and length < least:
        return "value-length", f"has {length} {unit}; at least {least} are needed", ""
    return None


def _range(value: int | float | Decimal, field: FieldSpec | ItemSpec) -> Wrong | None:
    if field.min is not None and value < field.min:
        return "value-range", f"{value} is less than the smallest allowed, {field.min}", ""
    if field.max is not None and value > field.max:
        return "value-range", f"{value} is more than the largest allowed, {field.max}", ""
    return None


def _integer(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return _no("a whole number", value)
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        return "value-range", "does not fit 64 bits", ""
    return _range(value, field)


def _number(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return _no("a number", value)
    return _range(value, field)


def _decimal(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        return _no("a decimal number", value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return _no("a decimal number", value)
    if not number.is_finite():
        return _no("a decimal number", value)
    return _digits(number, value, field) or _range(number, field)


def _digits(number: Decimal, value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    precision, scale = decimal_digits(field)
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # only NaN and infinities have none
    significant = "".join(map(str, digits)).rstrip("0")
    if not significant:
        return None
    exponent += len(digits) - len(significant)
    if -exponent > scale:
        return "value-range", f"{_shown(value)} has more than {scale} digits after the point", ""
    if len(significant) + exponent > precision - scale:
        return "value-range", f"{_shown(value)} has more than {precision - scale} digits before the point", ""
    return None


def _boolean(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    return None if isinstance(value, bool) else _no("true or false", value)


def _date(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if isinstance(value, str) and _DATE.fullmatch(value) and _parses(date.fromisoformat, value):
        return None
    return _no("a date", value, "write it as 2025-12-31")


def _datetime(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if (
        isinstance(value, str)
        and _DATE.match(value)
        and len(value) > 10
        and _parses(datetime.fromisoformat, value)
    ):
        return None
    return _no("a date with time", value, "write it as 2025-12-31T23:59:00Z")


def _uuid(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    return None if isinstance(value, str) and _parses(UUID, value) else _no("a UUID", value)


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _enum(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    values = field.values or ()
    if isinstance(value, str) and value in values:
        return None
    hint = (
        did_you_mean(value, values)
        if isinstance(value, str)
        else "known here: " + ", ".join(f"`{v}`" for v in values)
    )
    return "value-not-allowed", f"{_shown(value)} is none of the allowed values", hint


def _json(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    return None


def _list(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    return _length(len(value), "items", field) if isinstance(value, list) else _no("a list", value)


def _binary(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, str):
        return _no("bytes written in base64", value)
    length = _decoded_length(value)
    return _no("bytes written in base64", value) if length is None else _length(length, "bytes", field)


def _decoded_length(text: str) -> int | None:
    try:
        return len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


def _reference(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= INTEGER_MAX:
        return _no("the id of a row", value)
    return None


_WRONG: dict[FieldType, Callable[[Any, FieldSpec | ItemSpec], Wrong | None]] = {
    FieldType.STRING: _text,
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.UUID: _uuid,
    FieldType.ENUM: _enum,
    FieldType.JSON: _json,
    FieldType.LIST: _list,
    FieldType.BINARY: _binary,
    FieldType.REFERENCE: _reference,
}

"""Does a value fit the field it is meant for? The one set of rules, for manifests and for what tasks are given.

Hand-made: for the few values of a manifest a validator per field would cost more to build than they cost to check.
Where many values meet the same fields, `validation` stands in front.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.formats import has_format, utc_text
from reconciler.spec.patterns import matches

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
"""Whole numbers are stored in 64 bits."""

PRECISION, SCALE = 18, 6
"""Digits of a decimal in all and after the point, where its field does not say."""

Wrong = tuple[str, str, str]
"""Code, message and hint of what is wrong with one value."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def check_literal(value: Any, field: FieldSpec | ItemSpec, path: Path) -> Iterator[Finding]:
    """Findings about a value and the items of a list. None is no value, and fits what is not required."""
    if value is None:
        if isinstance(field, ItemSpec) or field.required:
            yield Finding("value-missing", "a value is required here", path)
        return
    if wrong := wrong_with(value, field):
        code, message, hint = wrong
        yield Finding(code, message, path, hint)
    elif field.type is FieldType.LIST and isinstance(field, FieldSpec) and field.items is not None:
        for index, item in enumerate(value):
            yield from check_literal(item, field.items, (*path, index))


def wrong_with(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    """What is wrong with a value that is there, the items of a list left aside."""
    return _WRONG[field.type](value, field)


def _certainly_fits(value: Any, field: FieldSpec) -> bool:
    """Whether `check_literal` has nothing to say, for the values that there are most of."""
    return value is not None and field.items is None and wrong_with(value, field) is None


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


def _no(noun: str, value: Any, hint: str = "") -> Wrong:
    return "value-type", f"must be {noun}, not {_shown(value)}", hint


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a huge number"  # Python refuses to write out the longest
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`"


def _text(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, str):
        return _no("a text", value, "put it in quotes" if isinstance(value, (int, float)) else "")
    if not value.isascii() and not _is_unicode(value):
        return "value-type", "must be a text, and holds half a surrogate pair", ""
    if wrong := _length(len(value), "characters", field):
        return wrong
    if field.pattern is not None and not matches(field.pattern, value):
        return "value-pattern", f"{_shown(value)} does not match the pattern `{field.pattern}`", ""
    if field.format is not None and not has_format(value, field.format):
        return "value-format", f"{_shown(value)} is no {field.format.value}", ""
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _length(length: int, unit: str, field: FieldSpec | ItemSpec) -> Wrong | None:
    least = field.min_length if isinstance(field, FieldSpec) else None
    if field.max_length is not None and length > field.max_length:
        return "value-length", f"has {length} {unit}; at most {field.max_length} fit", ""
    if least is not None and length < least:
        return "value-length", f"has {length} {unit}; at least {least} are needed", ""
    return None


def _range(number: int | float | Decimal, field: FieldSpec | ItemSpec, written: object) -> Wrong | None:
    """`written` is the number as it was given."""
    least, most = field.min, field.max
    if least is not None and number < _bound(least, number):
        return "value-range", f"{written} is less than the smallest allowed, {least}", ""
    if most is not None and number > _bound(most, number):
        return "value-range", f"{written} is more than the largest allowed, {most}", ""
    return None


def _bound(bound: int | float, number: int | float | Decimal) -> int | float | Decimal:
    """Beside a decimal, 0.1 is the tenth that was written and not the nearest float."""
    return Decimal(str(bound)) if isinstance(number, Decimal) else bound


def _integer(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return _no("a whole number", value)
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        return "value-range", "does not fit 64 bits", ""
    return _range(value, field, value)


def _number(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    # A decimal comes from another field; a number in a manifest is an int or a float.
    if not isinstance(value, (int, float, Decimal)) or isinstance(value, bool):
        return _no("a number", value)
    try:
        number = float(value)
    except (OverflowError, ValueError):  # a huge whole number, a signaling NaN
        number = math.inf
    return _range(number, field, value) if math.isfinite(number) else _no("a number", value)


def _decimal(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    if not isinstance(value, (int, float, str, Decimal)) or isinstance(value, bool):
        return _no("a decimal number", value)
    try:
        number = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        return _no("a decimal number", value)
    if not number.is_finite():
        return _no("a decimal number", value)
    return _digits(number, value, field) or _range(number, field, value)


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
    if isinstance(value, str) and _DATE.match(value) and len(value) > 10 and _parses(_moment, value):
        return None
    return _no("a date with time", value, "write it as 2025-12-31T23:59:00Z")


def _moment(text: str) -> str:
    return utc_text(datetime.fromisoformat(text))


def _uuid(value: Any, field: FieldSpec | ItemSpec) -> Wrong | None:
    return None if isinstance(value, str) and _parses(UUID, value) else _no("a UUID", value)


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except (ValueError, OverflowError):
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

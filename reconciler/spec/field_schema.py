"""JSON Schema (draft 2020-12) of fields: what a program or a model that writes values for them is held to.

It admits every value that fits, in the one way that `normal` writes it, and refuses what the schema language can tell
does not fit. What it cannot tell, the field rules do: real dates, most formats, patterns that only they understand,
the range of a decimal. No `$ref`, no nesting beyond a list's items.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec, StringFormat
from reconciler.spec.literals import INTEGER_MAX, INTEGER_MIN, decimal_digits

Schema = dict[str, Any]

_FORMATS = {
    StringFormat.EMAIL: "email",
    StringFormat.URI: "uri",
    StringFormat.IPV4: "ipv4",
    StringFormat.IPV6: "ipv6",
}
"""As near as the two are: JSON Schema takes formats as notes. Its host names are another thing, and it has no slugs."""

_UNKNOWN_ELSEWHERE = re.compile(
    r"""\(\?(?!:)                   # flags, names
      | \[\^?[\[\]]                  # classes in classes, a bracket as a member
      | &&|--|~~                    # and sums of them
      | \{,                         # a quantifier without a lower bound
      | [*+?}]\+                    # a plus after a quantifier: repeated here, possessive there
    """,
    re.VERBOSE,
)
_LETTER_ESCAPED = re.compile(r"\\[^tnrfv\W]|\\[<>]")
"""Classes, anchors and code points: what is left of them after the shorthands that can be spelled out."""
_SHORTHANDS = {
    "d": ("0-9", ""),
    "w": ("A-Za-z0-9_", ""),
    "s": (r" \t\n\r\f\v", ""),
    "D": ("0-9", "^"),
    "W": ("A-Za-z0-9_", "^"),
    "S": (r" \t\n\r\f\v", "^"),
}
"""Character after the backslash -> the class it stands for, and what negates that."""


def json_schema_of(fields: Fields) -> Schema:
    """Of an object with all of these fields and no others; a field that is not required may be null."""
    return {
        "type": "object",
        "properties": {name: _member(field) for name, field in fields.items()},
        "required": [*fields],
        "additionalProperties": False,
    }


def value_schema(field: FieldSpec | ItemSpec) -> Schema:
    """Of one value, which is not null."""
    return _SCHEMAS[field.type](field)


def portable_pattern(pattern: str) -> str | None:
    """The pattern as every engine reads it, `\\d` and its like spelled out for ASCII; None where there is no such."""
    spelled: list[str] = []
    in_class = False
    position = 0
    while position < len(pattern):
        piece = pattern[position : position + 2] if pattern[position] == "\\" else pattern[position]
        position += len(piece)
        shorthand = _SHORTHANDS.get(piece[1:]) if len(piece) == 2 else None
        if shorthand is not None:
            characters, negated = shorthand
            if in_class and negated:
                return None
            piece = characters if in_class else f"[{negated}{characters}]"
        elif len(piece) == 2 and _LETTER_ESCAPED.fullmatch(piece):
            return None
        elif piece == "[":
            in_class = True
        elif piece == "]":
            in_class = False
        spelled.append(piece)
    portable = "".join(spelled)
    return None if _UNKNOWN_ELSEWHERE.search(portable) else portable


def _member(field: FieldSpec) -> Schema:
    schema = value_schema(field)
    if not field.required:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema | {"description": field.description} if field.description else schema


def _text(field: FieldSpec | ItemSpec) -> Schema:
    schema: Schema = {"type": "string"} | _lengths(field, "minLength", "maxLength")
    if field.pattern is not None and (pattern := portable_pattern(field.pattern)) is not None:
        schema["pattern"] = pattern
    if field.format in _FORMATS:
        schema["format"] = _FORMATS[field.format]
    return schema


def _lengths(field: FieldSpec | ItemSpec, least: str, most: str) -> Schema:
    bounds = {least: field.min_length if isinstance(field, FieldSpec) else None, most: field.max_length}
    return {keyword: bound for keyword, bound in bounds.items() if bound}


def _integer(field: FieldSpec | ItemSpec) -> Schema:
    least = INTEGER_MIN if field.min is None else max(INTEGER_MIN, math.ceil(field.min))
    most = INTEGER_MAX if field.max is None else min(INTEGER_MAX, math.floor(field.max))
    return {"type": "integer", "minimum": least, "maximum": most}


def _number(field: FieldSpec | ItemSpec) -> Schema:
    bounds = {"minimum": field.min, "maximum": field.max}
    return {"type": "number"} | {keyword: bound for keyword, bound in bounds.items() if bound is not None}


def _decimal(field: FieldSpec | ItemSpec) -> Schema:
    """Its digits as a text: a number would lose the last ones on its way through a float."""
    precision, scale = decimal_digits(field)
    whole = f"[0-9]{{1,{precision - scale}}}" if precision > scale else "0"
    sign = "" if field.min is not None and field.min >= 0 else "-?"
    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    return {"type": "string", "pattern": f"^{sign}{whole}{fraction}$"}


def _enum(field: FieldSpec | ItemSpec) -> Schema:
    return {"type": "string", "enum": [*(field.values or ())]}


def _list(field: FieldSpec | ItemSpec) -> Schema:
    items = field.items if isinstance(field, FieldSpec) else None
    schema: Schema = {"type": "array"} | _lengths(field, "minItems", "maxItems")
    return schema if items is None else schema | {"items": value_schema(items)}


def _binary(field: FieldSpec | ItemSpec) -> Schema:
    length = {
        keyword: -(-size // 3) * 4 for keyword, size in _lengths(field, "minLength", "maxLength").items()
    }
    return {"type": "string", "contentEncoding": "base64", "pattern": "^[A-Za-z0-9+/]*={0,2}$"} | length


_SCHEMAS: dict[FieldType, Callable[[FieldSpec | ItemSpec], Schema]] = {
    FieldType.STRING: _text,
    FieldType.TEXT: _text,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.DECIMAL: _decimal,
    FieldType.BOOLEAN: lambda field: {"type": "boolean"},
    FieldType.DATE: lambda field: {"type": "string", "format": "date"},
    FieldType.DATETIME: lambda field: {"type": "string", "format": "date-time"},
    FieldType.UUID: lambda field: {"type": "string", "format": "uuid"},
    FieldType.ENUM: _enum,
    FieldType.JSON: lambda field: {"type": ["object", "array", "string", "number", "boolean"]},
    FieldType.LIST: _list,
    FieldType.BINARY: _binary,
    FieldType.REFERENCE: lambda field: {"type": "integer", "minimum": 1, "maximum": INTEGER_MAX},
}

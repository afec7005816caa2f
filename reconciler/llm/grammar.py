"""What of a JSON Schema reaches the model.

A local model is held to a schema by a grammar made of it. Those who make it refuse, or silently ignore, a whole schema
for one pattern or one large bound that they do not know. So what they are not known to take is left out here: the
answer is validated against everything afterwards anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REPEATED = 1000
"""Most repetitions that one rule may ask for, those of the lists around it multiplied. Grammar makers stop at 2000."""
LARGEST = 10**15
"""Bounds of whole numbers beyond this are written out digit by digit, to no use."""

_FORMATS = frozenset({"date", "time", "date-time", "uuid"})
_KEPT = frozenset({"$ref", "type", "enum", "const", "required", "additionalProperties", "description"})
_NAMED_SCHEMAS = ("properties", "$defs")
_LISTED_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_PLAIN_PATTERN = re.compile(
    r"""\^
    (?: [A-Za-z0-9 _@:;,/=<>!%&~#'-]                      # a character that means itself
      | \\[.\\()\[\]{}*+?^$|/-]                            # one that does so escaped
      | \[ \^? (?: [^\[\]\\^&~] | \\[\[\]\\^.*+?()$/-] )+ \]  # a class of characters
      | \( (?! \? ) | [)*+?]                               # a group, but no flags
      | \{ [0-9]{1,2} (?: , [0-9]{1,2} )? \}
    )*
    \$""",
    re.VERBOSE,
)
"""Anchored on both sides, without alternatives, shorthands and flags."""


def grammar_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that admits all that the given one does, and may admit more."""
    return _loosened(schema, REPEATED)


def _loosened(schema: Mapping[str, Any], room: int) -> dict[str, Any]:
    kept = {keyword: value for keyword, value in schema.items() if _is_taken(keyword, value, schema, room)}
    for keyword in _NAMED_SCHEMAS:
        if keyword in schema:
            kept[keyword] = {name: _loosened(part, room) for name, part in schema[keyword].items()}
    for keyword in _LISTED_SCHEMAS:
        if keyword in schema:
            kept[keyword] = [_loosened(part, room) for part in schema[keyword]]
    if isinstance(schema.get("items"), Mapping):
        kept["items"] = _loosened(schema["items"], room // max(1, kept.get("maxItems", 1)))
    return kept


def _is_taken(keyword: str, value: Any, schema: Mapping[str, Any], room: int) -> bool:
    match keyword:
        case "minLength" | "maxLength" | "minItems" | "maxItems":
            return isinstance(value, int) and value <= room
        case "minimum" | "maximum":
            return schema.get("type") == "integer" and abs(value) <= LARGEST
        case "pattern":
            return _PLAIN_PATTERN.fullmatch(value) is not None
        case "format":
            return value in _FORMATS
    return keyword in _KEPT

"""Fields -> zod, by the rules in `runtime/rules.ts`, which agree with `spec.literals`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.documentation.typescript.naming import key, literal
from reconciler.documentation.typescript.shapes import Side
from reconciler.spec.field_schema import portable_pattern
from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec
from reconciler.spec.literals import decimal_digits


def validator(name: str, shape: str, fields: Fields, side: Side, *, base: str = "") -> Iterator[str]:
    """The lines of a constant that validates `shape`. What is given may have no other fields; rows may, from a server
    that knows more. `base` is a line of further members."""
    make = "z.strictObject" if side == "given" else "z.object"
    yield f"export const {name}: z.ZodType<{shape}> = {make}({{"
    if base:
        yield f"  {base}"
    for field_name, field in fields.items():
        yield f"  {key(field_name)}: {_member(field, side)},"
    yield "});"


def _member(field: FieldSpec, side: Side) -> str:
    made = value_of(field, side)
    left_out = side == "given" and (not field.required or field.default is not None)
    match field.required, left_out:
        case True, False:
            return made
        case True, True:
            return f"{made}.optional()"
        case False, True:
            return f"{made}.nullish()"
        case _:
            return f"{made}.nullable()"


def value_of(field: FieldSpec | ItemSpec, side: Side) -> str:
    """The zod expression for a value that is not null."""
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            return f"rules.text({_rules(_text(field))})"
        case FieldType.INTEGER | FieldType.NUMBER:
            return f"rules.{field.type.value}({_rules(_bounds(field))})"
        case FieldType.DECIMAL:
            name = "givenDecimal" if side == "given" else "decimal"
            precision, scale = decimal_digits(field)
            return f"rules.{name}({_rules({'precision': precision, 'scale': scale} | _bounds(field))})"
        case FieldType.BOOLEAN:
            return "z.boolean()"
        case FieldType.ENUM:
            return f"z.enum([{', '.join(literal(value) for value in field.values or ())}])"
        case FieldType.LIST:
            items = field.items if isinstance(field, FieldSpec) else None
            item = value_of(items, side) if items else "rules.anything()"
            return f"rules.list({item}, {_rules(_lengths(field)) or '{}'})"
        case FieldType.BINARY:
            return f"rules.binary({_rules(_lengths(field))})"
        case FieldType.DATE | FieldType.DATETIME | FieldType.UUID | FieldType.JSON | FieldType.REFERENCE:
            return f"rules.{field.type.value}()"


def _text(field: FieldSpec | ItemSpec) -> dict[str, Any]:
    pattern = portable_pattern(field.pattern) if field.pattern is not None else None
    return _lengths(field) | {"pattern": pattern, "format": field.format.value if field.format else None}


def _lengths(field: FieldSpec | ItemSpec) -> dict[str, Any]:
    return {"min": field.min_length if isinstance(field, FieldSpec) else None, "max": field.max_length}


def _bounds(field: FieldSpec | ItemSpec) -> dict[str, Any]:
    """A bound that is no finite number bounds nothing here."""
    bounds = {"min": field.min, "max": field.max}
    return {name: bound for name, bound in bounds.items() if bound is not None and math.isfinite(bound)}


def _rules(rules: Mapping[str, Any]) -> str:
    said = [f"{name}: {literal(value)}" for name, value in rules.items() if value is not None]
    return f"{{ {', '.join(said)} }}" if said else ""

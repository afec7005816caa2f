"""Fields -> TypeScript types: what a task is given, what a row is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from reconciler.documentation.typescript.naming import comment, key, literal
from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec

Side = Literal["given", "stored"]
"""A decimal may be given as a number too; what is stored is there, or null."""

_TYPES: dict[FieldType, str] = {
    FieldType.STRING: "string",
    FieldType.TEXT: "string",
    FieldType.INTEGER: "number",
    FieldType.NUMBER: "number",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "string",
    FieldType.DATETIME: "string",
    FieldType.UUID: "string",
    FieldType.JSON: "NonNullable<JsonValue>",
    FieldType.BINARY: "string",
    FieldType.REFERENCE: "number",
}


def interface(name: str, fields: Fields, side: Side, *, extends: str = "") -> Iterator[str]:
    """The lines of an interface with a member per field."""
    base = f" extends {extends}" if extends else ""
    if not fields:
        # An interface without members would admit anything.
        yield f"export type {name} = {extends or 'Record<string, never>'};"
        return
    yield f"export interface {name}{base} {{"
    for field_name, field in fields.items():
        if field.description:
            yield f"  {comment(field.description)}"
        yield f"  {_member(field_name, field, side)};"
    yield "}"


def type_of(field: FieldSpec | ItemSpec, side: Side) -> str:
    match field.type:
        case FieldType.ENUM:
            return " | ".join(literal(value) for value in field.values or ())
        case FieldType.DECIMAL:
            return "string | number" if side == "given" else "string"
        case FieldType.LIST:
            items = field.items if isinstance(field, FieldSpec) else None
            return f"({type_of(items, side)})[]" if items else "JsonValue[]"
        case _:
            return _TYPES[field.type]


def _member(name: str, field: FieldSpec, side: Side) -> str:
    null = "" if field.required else " | null"
    left_out = side == "given" and (not field.required or field.default is not None)
    return f"{key(name)}{'?' if left_out else ''}: {type_of(field, side)}{null}"

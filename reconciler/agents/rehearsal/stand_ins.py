"""Values of settings that a test does not care about: any that the field accepts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.spec.fields import Fields, FieldSpec, FieldType, StringFormat

_FORMATS = {
    StringFormat.EMAIL: "somebody@example.com",
    StringFormat.URI: "https://example.com/",
    StringFormat.HOSTNAME: "host.example.com",
    StringFormat.IPV4: "192.0.2.1",
    StringFormat.IPV6: "2001:db8::1",
    StringFormat.SLUG: "example",
}
_CONSTANT: Mapping[FieldType, Any] = {
    FieldType.BOOLEAN: False,
    FieldType.DATE: "2026-01-01",
    FieldType.DATETIME: "2026-01-01T00:00:00Z",
    FieldType.UUID: "00000000-0000-4000-8000-000000000000",
    FieldType.JSON: {},
    FieldType.BINARY: "",
    FieldType.REFERENCE: 1,
}


def with_stand_ins(fields: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, and a stand-in for each setting that must be given and is not. One with a pattern nobody can
    guess: it stays missing."""
    missing = {
        name: _stand_in(field)
        for name, field in fields.items()
        if field.required and field.default is None and name not in given and field.pattern is None
    }
    return {**missing, **given}


def _stand_in(field: FieldSpec) -> Any:
    match field.type:
        case FieldType.STRING | FieldType.TEXT:
            text = _FORMATS[field.format] if field.format is not None else "example"
            return text if field.format else text.ljust(field.min_length or 0, "x")[: field.max_length]
        case FieldType.INTEGER | FieldType.NUMBER | FieldType.DECIMAL:
            return field.min if field.min is not None else min(0, field.max or 0)
        case FieldType.ENUM:
            return (field.values or [""])[0]
        case FieldType.LIST:
            return ["example"] * (field.min_length or 0)
        case _:
            return _CONSTANT[field.type]

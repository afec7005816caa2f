"""A field in words: its type, its bounds, what else is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reconciler.documentation.markdown import code, prose, table
from reconciler.spec.fields import Fields, FieldSpec, FieldType, ItemSpec

HIDDEN = "hidden"


def fields_table(fields: Fields, *, needed: str = "required") -> list[str]:
    """One row per field. `needed` is what the column is called that tells whether a value must be given."""
    rows = [
        (code(name), kind_of(field), _need(field), _notes(field), prose(field.description or ""))
        for name, field in fields.items()
    ]
    return table(("Field", "Type", needed.capitalize(), "Bounds", "Meaning"), rows)


def kind_of(field: FieldSpec | ItemSpec) -> str:
    """`string (email)`, `list of integer`, `reference to analysis`, as Markdown."""
    if field.type is FieldType.LIST and isinstance(field, FieldSpec) and field.items is not None:
        return f"list of {kind_of(field.items)}"
    if field.type is FieldType.REFERENCE and isinstance(field, FieldSpec):
        return f"reference to {code(field.model or '')}"
    return field.type.value + (f" ({field.format.value})" if field.format else "")


def shown_default(field: FieldSpec) -> str:
    """The default as JSON, which of a sensitive field nobody sees; empty where there is none."""
    if field.default is None:
        return ""
    return HIDDEN if is_secret(field) else json.dumps(field.default, ensure_ascii=False)


def is_secret(field: FieldSpec) -> bool:
    return field.sensitive or field.encrypted


def _need(field: FieldSpec) -> str:
    if field.default is not None:
        default = shown_default(field)
        return f"default {default if default == HIDDEN else code(default)}"
    return "yes" if field.required else "no"


def _notes(field: FieldSpec) -> str:
    return ", ".join((*_bounds(field), *_storage(field)))


_WORDS: dict[str, str] = {
    "min": "at least {}",
    "max": "at most {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "precision": "{} digits",
    "scale": "{} after the point",
}


def _bounds(field: FieldSpec | ItemSpec) -> Iterator[str]:
    for attribute, words in _WORDS.items():
        bound: Any = getattr(field, attribute, None)
        if bound is not None:
            yield words.format(bound)
    if field.values:
        yield "one of " + ", ".join(code(value) for value in field.values)
    if field.pattern:
        yield f"matches {code(field.pattern)}"
    if isinstance(field, FieldSpec) and field.items is not None:
        yield from (f"items {words}" for words in _bounds(field.items))


def _storage(field: FieldSpec) -> Iterator[str]:
    for attribute in ("unique", "index", "sensitive", "encrypted"):
        if getattr(field, attribute):
            yield "indexed" if attribute == "index" else attribute
    if field.on_delete is not None:
        yield f"on delete {field.on_delete.value.replace('_', ' ')}"
    if field.renamed_from is not None:
        yield f"was {code(field.renamed_from)}"

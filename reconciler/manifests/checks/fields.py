"""Field specs in themselves: bounds that make sense, patterns that compile, defaults that fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from reconciler.spec.fields import FieldSpec, FieldType, ItemSpec
from reconciler.spec.findings import Finding, Path
from reconciler.spec.literals import INTEGER_MAX, INTEGER_MIN, check_literal, decimal_digits
from reconciler.spec.patterns import pattern_problem

Holder = Literal["column", "value"]
"""Whether fields are columns of a table or values that only pass through."""

_COLUMN_ONLY = ("unique", "index", "encrypted", "renamed_from", "on_delete")
_CHECKED = frozenset({"min", "max", "pattern", "items", "default"})
"""Attributes that can be wrong in themselves."""


def check_fields(fields: Mapping[str, FieldSpec], path: Path, holder: Holder) -> Iterator[Finding]:
    for name, field in fields.items():
        given = field.model_fields_set
        if not given.isdisjoint(_CHECKED):
            yield from check_field(field, (*path, name))
        if holder == "value" and not given.isdisjoint(_COLUMN_ONLY):
            yield from _check_without_column(field, (*path, name))


def check_field(field: FieldSpec, path: Path) -> Iterator[Finding]:
    if field.min is not None or field.max is not None:
        yield from _check_bounds(field, path)
    broken = field.pattern is not None and (reason := pattern_problem(field.pattern))
    if broken:
        yield Finding("bad-pattern", f"not a linear regular expression: {reason}", (*path, "pattern"))
    if field.items is not None:
        yield from _check_item(field.items, (*path, "items"))
    if field.default is not None and not broken:
        yield from check_literal(field.default, field, (*path, "default"))


def _check_item(item: ItemSpec, path: Path) -> Iterator[Finding]:
    if item.min is not None or item.max is not None:
        yield from _check_bounds(item, path)
    if item.pattern is not None and (reason := pattern_problem(item.pattern)):
        yield Finding("bad-pattern", f"not a linear regular expression: {reason}", (*path, "pattern"))


def _check_bounds(field: FieldSpec | ItemSpec, path: Path) -> Iterator[Finding]:
    for name, bound in (("min", field.min), ("max", field.max)):
        if bound is None:
            continue
        where = (*path, name)
        if not math.isfinite(bound):
            yield Finding("bad-bound", f"`{name}` must be a finite number", where)
        elif field.type is FieldType.INTEGER and bound != int(bound):
            yield Finding("bad-bound", f"`{name}` of an integer must be a whole number", where)
        elif field.type is FieldType.INTEGER and not INTEGER_MIN <= bound <= INTEGER_MAX:
            yield Finding("bad-bound", f"`{name}` does not fit 64 bits", where)
        elif field.type is FieldType.DECIMAL and abs(bound) >= 10 ** _digits_before(field):
            # A bound no value can reach is a slip, most often a precision that was meant to be larger.
            yield Finding(
                "bad-bound",
                f"`{name}` has more digits than the field",
                where,
                "raise `precision` or lower `scale`",
            )


def _digits_before(field: FieldSpec | ItemSpec) -> int:
    precision, scale = decimal_digits(field)
    return precision - scale


def _check_without_column(field: FieldSpec, path: Path) -> Iterator[Finding]:
    for attribute in _COLUMN_ONLY:
        value: Any = getattr(field, attribute)
        if value:
            message = f"`{attribute}` is about columns of a table and has no effect here"
            yield Finding(
                "attribute-without-effect", message, (*path, attribute), severity="warning", at_key=True
            )

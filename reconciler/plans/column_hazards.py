"""The risks of changes of columns: values that go, do not fit, are missing or refer to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.plans.changes import (
    Disposition,
    Hazard,
    NotNulls,
    Nulls,
    Orphans,
    OutOfBounds,
    Rows,
    Severity,
    Unfit,
)
from reconciler.plans.hazards import gone, on_column
from reconciler.spec.fields import FieldType
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Table


def column_removed(table: Table, column: Column, disposition: Disposition) -> Hazard:
    name = column.name
    return on_column(
        "destructive",
        table,
        name,
        f"column {name} goes; its values are {gone(disposition)}",
        f"keep the field, or if it got another name say `renamed_from: {name}` there, or allow it",
        NotNulls(table.name, name),
    )


def of_addition(table: Table, column: Column) -> Iterator[Hazard]:
    if not column.nullable and (column.default is None or column.encrypted):
        yield on_column(
            "required-without-default",
            table,
            column.name,
            f"{column.name} is required but the rows already there have no value for it",
            "give it a `default`, or add it as optional, fill it, and require it in a later change",
            Rows(table.name),
        )
    if column.references is not None and column.default is not None:
        yield _orphans(table, column, column.name)


def of_restore(table: Table, column: Column, entry: Parked) -> Iterator[Hazard]:
    """Values come back under `entry.stored_as`; rows written since have none."""
    if not isinstance(entry.definition, Column):
        return
    stored = entry.definition.model_copy(update={"name": entry.stored_as})
    yield from of_change(table, stored, column)
    if not column.nullable and column.default is None and stored.nullable is False:
        yield _nulls(table, column, stored.name)


def restores_conversion(entry: Parked, before: Column, after: Column) -> bool:
    """Whether `entry` is what the column was before values were lost, and `after` has room for them again.

    A live and a parked column share a name only where one took the other's place. One that was parked as its
    original came back holds nothing that the original does not.
    """
    original = entry.definition
    if entry.became is None or not isinstance(original, Column) or _conversion(original, after)[0]:
        return False
    return before.type is not after.type or _conversion(original, before)[0] != ""


def of_change(table: Table, before: Column, after: Column) -> Iterator[Hazard]:
    """`before` is the column as stored now, under its present name; `after` as it is to be."""
    code, what = _conversion(before, after)
    if code:
        yield _unfit(code, what, table, before, after)
    if before.nullable and not after.nullable:
        yield _nulls(table, after, before.name)
    if _bounds_tighten(before, after):
        yield on_column(
            "check-violated",
            table,
            after.name,
            f"{after.name} gets tighter bounds that some rows break",
            "correct the rows first, or choose wider bounds",
            OutOfBounds(table.name, before, after),
        )
    if after.references and (before.references is None or before.references.table != after.references.table):
        yield _orphans(table, after, before.name)


def _unfit(code: str, what: str, table: Table, before: Column, after: Column) -> Hazard:
    replaceable = after.nullable or (after.default is not None and not after.encrypted)
    fate = (
        "cut or replaced by the default or NULL, the old column is parked"
        if replaceable
        else "without a place"
    )
    hazard = on_column(
        code,
        table,
        after.name,
        f"{after.name} {what}; values that do not fit would be {fate}",
        "change the rows first, or choose a wider type" + (", or allow it" if replaceable else ""),
        Unfit(table.name, before, after),
    )
    return hazard if replaceable else replace(hazard, severity=Severity.BLOCK)


def _nulls(table: Table, after: Column, stored_name: str) -> Hazard:
    probe = Nulls(table.name, stored_name)
    if after.default is not None and not after.encrypted:
        message = f"rows without a value in {after.name} get its default"
        suggestion = "nothing to do if the default is right for old rows"
        return on_column("backfill", table, after.name, message, suggestion, probe)
    message = f"{after.name} becomes required but some rows have no value"
    suggestion = "fill the rows first, or give the field a `default`"
    return on_column("nulls-present", table, after.name, message, suggestion, probe)


def _orphans(table: Table, column: Column, stored_name: str) -> Hazard:
    target = column.references.table if column.references else ""
    return on_column(
        "orphans",
        table,
        column.name,
        f"{column.name} is to refer to {target}, which lacks the rows some values name",
        "correct or clear those values first",
        Orphans(table.name, stored_name, target),
    )


def _conversion(before: Column, after: Column) -> tuple[str, str]:
    """Code and description of a conversion that may not hold for every value; ("", "") where it does."""
    if before.foreign or before.encrypted != after.encrypted:
        return "uncastable", "is stored in another way"
    if before.type is not after.type:
        if (before.type, after.type) == (FieldType.STRING, FieldType.TEXT) and after.max_length is None:
            return "", ""
        return "uncastable", f"becomes {after.type.value}, it is {before.type.value}"
    if set(before.values) - set(after.values):
        gone = ", ".join(sorted(set(before.values) - set(after.values)))
        return "enum-value-in-use", f"loses {gone}"
    if after.max_length is not None and (before.max_length is None or after.max_length < before.max_length):
        return "narrowing", f"holds at most {after.max_length} from now on"
    if before.type is FieldType.DECIMAL and (before.precision, before.scale) != (
        after.precision,
        after.scale,
    ):
        return "narrowing", f"becomes decimal({after.precision},{after.scale})"
    return "", ""


def _bounds_tighten(before: Column, after: Column) -> bool:
    def tighter(old: float | None, new: float | None, sign: int) -> bool:
        return new is not None and (old is None or before.type is not after.type or sign * new > sign * old)

    return (
        tighter(before.minimum, after.minimum, 1)
        or tighter(before.maximum, after.maximum, -1)
        or tighter(before.min_length, after.min_length, 1)
    )


def looks_renamed(old: Column, new: Column) -> bool:
    """Same type and same target: the values of one could be meant for the other."""
    return old.type is new.type and old.references == new.references and old.values == new.values


def ambiguous_rename(table: Table, old: Column, new: Column) -> Hazard:
    hint = f"`renamed_from: {old.name}`"
    return on_column(
        "ambiguous-rename",
        table,
        new.name,
        f"{old.name} goes and {new.name} comes, both {new.type.value}: is that a rename?",
        f"say {hint} in {new.name} to keep the values, or allow it if they are two different things",
        NotNulls(table.name, old.name),
    )


def rename_source_missing(table: Table, column: Column, hint: str) -> Hazard:
    return on_column(
        "rename-source-missing",
        table,
        column.name,
        f"{column.name} says `renamed_from: {hint}`, but there is no {hint} to rename",
        "correct the hint or remove it; allowed, the field starts empty",
        Rows(table.name),
    )


def rename_conflict(table: Table, old: Column, new: str) -> Hazard:
    name = old.name
    return on_column(
        "rename-conflict",
        table,
        name,
        f"{new} says `renamed_from: {name}`, but both exist: values of {name} are not moved into {new}",
        f"move the values yourself, then remove {name}, or allow it",
        NotNulls(table.name, name),
    )

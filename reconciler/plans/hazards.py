"""The risks of changes, each with a stable code. Those that depend on rows carry a probe: counting 0, they vanish.

    destructive              confirm  a table or column with values goes
    narrowing                confirm  values would be cut or rounded
    enum-value-in-use        confirm  a removed enum value is in use
    uncastable               confirm  values do not convert to the new type and back   (block where nothing can take their place)
    ambiguous-rename         confirm  a drop and an add that look like a rename
    rename-source-missing    confirm  `renamed_from` names a field that never was
    rename-conflict          confirm  both names of a rename hold values
    mass-removal             confirm  more than a quarter of what is live would go
    required-without-default block    a required column joins a table with rows
    nulls-present            block    a column with NULLs becomes required
    duplicates               block    rows share values that are to be unique
    orphans                  block    values that are the id of no row
    check-violated           block    rows break a bound or check
    version-too-small        block    the declared version moves less than the contract
    backfill                 notice   rows without a value get the default
    locking                  notice   PostgreSQL rewrites, scans or locks a large table
    unfinished               notice   an interrupted apply has left work on a large PostgreSQL table
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.expressions.check_sql import parse_check
from reconciler.plans.changes import (
    Disposition,
    Duplicates,
    Hazard,
    NotNulls,
    Nulls,
    Orphans,
    OutOfBounds,
    Probe,
    Rows,
    Severity,
    Unfit,
    Violations,
)
from reconciler.spec.fields import FieldType
from reconciler.spec.state import Parked
from reconciler.spec.tables import Check, Column, Index, Table

UNFINISHED = "unfinished"

DESTRUCTIVE = frozenset({"destructive", "narrowing", "enum-value-in-use", "uncastable"})
"""Codes of hazards after which values are no longer where they were."""


def object_name(table: Table, part: str = "") -> str:
    """How `--allow` names a table or a part of it: `email-analysis.analysis.body`."""
    return ".".join(filter(None, (table.owner, table.model, part)))


def _hazard(
    code: str, severity: Severity, table: Table, part: str, message: str, suggestion: str, probe: Probe | None = None
) -> Hazard:
    kind = "" if not part else f"/column/{part}"
    return Hazard(code, severity, f"table/{table.name}{kind}", object_name(table, part), message, suggestion, probe)


def table_removed(table: Table, disposition: Disposition) -> Hazard | None:
    if disposition is Disposition.RETAIN:
        return None
    gone = "deleted for good" if disposition is Disposition.PURGE else "parked in the archive"
    return _hazard(
        "destructive", Severity.CONFIRM, table, "",
        f"table {table.name} goes; its rows are {gone}",
        "keep the model, or set `deletion_policy: retain`, or allow it",
        Rows(table.name),
    )


def column_removed(table: Table, column: Column, disposition: Disposition) -> Hazard:
    gone = "deleted for good" if disposition is Disposition.PURGE else "parked in the archive"
    return _hazard(
        "destructive", Severity.CONFIRM, table, column.name,
        f"column {column.name} goes; its values are {gone}",
        f"keep the field, or if it got another name say `renamed_from: {column.name}` there, or allow it",
        NotNulls(table.name, column.name),
    )


def of_column_addition(table: Table, column: Column) -> Iterator[Hazard]:
    if not column.nullable and (column.default is None or column.encrypted):
        yield _hazard(
            "required-without-default", Severity.BLOCK, table, column.name,
            f"{column.name} is required but the rows already there have no value for it",
            "give it a `default`, or add it as optional, fill it, and require it in a later change",
            Rows(table.name),
        )
    if column.references is not None and column.default is not None:
        yield _orphans(table, column, column.name)


def of_column_restore(table: Table, column: Column, entry: Parked) -> Iterator[Hazard]:
    """Values come back under `entry.stored_as`; rows written since have none."""
    if not isinstance(entry.definition, Column):
        return
    stored = entry.definition.model_copy(update={"name": entry.stored_as})
    yield from of_column_change(table, stored, column)
    if not column.nullable and column.default is None and stored.nullable is False:
        yield _nulls(table, column, stored.name)


def restores_conversion(entry: Parked, before: Column, after: Column) -> bool:
    """Whether `entry` is what the column was before values were lost, and `after` has room for them again.

    A live and a parked column share a name only where one took the other's place."""
    original = entry.definition
    if not isinstance(original, Column) or _conversion(original, after)[0]:
        return False
    return before.type is not after.type or _conversion(original, before)[0] != ""


def of_column_change(table: Table, before: Column, after: Column) -> Iterator[Hazard]:
    """`before` is the column as stored now, under its present name; `after` as it is to be."""
    code, what = _conversion(before, after)
    if code:
        can_replace = after.nullable or (after.default is not None and not after.encrypted)
        yield _hazard(
            code, Severity.CONFIRM if can_replace else Severity.BLOCK, table, after.name,
            f"{after.name} {what}; values that do not fit would be "
            + ("cut or replaced by the default or NULL, the old column is parked" if can_replace else "without a place"),
            "change the rows first, or choose a wider type" + (", or allow it" if can_replace else ""),
            Unfit(table.name, before, after),
        )
    if before.nullable and not after.nullable:
        yield _nulls(table, after, before.name)
    if _bounds_tighten(before, after):
        yield _hazard(
            "check-violated", Severity.BLOCK, table, after.name,
            f"{after.name} gets tighter bounds that some rows break",
            "correct the rows first, or choose wider bounds",
            OutOfBounds(table.name, before, after),
        )
    if after.references and (before.references is None or before.references.table != after.references.table):
        yield _orphans(table, after, before.name)


def _nulls(table: Table, after: Column, stored_name: str) -> Hazard:
    probe = Nulls(table.name, stored_name)
    if after.default is not None and not after.encrypted:
        return _hazard(
            "backfill", Severity.NOTICE, table, after.name,
            f"rows without a value in {after.name} get its default",
            "nothing to do if the default is right for old rows",
            probe,
        )
    return _hazard(
        "nulls-present", Severity.BLOCK, table, after.name,
        f"{after.name} becomes required but some rows have no value",
        "fill the rows first, or give the field a `default`",
        probe,
    )


def _orphans(table: Table, column: Column, stored_name: str) -> Hazard:
    target = column.references.table if column.references else ""
    return _hazard(
        "orphans", Severity.BLOCK, table, column.name,
        f"{column.name} is to refer to {target}, which lacks the rows some values name",
        "correct or clear those values first",
        Orphans(table.name, stored_name, target),
    )


def _conversion(before: Column, after: Column) -> tuple[str, str]:
    """Code and description of a conversion that may not hold for every value; ("", "") where it always does."""
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
    if before.type is FieldType.DECIMAL and (before.precision, before.scale) != (after.precision, after.scale):
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


def of_unique(table: Table, index: Index, stored: tuple[str, ...], before: Mapping[str, Column]) -> Iterator[Hazard]:
    """`stored` are the index's columns under their present names."""
    if not all(name in before for name in stored):
        return
    part = index.columns[0] if len(index.columns) == 1 else ""
    yield _hazard(
        "duplicates", Severity.BLOCK, table, part,
        f"({', '.join(index.columns)}) is to be unique but some rows share their values",
        "remove or change the duplicates first",
        Duplicates(table.name, stored),
    )


def of_check(
    table: Table, check: Check, renames: tuple[tuple[str, str], ...], before: frozenset[str]
) -> Iterator[Hazard]:
    columns = {column.name: column for column in table.columns}
    stored = dict(renames)
    used = parse_check(check.expression, columns).columns
    if all(stored.get(name, name) in before for name in used):
        yield _hazard(
            "check-violated", Severity.BLOCK, table, "",
            f"check {check.label} ({check.expression}) is broken by some rows",
            "correct the rows first, or loosen the check",
            Violations(table.name, check.expression, renames),
        )


def looks_renamed(old: Column, new: Column) -> bool:
    """Same type and same target: the values of one could be meant for the other."""
    return old.type is new.type and old.references == new.references and old.values == new.values


def ambiguous_rename(table: Table, old: Column, new: Column) -> Hazard:
    return _hazard(
        "ambiguous-rename", Severity.CONFIRM, table, new.name,
        f"{old.name} goes and {new.name} comes, both {new.type.value}: is that a rename?",
        f"say `renamed_from: {old.name}` in {new.name} to keep the values, or allow it if they are two different things",
        NotNulls(table.name, old.name),
    )


def rename_source_missing(table: Table, column: Column, hint: str) -> Hazard:
    return _hazard(
        "rename-source-missing", Severity.CONFIRM, table, column.name,
        f"{column.name} says `renamed_from: {hint}`, but there is no {hint} to rename",
        "correct the hint or remove it; allowed, the field starts empty",
        Rows(table.name),
    )


def rename_conflict(table: Table, old: Column, new: str) -> Hazard:
    return _hazard(
        "rename-conflict", Severity.CONFIRM, table, old.name,
        f"{new} says `renamed_from: {old.name}`, but both exist: values of {old.name} are not moved into {new}",
        f"move the values yourself, then remove {old.name}, or allow it",
        NotNulls(table.name, old.name),
    )


def version_too_small(address: str, name: str, declared: str, needed: str, reason: str) -> Hazard:
    return Hazard(
        "version-too-small", Severity.BLOCK, address, name,
        f"{name} says version {declared}, but {reason}",
        f"set `version: {needed}`",
    )


def blocked_by_policy(hazard: Hazard) -> Hazard:
    """What a `destructive: block` policy makes of a hazard: nothing destructive can be allowed."""
    if hazard.code not in DESTRUCTIVE or hazard.severity is not Severity.CONFIRM:
        return hazard
    return replace(hazard, severity=Severity.BLOCK, suggestion="a policy says `destructive: block`; change it there first")


def redirected(hazard: Hazard, table: str, stored_as: str) -> Hazard:
    """The hazard with its probe asking `stored_as` instead of `table`."""
    if hazard.probe is None or hazard.probe.table != table:
        return hazard
    return replace(hazard, probe=replace(hazard.probe, table=stored_as))


def locking(address: str, message: str, rows: int) -> Hazard:
    return Hazard(
        "locking", Severity.NOTICE, address, address, message, "apply it when traffic is low", rows=rows
    )


def unfinished(table: str) -> Hazard:
    return Hazard(
        UNFINISHED, Severity.NOTICE, f"table/{table}", table,
        f"an earlier apply has not come to its end on {table}: indexes, values or constraints are still missing",
        "nothing to review: if it was interrupted, the next apply finishes it before anything else",
    )


def mass_removal(removed: int, live: int) -> Hazard:
    return Hazard(
        "mass-removal", Severity.CONFIRM, "plan", "all",
        f"{removed} of {live} live objects would go",
        "check that the source is complete; allow it if the removal is meant",
        rows=None,
    )

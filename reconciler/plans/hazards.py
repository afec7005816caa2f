"""The risks of changes, each with a stable code. Those with a probe depend on rows: counting 0, they vanish.

    destructive              confirm  a table or column with values goes
    narrowing                confirm  values would be cut or rounded
    enum-value-in-use        confirm  a removed enum value is in use
    uncastable               confirm  values do not convert to the new type and back
    ambiguous-rename         confirm  a drop and an add that look like a rename
    rename-source-missing    confirm  `renamed_from` names a field that never was
    rename-conflict          confirm  both names of a rename hold values
    mass-removal             confirm  more than a quarter of what is live would go
    required-without-default block    a required column joins a table with rows
    nulls-present            block    a column with NULLs becomes required
    duplicates               block    rows share values that are to be unique
    orphans                  block    values that are the id of no row
    check-violated           block    rows break a bound or check
    name-taken               block    a table of that name is there, and it is another one
    version-too-small        block    the declared version moves less than the contract
    backfill                 notice   rows without a value get the default
    locking                  notice   PostgreSQL rewrites, scans or locks a large table
    already-run              notice   somebody else has changed the table so; only the record is missing
    unfinished               notice   an interrupted apply has left work on a large PostgreSQL table

What may be lost by a conversion (narrowing, enum-value-in-use, uncastable) blocks where nothing can take the
place of the values, and all that is destructive blocks where a policy says so. Those of columns are in
`column_hazards`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.expressions.check_sql import parse_check
from reconciler.plans.changes import Disposition, Duplicates, Hazard, Probe, Rows, Severity, Violations
from reconciler.spec.tables import Check, Column, Index, Table

SEVERITIES = {
    "destructive": Severity.CONFIRM,
    "narrowing": Severity.CONFIRM,
    "enum-value-in-use": Severity.CONFIRM,
    "uncastable": Severity.CONFIRM,
    "ambiguous-rename": Severity.CONFIRM,
    "rename-source-missing": Severity.CONFIRM,
    "rename-conflict": Severity.CONFIRM,
    "mass-removal": Severity.CONFIRM,
    "required-without-default": Severity.BLOCK,
    "nulls-present": Severity.BLOCK,
    "duplicates": Severity.BLOCK,
    "orphans": Severity.BLOCK,
    "check-violated": Severity.BLOCK,
    "name-taken": Severity.BLOCK,
    "version-too-small": Severity.BLOCK,
    "backfill": Severity.NOTICE,
    "locking": Severity.NOTICE,
    "already-run": Severity.NOTICE,
    "unfinished": Severity.NOTICE,
}
"""How grave each hazard is, unless more is said in its place."""

CODES = tuple(SEVERITIES)

UNFINISHED = "unfinished"

DESTRUCTIVE = frozenset({"destructive", "narrowing", "enum-value-in-use", "uncastable"})
"""Codes of hazards after which values are no longer where they were."""

ALLOWABLE = frozenset(code for code, severity in SEVERITIES.items() if severity is Severity.CONFIRM)
"""Codes of hazards that may be allowed, at least at times."""


def object_name(table: Table, part: str = "") -> str:
    """How `--allow` names a table or a part of it: `email-analysis.analysis.body`."""
    return ".".join(filter(None, (table.owner, table.model, part)))


def on_table(code: str, table: Table, message: str, suggestion: str, probe: Probe | None = None) -> Hazard:
    """A hazard of the table as a whole."""
    return Hazard(
        code, SEVERITIES[code], f"table/{table.name}", object_name(table), message, suggestion, probe
    )


def on_column(
    code: str, table: Table, column: str, message: str, suggestion: str, probe: Probe | None = None
) -> Hazard:
    address = f"table/{table.name}/column/{column}"
    return Hazard(code, SEVERITIES[code], address, object_name(table, column), message, suggestion, probe)


def gone(disposition: Disposition) -> str:
    """What becomes of the values of a removed table or column, in words."""
    return "deleted for good" if disposition is Disposition.PURGE else "parked in the archive"


def table_removed(table: Table, disposition: Disposition) -> Hazard | None:
    if disposition is Disposition.RETAIN:
        return None
    return on_table(
        "destructive",
        table,
        f"table {table.name} goes; its rows are {gone(disposition)}",
        "keep the model, or set `deletion_policy: retain`, or allow it",
        Rows(table.name),
    )


def ordered(hazard: Hazard) -> Hazard:
    """What somebody ordered, who had been shown what it takes along, is told and no longer asked about."""
    suggestion = f"its deletion was ordered; `reconcile restore type/{hazard.object.partition('.')[0]}` takes that back"
    return replace(hazard, severity=Severity.NOTICE, suggestion=suggestion)


def of_unique(
    table: Table, index: Index, stored: tuple[str, ...], before: Mapping[str, Column]
) -> Iterator[Hazard]:
    """`stored` are the index's columns under their present names."""
    if not all(name in before for name in stored):
        return
    message = f"({', '.join(index.columns)}) is to be unique but some rows share their values"
    suggestion, probe = "remove or change the duplicates first", Duplicates(table.name, stored)
    if len(index.columns) == 1:
        yield on_column("duplicates", table, index.columns[0], message, suggestion, probe)
    else:
        yield on_table("duplicates", table, message, suggestion, probe)


def of_check(
    table: Table, check: Check, renames: tuple[tuple[str, str], ...], before: frozenset[str]
) -> Iterator[Hazard]:
    columns = {column.name: column for column in table.columns}
    stored = dict(renames)
    used = parse_check(check.expression, columns).columns
    if all(stored.get(name, name) in before for name in used):
        yield on_table(
            "check-violated",
            table,
            f"check {check.label} ({check.expression}) is broken by some rows",
            "correct the rows first, or loosen the check",
            Violations(table.name, check.expression, renames),
        )


def version_too_small(address: str, name: str, declared: str, needed: str, reason: str) -> Hazard:
    message, suggestion = f"{name} says version {declared}, but {reason}", f"set `version: {needed}`"
    return Hazard("version-too-small", SEVERITIES["version-too-small"], address, name, message, suggestion)


def blocked_by_policy(hazard: Hazard) -> Hazard:
    """What a `destructive: block` policy makes of a hazard: nothing destructive can be allowed."""
    if hazard.code not in DESTRUCTIVE or hazard.severity is not Severity.CONFIRM:
        return hazard
    suggestion = "a policy says `destructive: block`; change it there first"
    return replace(hazard, severity=Severity.BLOCK, suggestion=suggestion)


def redirected(hazard: Hazard, table: str, stored_as: str) -> Hazard:
    """The hazard with its probe asking `stored_as` instead of `table`."""
    if hazard.probe is None or hazard.probe.table != table:
        return hazard
    return replace(hazard, probe=replace(hazard.probe, table=stored_as))


def locking(address: str, message: str, rows: int) -> Hazard:
    suggestion = "apply it when traffic is low"
    return Hazard("locking", SEVERITIES["locking"], address, address, message, suggestion, rows=rows)


def name_taken(table: str) -> Hazard:
    return Hazard(
        "name-taken",
        SEVERITIES["name-taken"],
        f"table/{table}",
        table,
        f"there is a table {table} already, which is not as this one is to be",
        "rename or drop that table, or give the model another name",
    )


def already_run(table: str) -> Hazard:
    return Hazard(
        "already-run",
        Severity.NOTICE,
        f"table/{table}",
        table,
        f"table {table} is as it is to be, though no apply made it so",
        "nothing to do if your DBAs did it: the apply runs no statement, it only records this",
    )


def unfinished(table: str) -> Hazard:
    return Hazard(
        UNFINISHED,
        SEVERITIES[UNFINISHED],
        f"table/{table}",
        table,
        f"an earlier apply has not come to its end on {table}:"
        " indexes, values or constraints are still missing",
        "nothing to review: if it was interrupted, the next apply finishes it before anything else",
    )


def mass_removal(removed: int, live: int) -> Hazard:
    return Hazard(
        "mass-removal",
        SEVERITIES["mass-removal"],
        "plan",
        "all",
        f"{removed} of {live} live objects would go",
        "check that the source is complete; allow it if the removal is meant",
    )

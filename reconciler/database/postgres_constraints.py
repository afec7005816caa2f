"""Which constraints and indexes of an altered PostgreSQL table go, are renamed, and come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.database.alteration import Alteration, Kept, Origin, Restored
from reconciler.database.bounds import bounds
from reconciler.database.ddl import check_expression, column_type, foreign_key_name, references
from reconciler.database.filling import converted
from reconciler.database.sql_text import quote
from reconciler.errors import ExpressionError
from reconciler.spec.tables import Check, Column, Index, Table


@dataclass(frozen=True, slots=True)
class ConstraintChanges:
    """`dropped` are DROP CONSTRAINT clauses, `renamed` old -> new names, `added` clauses by name."""

    dropped: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IndexChanges:
    dropped: list[Index] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    added: list[Index] = field(default_factory=list)


def is_retyped(origin: Origin) -> bool:
    """Whether the column's stored values change in place."""
    match origin:
        case Kept(before, after) | Restored(before, after):
            name = quote(after.name)
            return (
                before.foreign is not None
                or column_type(before, "postgresql") != column_type(after, "postgresql")
                or converted(before, after, "postgresql", name) != name
            )
        case _:
            return False


def foreign_key(column: Column) -> str:
    """The clause of a table constraint; the column must have a reference."""
    assert column.references is not None
    return f"FOREIGN KEY ({quote(column.name)}) {references(column.references)}"


def dropped(name: str, *, certain: bool = True) -> str:
    """`certain` is off where somebody's hand may have been faster."""
    return f"DROP CONSTRAINT {'' if certain else 'IF EXISTS '}{quote(name)}"


def constraint_changes(alteration: Alteration) -> ConstraintChanges:
    changes = ConstraintChanges()
    table = alteration.after.name
    for gone in alteration.leaving:
        certain = gone.column.foreign is None
        changes.dropped.extend(
            dropped(name, certain=certain) for name in _own_constraints(table, gone.column)
        )
    for origin in alteration.origins:
        if isinstance(origin, Kept):
            _compare_column(changes, table, origin)
        else:
            changes.added.update(_own_constraints(table, origin.after))
    _compare_checks(changes, alteration)
    return changes


def _own_constraints(table: str, column: Column) -> dict[str, str]:
    """Bounds and foreign key of a column by name, as it was specified."""
    return dict(clause for _, *clause in _rules(table, column, column.name))


def _rules(table: str, column: Column, called: str) -> Iterator[tuple[str, str, str]]:
    """(rule, name, clause) of each constraint of a column's own; the clauses speak of it as `called`."""
    specified = column.model_copy(update={"foreign": None})
    spoken_of = specified.model_copy(update={"name": called})
    names = bounds(table, specified, "postgresql")
    for bound, spoken in zip(names, bounds(table, spoken_of, "postgresql"), strict=True):
        yield bound.rule, bound.name, f"CHECK ({spoken.condition})"
    if column.references is not None:
        yield "reference", foreign_key_name(table, column.name), foreign_key(spoken_of)


def _compare_column(changes: ConstraintChanges, table: str, kept: Kept) -> None:
    wanted = {rule: (name, clause) for rule, name, clause in _rules(table, kept.after, kept.after.name)}
    # A CHECK on a column whose type changes would keep casts from the old type: it is made anew.
    reusable = not is_retyped(kept)
    for rule, name, clause in _rules(table, kept.before, kept.after.name):
        new_name, new_clause = wanted.get(rule, ("", ""))
        if not reusable or clause != new_clause:
            changes.dropped.append(dropped(name, certain=kept.before.foreign is None))
            continue
        del wanted[rule]
        if name != new_name:
            changes.renamed[name] = new_name
    changes.added.update(wanted.values())


def _compare_checks(changes: ConstraintChanges, alteration: Alteration) -> None:
    steady = {
        o.before.name: o.after.name for o in alteration.origins if isinstance(o, Kept) and not is_retyped(o)
    }
    wanted = {
        check.name: check_expression(check, alteration.after).sql("postgresql")
        for check in alteration.after.checks
    }
    for check in alteration.before.checks:
        there = _spoken(check, alteration.before, steady)
        if there is not None and there == wanted.get(check.name):
            del wanted[check.name]
        else:
            changes.dropped.append(dropped(check.name, certain=there is not None))
    changes.added.update({name: f"CHECK ({condition})" for name, condition in wanted.items()})


def _spoken(check: Check, table: Table, steady: dict[str, str]) -> str | None:
    """The condition in the columns' new names; None if it cannot be said, "" if it speaks of a column that
    moves."""
    try:
        expression = check_expression(check, table)
    except ExpressionError:  # a hand has changed what it speaks of
        return None
    if not expression.columns <= steady.keys():
        return ""
    return expression.sql("postgresql", steady)


def index_changes(alteration: Alteration) -> IndexChanges:
    changes = IndexChanges()
    names = {o.before.name: o.after.name for o in alteration.origins if isinstance(o, Kept)}
    wanted = {(index.columns, index.unique): index for index in alteration.after.indexes}
    for index in alteration.before.indexes:
        columns = tuple(names.get(column, "") for column in index.columns)
        match = wanted.pop((columns, index.unique), None)
        if match is None:
            changes.dropped.append(index)
        elif match.name != index.name:
            changes.renamed[index.name] = match.name
    changes.added.extend(wanted.values())
    return changes

"""PostgreSQL: alterations in place, for large tables without holding a strong lock for longer than a moment.

A large table is altered in phases: columns and unvalidated constraints in the transaction, then indexes built
beside the traffic, values filled in batches, constraints validated, and at last NOT NULL set on the strength
of a validated CHECK, which costs no scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.database.alteration import Added, Alteration, Kept, Leaving, Replaced, Restored
from reconciler.database.bounds import bound_name
from reconciler.database.ddl import column_type, create_index, literal, stored_default
from reconciler.database.filling import Fill, converted, fills_of, newer_values_of
from reconciler.database.postgres_constraints import constraint_changes, index_changes, is_retyped
from reconciler.database.renaming import in_turn
from reconciler.database.sql_text import quote
from reconciler.database.statement import Phase, Statement, batched
from reconciler.spec.tables import Column


def alter(alteration: Alteration, *, large: bool = False) -> list[Statement]:
    """The statements of an alteration, by phase. A table from the archive must be back under its name
    already."""
    table = alteration.after.name
    constraints, indexes = constraint_changes(alteration), index_changes(alteration)
    fills = fills_of(alteration)
    statements = [Statement(f"DROP INDEX {quote(index.name)}", table=table) for index in indexes.dropped]
    statements += alter_table(table, [*constraints.dropped, *_let_go(alteration.leaving)])
    statements += _renamed(table, "COLUMN", _column_renames(alteration))
    statements += _renamed(table, "CONSTRAINT", constraints.renamed)
    statements += _renamed(table, "INDEX", indexes.renamed)
    statements += alter_table(table, _reshape(alteration))
    for fill in newer_values_of(alteration):
        statements.append(
            Statement(_update(table, [fill]), comment="what was written since stays", table=table)
        )
    if fills and not large:
        statements.append(Statement(_update(table, fills), comment=_FILLING, table=table))
    strict = (
        [] if large else [f"ALTER COLUMN {quote(name)} SET NOT NULL" for name in _newly_required(alteration)]
    )
    statements += alter_table(table, [*_settled(alteration), *strict])
    if large:
        statements += _added_online(table, constraints.added, _newly_required(alteration))
    else:
        added = (f"ADD CONSTRAINT {quote(name)} {clause}" for name, clause in constraints.added.items())
        statements += alter_table(table, added)
    if fills and large:
        statements.append(batched(_update(table, fills), table, _FILLING))
    for index in indexes.added:
        phase = Phase.CONCURRENT_INDEX if large else Phase.TRANSACTION
        sql = create_index(table, index, concurrently=large)
        statements.append(Statement(sql, phase, table=table, part=f"index/{index.name}" if large else ""))
    return statements


_FILLING = "rows without a value get one"


def alter_table(table: str, clauses: Iterable[str]) -> list[Statement]:
    """One ALTER TABLE with all clauses, so that the table is read once; nothing without clauses."""
    lines = list(clauses)
    return (
        [Statement(f"ALTER TABLE {quote(table)}\n    " + ",\n    ".join(lines), table=table)] if lines else []
    )


def _later(table: str, clause: str, phase: Phase, part: str) -> Statement:
    return Statement(f"ALTER TABLE {quote(table)}\n    {clause}", phase, table=table, part=part)


def _let_go(leaving: Sequence[Leaving]) -> Iterator[str]:
    """A parked column must refuse no row."""
    for gone in leaving:
        column, name = gone.column, quote(gone.column.name)
        if gone.stored_as is None:
            yield f"DROP COLUMN {name}"
            continue
        if not column.nullable or column.foreign is not None:
            yield f"ALTER COLUMN {name} DROP NOT NULL"
        if stored_default(column) is not None or column.foreign is not None:
            yield f"ALTER COLUMN {name} DROP DEFAULT"


def _column_renames(alteration: Alteration) -> dict[str, str]:
    renames = {gone.column.name: gone.stored_as for gone in alteration.leaving if gone.stored_as is not None}
    for origin in alteration.origins:
        match origin:
            case Kept(before, after):
                renames[before.name] = after.name
            case Restored(after=after, stored_as=stored_as):
                renames[stored_as] = after.name
            case _:
                pass
    return renames


def _renamed(table: str, kind: str, renames: dict[str, str]) -> Iterator[Statement]:
    for old, new in in_turn(renames):
        if kind == "INDEX":
            sql = f"ALTER INDEX {quote(old)}\n    RENAME TO {quote(new)}"
        else:
            sql = f"ALTER TABLE {quote(table)}\n    RENAME {kind} {quote(old)} TO {quote(new)}"
        yield Statement(sql, table=table)


def _reshape(alteration: Alteration) -> Iterator[str]:
    """Columns with the types they are to have, before any value is filled in."""
    for origin in alteration.origins:
        after = origin.after
        name, kind = quote(after.name), column_type(after, "postgresql")
        match origin:
            case Added():
                default = _default(after)
                yield (
                    f"ADD COLUMN {name} {kind}"
                    + (f" DEFAULT {default}" if default is not None else "")
                    + ("" if after.nullable else " NOT NULL")
                )
            case Replaced():
                yield f"ADD COLUMN {name} {kind}"
            case Kept(before) | Restored(before) if is_retyped(origin):
                if before.foreign is not None or stored_default(before) is not None:
                    yield f"ALTER COLUMN {name} DROP DEFAULT"
                value = converted(before, after, "postgresql", name)
                yield f"ALTER COLUMN {name} TYPE {kind}" + (
                    "" if value == name else f"\n        USING {value}"
                )
            case _:
                pass


def _settled(alteration: Alteration) -> Iterator[str]:
    """Defaults, and NOT NULL where it goes."""
    for origin in alteration.origins:
        if isinstance(origin, Added):
            continue
        before, after, name = origin.before, origin.after, quote(origin.after.name)
        there = _default(before) if isinstance(origin, Kept) and not is_retyped(origin) else None
        wanted = _default(after)
        if there != wanted:
            yield f"ALTER COLUMN {name} " + ("DROP DEFAULT" if wanted is None else f"SET DEFAULT {wanted}")
        if (
            isinstance(origin, Kept)
            and after.nullable
            and (not before.nullable or before.foreign is not None)
        ):
            yield f"ALTER COLUMN {name} DROP NOT NULL"


def _newly_required(alteration: Alteration) -> list[str]:
    """Columns that get NOT NULL; an added one has it from the start."""
    return [
        origin.after.name
        for origin in alteration.origins
        if not isinstance(origin, Added)
        and not origin.after.nullable
        and (not isinstance(origin, Kept) or origin.before.nullable or origin.before.foreign is not None)
    ]


def _default(column: Column) -> str | None:
    default = stored_default(column)
    return None if default is None else literal(default, column, "postgresql")


def _update(table: str, fills: Sequence[Fill]) -> str:
    """One UPDATE for all columns: each CHECK of the table judges every version of a row."""
    alone = len(fills) == 1
    assignments = ",\n    ".join(
        f"{fill.column} = {fill.expression if alone else f'COALESCE({fill.column}, {fill.expression})'}"
        for fill in fills
    )
    condition = fills[0].condition if alone else f"({' OR '.join(fill.condition for fill in fills)})"
    return f"UPDATE {quote(table)}\nSET {assignments}\nWHERE {condition}"


def _added_online(table: str, constraints: dict[str, str], required: list[str]) -> list[Statement]:
    """New rows are held to the constraints at once, those already there when they are validated."""
    present = {bound_name(table, column, "not_null"): column for column in required}
    clauses = constraints | {name: f"CHECK ({quote(column)} IS NOT NULL)" for name, column in present.items()}
    added = (f"ADD CONSTRAINT {quote(name)} {clause} NOT VALID" for name, clause in clauses.items())
    statements = alter_table(table, added)
    for name in clauses:
        validated = f"VALIDATE CONSTRAINT {quote(name)}"
        statements.append(_later(table, validated, Phase.VALIDATE, f"constraint/{name}"))
    for name, column in present.items():
        # Two statements: the CHECK must still be there when NOT NULL is set, or the table would be scanned.
        strict = f"ALTER COLUMN {quote(column)} SET NOT NULL"
        statements.append(_later(table, strict, Phase.SWITCH, f"column/{column}"))
        dropped = f"DROP CONSTRAINT IF EXISTS {quote(name)}"
        statements.append(_later(table, dropped, Phase.SWITCH, f"constraint/{name}"))
    return statements

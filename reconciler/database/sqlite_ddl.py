"""SQLite: what ALTER TABLE can do is done by it, everything else is one rebuild of the table."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.database.alteration import Added, Alteration, Kept, Restored, without_references
from reconciler.database.ddl import column_definition, create_index, stored_default
from reconciler.database.filling import converted, copied, copied_value
from reconciler.database.parking import parked_name
from reconciler.database.sql_text import quote
from reconciler.database.sqlite_rebuild import nothing_is_left_behind, rebuild
from reconciler.database.statement import Statement
from reconciler.spec.tables import Column, Index, Table


def alter(alteration: Alteration, triggers: Sequence[str] = ()) -> list[Statement]:
    """`triggers` are the CREATE statements of the table's triggers, made again after a rebuild."""
    if alteration.stored_as is not None:
        return _restore(alteration)
    if is_native(alteration):
        return _alter_in_place(alteration, alteration.before.indexes)
    kept = [Statement(sql, comment="made by hand, kept", table=alteration.after.name) for sql in triggers]
    return _rebuilt(alteration, alteration.after.name) + kept


def archive(table: Table, revision: int, parked: Sequence[Column]) -> list[Statement]:
    """Park the table. Its foreign keys go, so that it holds on to no row of a living table."""
    stored_as = parked_name(table.name, revision)
    comment = "the rows stay, to be restored or purged"
    if not any(column.references for column in table.columns):
        # The names of its indexes become free; a rebuild drops them with the old table.
        statements = [
            Statement(f"DROP INDEX {quote(index.name)}", table=table.name) for index in table.indexes
        ]
        renamed = f"ALTER TABLE {quote(table.name)}\n    RENAME TO {quote(stored_as)}"
        return [*statements, Statement(renamed, comment=comment, table=table.name)]
    values = {column.name: copied(column.name) for column in (*table.columns, *parked)}
    return [
        nothing_is_left_behind(table.name, values, table.name),
        *rebuild(table.name, without_references(table), values, called=stored_as, parked=parked),
    ]


def _restore(alteration: Alteration) -> list[Statement]:
    table, stored_as = alteration.after, alteration.stored_as
    assert stored_as is not None
    if is_native(alteration):
        renamed = f"ALTER TABLE {quote(stored_as)}\n    RENAME TO {quote(table.name)}"
        return [
            Statement(renamed, comment="back from the archive", table=table.name),
            *_alter_in_place(alteration, ()),
        ]
    return _rebuilt(alteration, stored_as)


def _rebuilt(alteration: Alteration, source: str) -> list[Statement]:
    table = alteration.after
    # What a migration purges is known to it; what it brings back was parked in the table until now.
    known = [column.name for column in (*alteration.before.columns, *alteration.staying)]
    known += [origin.stored_as for origin in alteration.origins if isinstance(origin, Restored)]
    statements = [nothing_is_left_behind(source, known, table.name)]
    statements += rebuild(source, table, _values(alteration), parked=alteration.carried)
    return statements + [
        Statement(create_index(table.name, index), table=table.name) for index in table.indexes
    ]


def _values(alteration: Alteration) -> dict[str, str]:
    found = ((origin.after.name, copied_value(origin)) for origin in alteration.origins)
    values = {name: value for name, value in found if value is not None}
    values |= {column.name: copied(column.name) for column in alteration.staying}
    return values | {
        gone.stored_as: copied(gone.column.name) for gone in alteration.leaving if gone.stored_as
    }


def is_native(alteration: Alteration) -> bool:
    """Whether no rebuild is needed: only columns are added that SQLite can add, and indexes change."""
    checks_before, checks_after = (
        {c.name: c for c in t.checks} for t in (alteration.before, alteration.after)
    )
    if alteration.leaving or checks_before != checks_after:
        return False
    name = alteration.after.name
    for origin in alteration.origins:
        match origin:
            case Added(after):
                if not after.nullable and stored_default(after) is None:
                    return False
            case Kept(before, after):
                if before.foreign is not None or _differ(name, before, after):
                    return False
            case _:
                return False
    return True


def _differ(table: str, before: Column, after: Column) -> bool:
    """Whether the table would be declared otherwise, or values are kept in another form under the same
    declaration: a decimal is a text of as many digits as its scale says."""
    declared = (column_definition(table, column, "sqlite") for column in (before, after))
    value = copied(before.name)
    return len(set(declared)) > 1 or converted(before, after, "sqlite", value) != value


def _alter_in_place(alteration: Alteration, there: Sequence[Index]) -> list[Statement]:
    """`there` are the indexes the table has now."""
    table = alteration.after
    added = [origin.after for origin in alteration.origins if isinstance(origin, Added)]
    statements = [f"DROP INDEX {quote(index.name)}" for index in there if index not in table.indexes]
    statements += [
        f"ALTER TABLE {quote(table.name)}\n    ADD COLUMN {column_definition(table.name, column, 'sqlite')}"
        for column in added
    ]
    statements += [create_index(table.name, index) for index in table.indexes if index not in there]
    return [Statement(sql, table=table.name) for sql in statements]

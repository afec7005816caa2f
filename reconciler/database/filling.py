"""Where the values of a changed column come from, as SQL expressions: conversions, then defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from reconciler.database.alteration import (
    Added,
    Alteration,
    Kept,
    Origin,
    Replaced,
    Restored,
    stored_alike,
)
from reconciler.database.casts import convert
from reconciler.database.ddl import column_type, literal, stored_default
from reconciler.database.sql_text import Dialect, quote
from reconciler.spec.tables import Column


@dataclass(frozen=True, slots=True)
class Fill:
    """`column` gets `expression` in the rows where `condition` holds; both are SQL."""

    column: str
    expression: str
    condition: str


def converted(
    before: Column, after: Column, dialect: Dialect, expression: str, *, lossy: bool = False
) -> str:
    """`expression`, a value stored as `before`, as `after` stores it; itself where nothing differs."""
    if stored_alike(before, after) and (not lossy or before.values == after.values):
        return expression
    value = convert(before, after, dialect, expression, lossy=lossy)
    if dialect == "postgresql" and lossy:
        # Where only a default is left of a value, its bare literal would be taken for a text.
        return f"CAST({value} AS {column_type(after, dialect)})"
    return value


def copied_value(origin: Origin) -> str | None:
    """The column's value in a SQLite rebuild, read from the old table; None where only its default gives
    one."""
    match origin:
        case Added():
            return None
        case Kept(before, after):
            value = converted(before, after, "sqlite", copied(before.name))
            return _first_of(value, _given_unasked(after, "sqlite") if _may_be_null(before) else None)
        case Replaced(before, after, source):
            return _replacing(before, after, "sqlite", copied(source))
        case Restored(before, after, stored_as, live):
            value = converted(before, after, "sqlite", copied(stored_as))
            meanwhile = _written_since(origin, "sqlite", copied(live.name)) if live else None
            back = _first_of(value, meanwhile, _given_unasked(after, "sqlite"))
            newer = _newer(origin, "sqlite", copied(stored_as), copied(live.name) if live else "", value)
            return f"CASE WHEN {newer.condition} THEN {newer.expression} ELSE {back} END" if newer else back
        case _:
            assert_never(origin)


def copied(name: str) -> str:
    """A column of the old table in a SQLite rebuild. Without `old.` a name that is missing would be a
    text."""
    return f"old.{quote(name)}"


def newer_values_of(alteration: Alteration) -> list[Fill]:
    """What PostgreSQL has to put right at once in columns that came back: later, a value written meanwhile could not
    be told from one that was parked."""
    found = (
        _newer(origin, "postgresql", quote(origin.after.name), quote(origin.live_stored_as))
        for origin in alteration.origins
        if isinstance(origin, Restored)
    )
    return [fill for fill in found if fill is not None]


def fills_of(alteration: Alteration) -> list[Fill]:
    """What PostgreSQL fills once columns are in place, parked ones already under their parked names."""
    found = (_fill_of(origin) for origin in alteration.origins)
    return [fill for fill in found if fill is not None]


def _fill_of(origin: Origin) -> Fill | None:
    name, default = quote(origin.after.name), _given_unasked(origin.after, "postgresql")
    match origin:
        case Added():
            return None
        case Kept(before):
            return Fill(name, default, f"{name} IS NULL") if default and _may_be_null(before) else None
        case Replaced(before, after, stored_as=stored_as):
            source = quote(stored_as)
            value = converted(before, after, "postgresql", source, lossy=True)
        case Restored(live=live, live_stored_as=stored_as):
            source = quote(stored_as)
            if live is None:
                return Fill(name, default, f"{name} IS NULL") if default else None
            value = _written_since(origin, "postgresql", source)
        case _:
            assert_never(origin)
    condition = f"{name} IS NULL" if default else f"({name} IS NULL AND {source} IS NOT NULL)"
    return Fill(name, _first_of(value, default), condition)


def _newer(
    origin: Restored, dialect: Dialect, parked: str, live: str, back: str | None = None
) -> Fill | None:
    """Rows whose live value is not what their parked one had become: it was written since, and is kept.

    `parked` and `live` are the columns as they can be read, on PostgreSQL the parked one in place already; `back` is
    the parked value as it is restored.
    """
    if origin.live is None or origin.undone is None:
        return None
    before = origin.undone.before if dialect == "sqlite" else origin.after
    as_parked = _replacing(before, origin.undone.after, dialect, parked)
    differs = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    value = converted(origin.live, origin.after, dialect, live, lossy=True)
    if not origin.after.nullable:
        value = _first_of(value, back or parked, _given_unasked(origin.after, dialect))
    return Fill(quote(origin.after.name), value, f"{live} {differs} {as_parked}")


def _replacing(before: Column, after: Column, dialect: Dialect, source: str) -> str:
    """What a column that takes another's place makes of its values."""
    value = converted(before, after, dialect, source, lossy=True)
    return _first_of(value, _given_unasked(after, dialect))


def _may_be_null(column: Column) -> bool:
    return column.nullable or column.foreign is not None


def _given_unasked(column: Column, dialect: Dialect) -> str | None:
    """What rows without a value get where a value is required. An optional column leaves them without one."""
    default = stored_default(column)
    return None if column.nullable or default is None else literal(default, column, dialect)


def _written_since(origin: Restored, dialect: Dialect, live_name: str) -> str:
    """The value of the column that stood in the place of a parked one.

    Where that column was required and the restored one is not, its default says "no value was given": rows
    that had none before get none again.
    """
    live = origin.live
    assert live is not None
    default = stored_default(live)
    value = live_name
    if origin.after.nullable and not live.nullable and default is not None:
        value = f"NULLIF({live_name}, {literal(default, live, dialect)})"
    return converted(live, origin.after, dialect, value, lossy=True)


def _first_of(*values: str | None) -> str:
    given = [value for value in values if value is not None]
    return given[0] if len(given) == 1 else f"COALESCE({', '.join(given)})"

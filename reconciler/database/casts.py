"""Which stored values can become which, and the SQL that asks and does it.

A value fits if it can be converted there and back again unchanged and keeps within the new column's length,
precision, scale and values. `'007'` is no integer: what came back would be `'7'`. What does not fit is
counted by `unfit`, refused by `convert`, or brought as near as possible by `convert(lossy=True)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from reconciler.database.cast_forms import FALSE, NOTHING, TRUE, Cast, Forms, all_of
from reconciler.database.casts_postgres import PostgresForms
from reconciler.database.casts_sqlite import SqliteForms
from reconciler.database.ddl import column_type, literal
from reconciler.database.live import LiveColumn
from reconciler.database.sql_text import Dialect, text_literal
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column

NEVER = FALSE
"""What `unfit` and `out_of_bounds` answer where no row can be concerned and none need be counted."""

_FORMS: Mapping[Dialect, Forms] = {"sqlite": SqliteForms(), "postgresql": PostgresForms()}


class _Rule(StrEnum):
    NONE = "."
    KEEP = "keep"
    """The stored form is the same; only the limits of the new column decide."""
    READ = "read"
    """A text becomes a value."""
    WRITE = "write"
    """A value becomes a text."""
    BETWEEN = "pair"
    """A number becomes another kind of number, a moment another kind of moment."""


_MATRIX = """
           string text  integer number decimal boolean date  datetime uuid  enum  json  list  binary reference
string     keep   keep  read    read   read    read    read  read     read  keep  .     .     .      .
text       keep   keep  read    read   read    read    read  read     read  keep  .     .     .      .
integer    write  write keep    pair   pair    pair    .     .        .     .     .     .     .      .
number     write  write pair    keep   pair    .       .     .        .     .     .     .     .      .
decimal    write  write pair    pair   pair    .       .     .        .     .     .     .     .      .
boolean    write  write pair    .      .       keep    .     .        .     .     .     .     .      .
date       write  write .       .      .       .       keep  pair     .     .     .     .     .      .
datetime   write  write .       .      .       .       pair  keep     .     .     .     .     .      .
uuid       write  write .       .      .       .       .     .        keep  .     .     .     .      .
enum       keep   keep  .       .      .       .       .     .        .     keep  .     .     .      .
json       .      .     .       .      .       .       .     .        .     .     keep  .     .      .
list       .      .     .       .      .       .       .     .        .     .     .     keep  .      .
binary     .      .     .       .      .       .       .     .        .     .     .     .     keep   .
reference  .      .     .       .      .       .       .     .        .     .     .     .     .      keep
"""


def _parsed(matrix: str) -> dict[tuple[FieldType, FieldType], _Rule]:
    header, *rows = [line.split() for line in matrix.strip().splitlines()]
    return {
        (FieldType(before), FieldType(after)): _Rule(rule)
        for before, *rules in rows
        for after, rule in zip(header, rules, strict=True)
    }


_RULES = _parsed(_MATRIX)
_TEXTUAL = (FieldType.STRING, FieldType.TEXT)


def convertible(before: Column, after: Column) -> bool:
    """Whether any value but NULL can survive. Encryption is the application's: the database can neither
    add nor lift it."""
    if before.encrypted or after.encrypted:
        alike = before.type is after.type or (before.type in _TEXTUAL and after.type in _TEXTUAL)
        return before.encrypted and after.encrypted and alike
    return _RULES[before.type, after.type] is not _Rule.NONE


def unfit(before: Column, after: Column, dialect: Dialect, expression: str) -> str:
    """A condition, true for values that do not fit; never NULL, never raising. `NEVER` if all fit by their
    types.

    `expression` is the stored value: a column, quoted as needed.
    """
    cast = _cast(before, after, dialect, expression)
    if cast is None:
        return f"({expression} IS NOT NULL)"
    return NEVER if cast.fits == TRUE else f"({expression} IS NOT NULL AND ({cast.fits}) IS NOT TRUE)"


def convert(before: Column, after: Column, dialect: Dialect, expression: str, *, lossy: bool) -> str:
    """The value as `after` stores it. A value that does not fit makes the statement fail, or if `lossy`,
    becomes what is nearest to it (over-long texts cut, digits without a place left out), else `after`'s
    default, else NULL."""
    cast = _cast(before, after, dialect, expression)
    if cast is not None and cast.fits == TRUE:
        return cast.value
    if lossy:
        otherwise = _next_best(cast.nearest if cast else NOTHING, after, dialect)
    else:
        otherwise = _FORMS[dialect].refuse(after, _source(before, dialect, expression)[1])
    fitting = f" WHEN {cast.fits} THEN {cast.value}" if cast else ""
    return f"CASE WHEN {expression} IS NULL THEN NULL{fitting} ELSE {otherwise} END"


def out_of_bounds(before: Column, after: Column, dialect: Dialect, expression: str) -> str:
    """A condition, true where the converted value breaks `after`'s minimum, maximum or min_length; never
    raising."""
    if after.encrypted:
        return NEVER
    value = f"({convert(before, after, dialect, expression, lossy=True)})"
    if after.type is FieldType.DECIMAL and dialect == "sqlite":
        value = f"CAST({value} AS REAL)"
    bounds = (
        (value, "<", after.minimum),
        (value, ">", after.maximum),
        (f"length({value})", "<", after.min_length),
    )
    broken = [f"{side} {operator} {bound}" for side, operator, bound in bounds if bound is not None]
    return f"(({' OR '.join(broken)}) IS TRUE)" if broken else NEVER


def _next_best(nearest: str, after: Column, dialect: Dialect) -> str:
    if after.default is None or after.encrypted:
        fallback = f"CAST(NULL AS {column_type(after, dialect)})" if dialect == "postgresql" else NOTHING
    else:
        fallback = literal(after.default, after, dialect)
    return fallback if nearest == NOTHING else f"coalesce({nearest}, {fallback})"


def _cast(before: Column, after: Column, dialect: Dialect, expression: str) -> Cast | None:
    """None where nothing but NULL converts."""
    before, e = _source(before, dialect, expression)
    if not convertible(before, after):
        return None
    if before.encrypted:
        return Cast(TRUE, e)
    forms = _FORMS[dialect]
    match _RULES[before.type, after.type]:
        case _Rule.KEEP:
            return _kept(before, after, e)
        case _Rule.READ:
            return forms.read(after, e)
        case _Rule.WRITE:
            return _written(forms.write(before, e), after)
        case _:
            if before.type is after.type and (before.precision, before.scale) == (
                after.precision,
                after.scale,
            ):
                return Cast(TRUE, e)
            return forms.between(before, after, e)


def _source(before: Column, dialect: Dialect, expression: str) -> tuple[Column, str]:
    """What the column holds: as specified, or as somebody's hand has changed it."""
    if before.foreign is None:
        return before, expression
    specified = before.model_copy(update={"foreign": None})
    live = LiveColumn.parse(before.foreign).type
    if _FORMS[dialect].declared(live) == column_type(specified, dialect):
        return specified, expression
    return _FORMS[dialect].stored(live, expression)


def _kept(before: Column, after: Column, e: str) -> Cast:
    if after.type is FieldType.ENUM:
        if before.type is FieldType.ENUM and set(before.values) <= set(after.values):
            return Cast(TRUE, e)
        return Cast(f"{e} IN ({', '.join(map(text_literal, after.values))})", e)
    if after.max_length is None or (before.max_length or after.max_length + 1) <= after.max_length:
        return Cast(TRUE, e)
    if before.type is FieldType.ENUM and max(map(len, before.values), default=0) <= after.max_length:
        return Cast(TRUE, e)
    # A text cut short is still a text; bytes cut short are nothing.
    nearest = NOTHING if after.type is FieldType.BINARY else f"substr({e}, 1, {after.max_length})"
    return Cast(f"length({e}) <= {after.max_length}", e, nearest)


def _written(cast: Cast, after: Column) -> Cast:
    if after.max_length is None:
        return cast
    return Cast(all_of(cast.fits, f"length({cast.value}) <= {after.max_length}"), cast.value)

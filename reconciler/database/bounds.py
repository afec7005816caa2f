"""A column's own CHECKs: what its type alone does not hold the database to.

Each bound is a constraint of its own, so that a violation names the rule that was broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.database.sql_text import Dialect, quote, text_literal
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, constraint_name


@dataclass(frozen=True, slots=True)
class Bound:
    """`rule` is `values`, `minimum`, `maximum`, `min_length`, `max_length` or `boolean`; `condition` is
    SQL."""

    rule: str
    name: str
    condition: str


def bound_name(table: str, column: str, rule: str) -> str:
    """The rule is hashed in: a declared check may well be labelled like a column."""
    return constraint_name("ck", table, (column, rule), column)


def bounds(table: str, column: Column, dialect: Dialect) -> tuple[Bound, ...]:
    """The column's bounds under the names they have in `table`. Encrypted and hand-made columns have none."""
    if column.encrypted or column.foreign is not None:
        return ()
    return tuple(
        Bound(rule, bound_name(table, column.name, rule), condition)
        for rule, condition in _conditions(column, quote(column.name), dialect)
    )


def _conditions(column: Column, name: str, dialect: Dialect) -> Iterator[tuple[str, str]]:
    sqlite = dialect == "sqlite"
    if sqlite and column.type is FieldType.BOOLEAN:
        yield "boolean", f"{name} IN (0, 1)"
    if column.values:
        yield "values", f"{name} IN ({', '.join(text_literal(value) for value in column.values)})"
    number = f"CAST({name} AS REAL)" if sqlite and column.type is FieldType.DECIMAL else name
    if column.minimum is not None:
        yield "minimum", f"{number} >= {column.minimum!r}"
    if column.maximum is not None:
        yield "maximum", f"{number} <= {column.maximum!r}"
    # SQLite's length() counts characters of a text and bytes of a blob; PostgreSQL has a function for each.
    measure = "length" if sqlite else "octet_length" if column.type is FieldType.BINARY else "char_length"
    if column.min_length is not None:
        yield "min_length", f"{measure}({name}) >= {column.min_length}"
    if column.max_length is not None and (sqlite or column.type is not FieldType.STRING):
        yield "max_length", f"{measure}({name}) <= {column.max_length}"

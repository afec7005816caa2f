"""The parts a cast between two stored forms is made of, shared by the SQL of both databases.

Everything here is SQL text. An expression handed in must be a column (or as cheap and as free of effects as
one): it is written several times. No text holds a `?` or a `%s`, so it can stand in statements with and
without parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.spec.tables import Column

TRUE = "TRUE"
FALSE = "FALSE"
NOTHING = "NULL"


@dataclass(frozen=True, slots=True)
class Cast:
    """One conversion.

    `fits` is a condition, never raising whatever the row holds: the value becomes `value` and could come
    back unchanged. `value` is only evaluated where `fits` holds. `nearest`, which never raises either, is
    the next best value where it does not, NULL if there is none.
    """

    fits: str
    value: str
    nearest: str = NOTHING


class Forms(Protocol):
    """The stored forms of one database. Columns tell type, precision and scale; `e` is the expression."""

    def read(self, after: Column, e: str) -> Cast:
        """A text becomes a value; only its canonical text fits."""
        ...

    def write(self, before: Column, e: str) -> Cast:
        """A value becomes its canonical text."""
        ...

    def between(self, before: Column, after: Column, e: str) -> Cast:
        """A number becomes another kind of number, or a moment another kind of moment."""
        ...

    def refuse(self, after: Column, e: str) -> str:
        """An expression of `after`'s type that makes the statement fail, without showing the value."""
        ...

    def declared(self, live: str) -> str:
        """The type a catalog shows, spelled as `ddl.column_type` does."""
        ...

    def stored(self, foreign: str, e: str) -> tuple[Column, str]:
        """What somebody's own type text holds, in words of a spec, and the expression that reads it so."""
        ...


def all_of(*conditions: str) -> str:
    """The conjunction; FALSE as soon as one is."""
    if FALSE in conditions:
        return FALSE
    told = [condition for condition in conditions if condition != TRUE]
    return " AND ".join(told) if told else TRUE


def whole_digits(column: Column) -> int:
    """How many digits a decimal may have before its point."""
    return (column.precision or 0) - (column.scale or 0)

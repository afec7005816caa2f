"""The lossless rebuild of a SQLite table: a new table, the rows copied, the old dropped, the name put right.

Foreign keys must be off before the transaction begins: dropping the old table would otherwise delete the rows
that refer to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.database.ddl import create_table
from reconciler.database.filling import copied
from reconciler.database.sql_text import quote, text_literal
from reconciler.database.statement import Statement
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.tables import Column, Table

FOREIGN_KEYS_ARE_OFF = Statement(
    "SELECT foreign_keys\nFROM pragma_foreign_keys\nWHERE foreign_keys = 1",
    comment="dropping a table must not reach the rows that refer to it",
    expect_empty=True,
)
"""To be asked before the first rebuild or drop."""


def rebuild(
    source: str, table: Table, values: Mapping[str, str], *, called: str = "", parked: Sequence[Column] = ()
) -> list[Statement]:
    """Make `source` into `table`, called `called` where that is not its own name.

    `values` gives the SQL expression, over columns of `old`, the source, of each column that is copied; a
    column not in it gets its default. `parked` are the parked columns the new table has. Indexes are left to
    the caller.
    """
    name = called or table.name
    built = f"_rebuild_{name}" if source == name else name
    copies = {**{column: copied(column) for column in SYSTEM_FIELDS}, **values}
    steps = [
        (create_table(table, "sqlite", called=built, parked=parked), ""),
        (_copy(source, built, copies), ""),
        (f"DELETE FROM sqlite_sequence\nWHERE name = {text_literal(built)}", "ids go on where they were"),
        (_sequence_of(source, built), ""),
        (f"DROP TABLE {quote(source)}", ""),
    ]
    if built != name:
        # Without this, a view on the table, which has no table at this moment, would refuse the new name.
        steps += [
            ("PRAGMA legacy_alter_table = ON", "views on the table stay as they are"),
            (f"ALTER TABLE {quote(built)}\n    RENAME TO {quote(name)}", ""),
            ("PRAGMA legacy_alter_table = OFF", ""),
        ]
    return [Statement(sql, comment=comment, table=table.name) for sql, comment in steps]


def nothing_is_left_behind(source: str, columns: Iterable[str], table: str) -> Statement:
    """Asks for columns of `source` besides the system's and `columns`: a rebuild would lose them unseen."""
    known = ",\n    ".join(text_literal(name) for name in (*SYSTEM_FIELDS, *columns))
    return Statement(
        f"SELECT name\nFROM pragma_table_info({text_literal(source)})\nWHERE name NOT IN (\n    {known}\n)",
        comment="a column that nobody knows of would be lost",
        table=table,
        expect_empty=True,
    )


def _sequence_of(source: str, built: str) -> str:
    return (
        "INSERT INTO sqlite_sequence (name, seq)\n"
        f"SELECT {text_literal(built)}, seq\n"
        "FROM sqlite_sequence\n"
        f"WHERE name = {text_literal(source)}"
    )


def foreign_key_check(table: str) -> Statement:
    """Returns a row per value that is the id of no row; it must not return any."""
    return Statement(f"PRAGMA foreign_key_check({quote(table)})", table=table, expect_empty=True)


def _copy(source: str, built: str, copies: Mapping[str, str]) -> str:
    targets = ",\n    ".join(quote(name) for name in copies)
    expressions = ",\n    ".join(copies.values())
    return (
        f"INSERT INTO {quote(built)} (\n    {targets}\n)\nSELECT\n    {expressions}\n"
        f"FROM {quote(source)} AS old"
    )

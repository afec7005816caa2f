"""Counting the rows a change concerns, before anything runs.

One scan answers all questions about the values of one table, however many there are; only duplicates and
orphans need a scan of their own. Nothing is written and nothing is locked but against changes of structure.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, assert_never

from reconciler.database import casts
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.sql_text import quote, text_literal
from reconciler.expressions.check_sql import parse_check
from reconciler.plans.changes import (
    Duplicates,
    NotNulls,
    Nulls,
    Orphans,
    OutOfBounds,
    Probe,
    Rows,
    Unfit,
    Violations,
)
from reconciler.spec.tables import Column, Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

COUNTS_AT_ONCE = 100
"""Counts of one SELECT; both databases allow well over a thousand result columns."""

TABLES_AT_ONCE = 250
"""Parts of one compound SELECT; SQLite allows 500."""

Conversions = Mapping[str, tuple[Column, Column]]
"""By the name of the stored column: as it is and as it is to be."""


def count(conn: Connection, probe: Probe, definition: Table) -> int:
    """How many rows the probe concerns. `definition` is the table as it is stored now."""
    return count_all(conn, [(probe, definition)])[0]


def count_all(conn: Connection, asked: Sequence[tuple[Probe, Table]]) -> list[int]:
    """The counts, in the order asked. A table that does not exist has no rows.

    Values are judged as what they are about to become: if `asked` holds an Unfit or OutOfBounds for a
    column, checks and duplicates of that column are counted on the converted values.
    """
    definitions = {probe.table: definition for probe, definition in asked}
    present = _present(conn, {*definitions, *(p.target for p, _ in asked if isinstance(p, Orphans))})
    answers: dict[Probe, int] = {}
    by_table: dict[str, list[Probe]] = defaultdict(list)
    for probe in dict.fromkeys(probe for probe, _ in asked):
        by_table[probe.table].append(probe)
    for table, probes in by_table.items():
        if table in present:
            answers |= _TableCounts(conn, definitions[table], table, probes, present).answers()
    return [answers.get(probe, 0) for probe, _ in asked]


def row_estimates(conn: Connection, tables: Collection[str]) -> dict[str, int]:
    """About how many rows each of the tables has that exist: from statistics, or the largest id. Costs no
    scan."""
    if not tables:
        return {}
    if conn.dialect == "postgresql":
        return {name: int(rows) for name, rows in conn.execute(_POSTGRES_ESTIMATES, (list(tables),))}
    estimates: dict[str, int] = {}
    present = sorted(_present(conn, tables))
    for start in range(0, len(present), TABLES_AT_ONCE):
        parts = (
            f"SELECT {text_literal(name)}, coalesce(max(rowid), 0) FROM {quote(name)}"
            for name in present[start : start + TABLES_AT_ONCE]
        )
        estimates |= dict(conn.execute(" UNION ALL ".join(parts)))
    return estimates


# As the planner does: rows per page when last analysed, times the pages there are now. In a table never
# analysed no row can be smaller than 32 bytes: rather too many than too few.
_POSTGRES_ESTIMATES = """
SELECT relname, CASE
    WHEN reltuples > 0 AND relpages > 0 THEN reltuples / relpages * (pg_relation_size(oid) / 8192)
    ELSE pg_relation_size(oid) / 32 END
FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname = ANY (?)"""


def _present(conn: Connection, tables: Iterable[str]) -> dict[str, str]:
    """Those of the tables that exist, live or parked, with the name by which SQL reaches them."""
    if conn.dialect == "sqlite":
        found = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (SELECT value FROM json_each(?))"
        )
        return {name: quote(name) for (name,) in conn.execute(found, (json.dumps(sorted(tables)),))}
    found = (
        "SELECT c.relname, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN (current_schema(), ?) AND c.relkind IN ('r', 'p') AND c.relname = ANY (?)"
    )
    rows = conn.execute(found, (ARCHIVE_SCHEMA, sorted(tables)))
    return {name: f"{quote(schema)}.{quote(name)}" for name, schema in rows}


class _TableCounts:
    """The questions about one table that exists, `name`."""

    def __init__(
        self,
        conn: Connection,
        definition: Table,
        name: str,
        probes: Sequence[Probe],
        present: Mapping[str, str],
    ) -> None:
        """`present` has the tables that exist with their names in SQL."""
        self.conn, self.table, self.probes, self.present = conn, present[name], probes, present
        self.columns = {column.name: column for column in definition.columns}
        self.conversions: Conversions = {
            probe.before.name: (probe.before, probe.after)
            for probe in probes
            if isinstance(probe, Unfit | OutOfBounds)
        }
        # No column is called like that: names of fields hold no space.
        self.converted = {name: f"value to be {number}" for number, name in enumerate(self.conversions)}

    def answers(self) -> dict[Probe, int]:
        conditions: dict[Probe, str] = {}
        answers: dict[Probe, int] = {}
        for probe in self.probes:
            match probe:
                case Duplicates():
                    answers[probe] = self._one(self._duplicates(probe))
                case Orphans():
                    answers[probe] = self._one(self._orphans(probe))
                case _:
                    conditions[probe] = self._condition(probe)
        told = {probe: condition for probe, condition in conditions.items() if condition != casts.NEVER}
        answers |= dict.fromkeys(conditions, 0) | self._counted(told)
        return answers

    def _counted(self, conditions: Mapping[Probe, str]) -> dict[Probe, int]:
        counts: dict[Probe, int] = {}
        probes = list(conditions)
        for start in range(0, len(probes), COUNTS_AT_ONCE):
            some = probes[start : start + COUNTS_AT_ONCE]
            selected = ", ".join(f"count(*) FILTER (WHERE {conditions[probe]})" for probe in some)
            (row,) = self.conn.execute(f"SELECT {selected} FROM {self._rows()}")
            counts |= dict(zip(some, row, strict=True))
        return counts

    def _one(self, query: str) -> int:
        return int(self.conn.execute(query)[0][0])

    def _condition(self, probe: Rows | Nulls | NotNulls | Unfit | OutOfBounds | Violations) -> str:
        dialect = self.conn.dialect
        match probe:
            case Rows():
                return "TRUE"
            case Nulls(column=column):
                return f"{quote(column)} IS NULL"
            case NotNulls(column=column):
                return f"{quote(column)} IS NOT NULL"
            case Unfit(before=before, after=after):
                return casts.unfit(before, after, dialect, quote(before.name))
            case OutOfBounds(before=before, after=after):
                return casts.out_of_bounds(before, after, dialect, quote(before.name))
            case Violations():
                return self._violated(probe)
            case _:
                assert_never(probe)

    def _violated(self, probe: Violations) -> str:
        stored = dict(probe.renames)
        columns = self.columns | {
            name: self.columns[old] for name, old in stored.items() if old in self.columns
        }
        for before, after in self.conversions.values():
            columns[after.name] = after
            stored[after.name] = self.converted[before.name]
        check = parse_check(probe.expression, columns)
        return f"({check.sql(self.conn.dialect, stored)}) IS FALSE"

    def _duplicates(self, probe: Duplicates) -> str:
        names = [self.converted.get(name, name) for name in probe.columns]
        values = ", ".join(map(quote, names))
        given = " AND ".join(f"{quote(name)} IS NOT NULL" for name in names)
        groups = (
            f"SELECT count(*) AS n FROM {self._rows()} WHERE {given} GROUP BY {values} HAVING count(*) > 1"
        )
        return f"SELECT coalesce(sum(n - 1), 0) FROM ({groups}) AS repeated"

    def _orphans(self, probe: Orphans) -> str:
        column = f"t.{quote(probe.column)}"
        given = f"SELECT count(*) FROM {self.table} AS t WHERE {column} IS NOT NULL"
        if probe.target not in self.present:
            return given
        target = self.present[probe.target]
        return f'{given} AND NOT EXISTS (SELECT 1 FROM {target} AS o WHERE o."id" = {column})'

    def _rows(self) -> str:
        """The table, with the values its columns will have beside those they have."""
        if not self.conversions:
            return self.table
        values = (
            casts.convert(before, after, self.conn.dialect, quote(name), lossy=True)
            + f" AS {quote(self.converted[name])}"
            for name, (before, after) in self.conversions.items()
        )
        return f"(SELECT t.*, {', '.join(values)} FROM {self.table} AS t) AS rows_to_be"

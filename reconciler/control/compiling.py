"""A plan's units -> their statements, the same for whoever shows them and for whoever runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from reconciler.database import inspection
from reconciler.database.connection import Connection
from reconciler.database.operations import compile_unit
from reconciler.database.preflight import row_estimates
from reconciler.database.statement import Statement
from reconciler.plans.changes import Unit

IsLarge = Callable[[str], bool]


def statements_of(connection: Connection, unit: Unit, *, revision: int, large: IsLarge) -> list[Statement]:
    return compile_unit(
        unit, connection.dialect, revision=revision, large=large, triggers=_triggers(connection, unit)
    )


def large_tables(connection: Connection, units: Iterable[Unit], rows: int) -> IsLarge:
    """Whether a table has so many rows that it is changed beside the traffic; on PostgreSQL only."""
    if connection.dialect != "postgresql":
        return lambda table: False
    names = {m.name for unit in units for m in unit.migrations if m.before is not None}
    estimates = row_estimates(connection, names)
    return lambda table: estimates.get(table, 0) >= rows


def _triggers(connection: Connection, unit: Unit) -> Mapping[str, Sequence[str]]:
    """CREATE statements of triggers that somebody put on a table, which a rebuild would lose."""
    names = [m.name for m in unit.migrations if m.before is not None and m.after is not None]
    if connection.dialect != "sqlite" or not names:
        return {}
    live = inspection.inspect(connection, names)
    return {name: tuple(table.triggers.values()) for name, table in live.items() if table.triggers}

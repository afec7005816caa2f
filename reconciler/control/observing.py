"""A plan against a live database: observed, compared and counted at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.control.planning import Planned, plan_states
from reconciler.database.observe import observe
from reconciler.database.preflight import count_all, row_estimates
from reconciler.errors import DatabaseError, Problem
from reconciler.plans.changes import Probe, Unit
from reconciler.spec.state import EMPTY, State
from reconciler.spec.tables import Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.spec.agent_type import AgentType
    from reconciler.spec.policy import Policy

RETRIES = 2
"""How often a plan is made anew after an error that another apply may have caused."""


def planned_from(
    connection: Connection | None,
    desired: State,
    *,
    source: str,
    database: str,
    commit: str = "",
    problems: tuple[Problem, ...] = (),
    large_table_rows: int,
    hold_missing: bool = False,
    check_versions: bool = True,
    lineage: Callable[[str], Sequence[AgentType]] | None = None,
    pinned: Sequence[Policy] = (),
) -> Planned:
    """Without a connection, nothing is there yet."""

    def count(asked: Mapping[Probe, Table]) -> Mapping[Probe, int]:
        assert connection is not None
        return dict(zip(asked, count_all(connection, list(asked.items())), strict=True))

    def large(unit: Unit) -> Mapping[str, int]:
        assert connection is not None
        names = {m.name for m in unit.migrations if m.before is not None and not m.done}
        return {
            name: rows for name, rows in row_estimates(connection, names).items() if rows >= large_table_rows
        }

    def plan() -> Planned:
        return plan_states(
            desired,
            EMPTY if connection is None else observe(connection),
            source=source,
            database=database,
            commit=commit,
            problems=problems,
            count=count if connection is not None else None,
            hold_missing=hold_missing,
            check_versions=check_versions,
            lineage=lineage,
            pinned=pinned,
            rows_of=large if connection is not None and connection.dialect == "postgresql" else None,
        )

    return plan() if connection is None or connection.in_transaction else _at_one_moment(connection, plan)


def _at_one_moment(connection: Connection, plan: Callable[[], Planned]) -> Planned:
    """A snapshot holds still what tables hold, but on PostgreSQL not what they are: an apply that ends
    meanwhile takes columns away that were there when the plan began. Then it is made anew."""
    for _ in range(RETRIES):
        try:
            with connection.snapshot():
                return plan()
        except DatabaseError:
            if connection.dialect == "sqlite":
                raise
    with connection.snapshot():
        return plan()


def fingerprint_now(connection: Connection | None) -> str:
    """What a plan made now would be made from."""
    if connection is None:
        return EMPTY.fingerprint
    with connection.snapshot():
        return observe(connection).fingerprint

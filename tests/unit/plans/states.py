"""States held in memory, and what a plan makes of two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.plans.changes import Change, Hazard, Unit
from reconciler.plans.diff import Differ
from reconciler.plans.order import units_of
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import Spec, state_of
from reconciler.spec.policy import Policy
from reconciler.spec.state import ActualState, ActualTable, ActualTables, Parked
from reconciler.spec.tables import Column, Table, tables_of

from .samples import agent_type


def actual(specs: Iterable[Spec], parked: Sequence[Parked] = ()) -> ActualState:
    """A database in which these specs are live with all their tables, and these columns and tables parked."""
    state = state_of([*specs])
    tables: dict[str, Table] = {}
    for address in state.entries:
        spec = state.spec(address)
        if isinstance(spec, AgentType):
            tables |= tables_of(spec)
    owners = {table.owner for table in tables.values()}

    def load(name: str) -> ActualTable:
        columns = tuple(entry for entry in parked if entry.column and entry.table == name)
        return ActualTable(tables[name], parked=columns)

    return ActualState(
        state.entries,
        state.spec,
        tables=ActualTables(
            names=frozenset(tables),
            by_owner={o: frozenset(n for n, table in tables.items() if table.owner == o) for o in owners},
            load=load,
            archived={entry.table: entry for entry in parked if entry.column is None},
        ),
    )


def units(before: Iterable[Spec], after: Iterable[Spec], parked: Sequence[Parked] = ()) -> tuple[Unit, ...]:
    return units_of(Differ(state_of([*after]), actual(before, parked)).differences())


def changes(before: Iterable[Spec], after: Iterable[Spec], parked: Sequence[Parked] = ()) -> list[Change]:
    return [change for unit in units(before, after, parked) for change in unit.changes]


def hazards_between(before: AgentType, after: AgentType, *more: Spec) -> list[Hazard]:
    return [h for unit in units([before, *more], [after, *more]) for h in unit.hazards]


def notes(version: str = "1.0.0", *, table: dict[str, Any] | None = None, **fields: Any) -> AgentType:
    """The type `notes` with the model `note` of these fields; `table` is whatever else the model says."""
    return agent_type("notes", version, models={"note": {"fields": fields, **(table or {})}})


def policy(**spec: Any) -> Policy:
    return Policy.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Policy",
            "metadata": {"name": "default"},
            "spec": spec,
        }
    )


def parked_column(name: str, **column: Any) -> Parked:
    """A column of `notes.note` that revision 3 has put into the archive."""
    definition = Column(name=name, **column)
    return Parked(7, "notes__note", name, f"_archived_3_{name}", definition, 3, 17, "2026-11-01T10:00:00Z")

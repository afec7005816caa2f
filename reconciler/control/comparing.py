"""What the manifests are to become, against what they were at another commit: a plan without any database.

With one, hazards are counted by the rows that are there; what the database holds is not asked otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from reconciler.control.planning import Planned, plan_states
from reconciler.database.preflight import count_all
from reconciler.errors import DatabaseError
from reconciler.plans.changes import Probe
from reconciler.spec.agent_type import AgentType
from reconciler.spec.state import ActualState, ActualTable, ActualTables, State
from reconciler.spec.tables import Table, tables_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.database.connection import Connection
    from reconciler.manifests.compiled import Loaded
    from reconciler.spec.policy import Policy


def planned_against(
    loaded: Loaded,
    base: Loaded,
    *,
    source: str,
    base_name: str,
    connection: Connection | None = None,
    pinned: Sequence[Policy] = (),
) -> Planned:
    """The id depends on the two trees alone: the same change, merged as it was reviewed, keeps it."""
    return plan_states(
        loaded.state,
        as_actual(base.state),
        source=source,
        database=base_name,
        problems=loaded.problems,
        count=(lambda asked: _counts(connection, asked)) if connection is not None else None,
        hold_missing=bool(loaded.opaque),
        pinned=pinned,
    )


def as_actual(state: State) -> ActualState:
    """A state of manifests as if all of it had just been applied to an empty database."""
    owners = _Owners(state)
    return ActualState(
        state.entries,
        state.spec,
        tables=ActualTables(
            names=owners.names(), by_owner=owners, load=lambda name: ActualTable(owners.table(name))
        ),
        fingerprint=f"tree {state.digest}",
    )


class _Owners(Mapping[str, frozenset[str]]):
    """Names of tables by the type that declares them; a type is loaded when it is asked for."""

    def __init__(self, state: State) -> None:
        self._types = [a.removeprefix("type/") for a in state.entries if a.startswith("type/")]
        self._known = frozenset(self._types)
        self._by_prefix = {name.replace("-", "_"): name for name in self._types}
        self.tables = cache(lambda owner: _tables(state, owner))

    def table(self, name: str) -> Table:
        return self.tables(self._by_prefix[name.partition("__")[0]])[name]

    def names(self) -> _Names:
        return _Names(self)

    def has(self, table: str) -> bool:
        owner = self._by_prefix.get(table.partition("__")[0])
        return owner is not None and table in self.tables(owner)

    def __getitem__(self, owner: str) -> frozenset[str]:
        if owner not in self._known:
            raise KeyError(owner)
        return frozenset(self.tables(owner))

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


class _Names:
    """Whether a table is among them, without loading more than the type that could own it."""

    def __init__(self, owners: _Owners) -> None:
        self._owners = owners

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._owners.has(name)


def _tables(state: State, owner: str) -> dict[str, Table]:
    spec = state.spec(f"type/{owner}")
    return tables_of(spec) if isinstance(spec, AgentType) else {}


def _counts(connection: Connection, asked: Mapping[Probe, Table]) -> Mapping[Probe, int]:
    """None at all where the database lacks what is asked about: then nobody knows."""
    try:
        return dict(zip(asked, count_all(connection, list(asked.items())), strict=True))
    except DatabaseError:
        return {}

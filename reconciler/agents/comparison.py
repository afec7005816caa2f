"""Two versions of a type side by side: what that asks of the version, and what happens to the tables."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.errors import UsageError
from reconciler.plans.changes import Change
from reconciler.plans.contract import Level, Move, moves, required_version
from reconciler.plans.diff import Differ
from reconciler.spec.agent_type import AgentType, semver_key
from reconciler.spec.codec import state_of
from reconciler.spec.state import ActualState, ActualTable, ActualTables
from reconciler.spec.tables import tables_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """`level` is that of the gravest of `moves`; `required_version` the smallest version that says so.

    `changes` are those of tables, columns, indexes and checks, in the order of a plan. Nobody has counted
    rows: their hazards are possibilities.
    """

    level: Level
    moves: tuple[Move, ...]
    required_version: str
    declared_version: str
    changes: tuple[Change, ...]

    @property
    def sufficient(self) -> bool:
        """Whether the later version is declared to be far enough from the earlier."""
        return semver_key(self.declared_version) >= semver_key(self.required_version)


def compare(before: AgentType, after: AgentType) -> Comparison:
    """Raises UsageError where these are two types."""
    if before.name != after.name:
        raise UsageError(f"{before.name} and {after.name} are not versions of one type")
    found = tuple(moves(before, after))
    level = found[0].level if found else Level.NONE
    return Comparison(
        level,
        found,
        required_version(before.spec.version, level),
        after.spec.version,
        _table_changes(before, after),
    )


def _table_changes(before: AgentType, after: AgentType) -> tuple[Change, ...]:
    past, tables = state_of([before]), tables_of(before)
    actual = ActualState(
        past.entries,
        past.spec,
        tables=ActualTables(
            names=frozenset(tables),
            by_owner={before.name: frozenset(tables)},
            load=lambda name: ActualTable(tables[name]),
        ),
    )
    differences = Differ(state_of([after]), actual, check_versions=False).differences()
    migrations = (migration for difference in differences for migration in difference.migrations)
    return tuple(change for migration in migrations for change in migration.changes)

"""What the catalog has to know once a unit's tables are as they should be: a pure reading of the unit.

The rows are collected over many units and written in a few batches, in the transaction that changed the
tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.database.alteration import Alteration, Replaced, Restored, alteration_of
from reconciler.database.parking import parked_name
from reconciler.plans.changes import Action, Change, Disposition, Kind, TableMigration, Unit
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType, DeletionPolicy
from reconciler.spec.codec import Spec, canonical
from reconciler.spec.policy import Policy
from reconciler.spec.state import State, digest_of
from reconciler.spec.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Parking:
    """A table (`column` is None) or column that a unit has put into the archive."""

    owner: str
    table: str
    column: str | None
    stored_as: str
    definition: Table | Column
    became: Column | None = None
    """The column that took its values, as far as they fit."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A table that is in place, as `definition` says; `status` is live or retained."""

    definition: Table
    status: str = "live"


@dataclass
class Registration:
    """Collected over the units of one transaction. Specs come with their canonical text and digest."""

    put: list[tuple[Spec, str, str]] = field(default_factory=list)
    """(spec, canonical text, digest) of every object that was added or changed."""
    removed: list[str] = field(default_factory=list)
    """Addresses of objects that went."""
    placed: list[Placed] = field(default_factory=list)
    gone_tables: list[str] = field(default_factory=list)
    parked: list[Parking] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    """Ids of archive entries whose values are back in place."""
    purged: list[str] = field(default_factory=list)
    """Names of tables that were dropped for good, with whatever was parked in them."""
    purge_policies: set[str] = field(default_factory=set)
    """Those of `removed` whose own `deletion_policy` is purge."""
    events: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(action, address, digest before, digest after) for the audit."""

    def add(self, unit: Unit, desired: State, revision: int) -> None:
        for change in unit.changes:
            if change.kind in _OBJECTS:
                self._object(change, desired)
        for migration in unit.migrations:
            self._table(migration, revision)

    def _object(self, change: Change, desired: State) -> None:
        before, after = _spec(change.before), _spec(change.after)
        digest_before, digest = digest_of(canonical(before)) if before else "", ""
        if after is not None:
            digest = desired.entries[change.address].digest
            self.put.append((after, desired.text(change.address), digest))
        else:
            self.removed.append(change.address)
            if isinstance(before, AgentType) and before.spec.deletion_policy is DeletionPolicy.PURGE:
                self.purge_policies.add(change.address)
        self.events.append((_event(change), change.address, digest_before, digest))

    def _table(self, migration: TableMigration, revision: int) -> None:
        after, before = migration.after, migration.before
        if after is not None:
            self.placed.append(Placed(after))
            if migration.start is not None:
                self._columns(migration, alteration_of(migration, revision))
            if migration.restored is not None:
                self.returned.append(migration.restored.id)
            return
        assert before is not None, "a migration without `after` removes what was before"
        match migration.disposition:
            case Disposition.RETAIN:
                self.placed.append(Placed(before, "retained"))
            case Disposition.PURGE:
                self.gone_tables.append(before.name)
                self.purged.append(before.name)
            case _:
                self.gone_tables.append(before.name)
                stored_as = parked_name(before.name, revision)
                self.parked.append(Parking(before.owner, before.name, None, stored_as, before))

    def _columns(self, migration: TableMigration, alteration: Alteration) -> None:
        table = alteration.after
        became = {o.stored_as: o.after for o in alteration.origins if isinstance(o, Replaced)}
        for gone in alteration.leaving:
            if (name := gone.stored_as) is not None:
                place = (table.owner, table.name, gone.column.name)
                self.parked.append(Parking(*place, name, gone.column, became.get(name)))
        back = {origin.stored_as for origin in alteration.origins if isinstance(origin, Restored)}
        entries = (change.parked for change in migration.changes if change.kind is Kind.COLUMN)
        self.returned.extend(entry.id for entry in entries if entry is not None and entry.stored_as in back)


_OBJECTS = frozenset({Kind.TYPE, Kind.AGENT, Kind.POLICY})
_EVENTS = {
    (Kind.TYPE, Action.ADD): "register",
    (Kind.TYPE, Action.CHANGE): "update",
    (Kind.TYPE, Action.REMOVE): "delete",
    (Kind.AGENT, Action.ADD): "deploy",
    (Kind.AGENT, Action.CHANGE): "update",
    (Kind.AGENT, Action.REMOVE): "delete",
    (Kind.POLICY, Action.ADD): "policy",
    (Kind.POLICY, Action.CHANGE): "policy",
    (Kind.POLICY, Action.REMOVE): "policy",
}


def _event(change: Change) -> str:
    """What the audit calls a change; what somebody may ask for later has a name of its own."""
    before, after = change.before, change.after
    if isinstance(before, AgentType) and isinstance(after, AgentType):
        if after.spec.deprecated is not None and before.spec.deprecated is None:
            return "deprecate"
    elif isinstance(before, Agent) and isinstance(after, Agent) and before.spec.enabled != after.spec.enabled:
        return "enable" if after.spec.enabled else "disable"
    return _EVENTS[change.kind, change.action]


def _spec(subject: object) -> Spec | None:
    return subject if isinstance(subject, (AgentType, Agent, Policy)) else None

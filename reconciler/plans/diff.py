"""State -> state: which objects come, change and go, and what that means for their tables.

Only what differs by digest is loaded, besides the tables that drifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from reconciler.plans import hazards
from reconciler.plans.by_hand import forgotten, recorded, repairing
from reconciler.plans.changes import ORDERED, Action, Change, Disposition, Hazard, Kind, TableMigration
from reconciler.plans.contract import moves, required_version
from reconciler.plans.diff_tables import TableDiff
from reconciler.plans.renames import undone_renames
from reconciler.spec.agent_type import AgentType, DeletionPolicy, semver_key
from reconciler.spec.codec import Spec
from reconciler.spec.policy import Destructive, Policy
from reconciler.spec.state import ActualState, ActualTable, State
from reconciler.spec.tables import Table, renames_of, tables_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs at one address: its change, None where only tables drifted, and its tables' migrations."""

    address: str
    change: Change | None
    migrations: tuple[TableMigration, ...] = ()
    after: Spec | None = None
    before: Spec | None = None


@dataclass(frozen=True)
class Differ:
    """`check_versions` is off where a recorded state is brought back: it was accepted once. `lineage` gives
    the specs a type had since that state, newest first: their renames are undone one after the other. `pinned`
    are policies that hold besides those of the desired state."""

    desired: State
    actual: ActualState
    check_versions: bool = True
    lineage: Callable[[str], Sequence[AgentType]] | None = None
    pinned: Sequence[Policy] = ()
    _drifted: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_drifted", frozenset(drift.address for drift in self.actual.drift))

    def differences(self) -> list[Difference]:
        """Everything that differs, by address; objects of broken manifests are left alone."""
        desired, actual = self.desired, self.actual
        found = [self._differ(address) for address in sorted(self._moved())]
        drifted_owners = {self.actual.tables.load(name).definition.owner for name in actual.tables.drifted}
        known = {difference.address for difference in found}
        for owner in sorted(drifted_owners):
            address = f"type/{owner}"
            if address in desired.entries and address not in known:
                found.append(self._healed(address))
        return [d for d in found if d.change is not None or d.migrations]

    def _moved(self) -> Iterator[str]:
        desired, actual, held = self.desired.entries, self.actual.entries, self.desired.held
        for address, entry in desired.items():
            there = actual.get(address)
            if there is None or there.digest != entry.digest:
                yield address
        for address in actual:
            if address not in desired and address not in held:
                yield address

    def _differ(self, address: str) -> Difference:
        after = self.desired.spec(address) if address in self.desired.entries else None
        before = self.actual.spec(address) if address in self.actual.entries else None
        entry = self.desired.entries.get(address)
        kind = Kind(address.partition("/")[0])
        if before is None:
            action, reason = Action.ADD, "in the manifests, not yet in the database"
        elif after is None:
            action, reason = Action.REMOVE, "no longer in the manifests"
        else:
            action, reason = Action.CHANGE, "the manifest changed"
        found: list[Hazard] = []
        migrations: tuple[TableMigration, ...] = ()
        if kind is Kind.TYPE:
            before_type = before if isinstance(before, AgentType) else None
            after_type = after if isinstance(after, AgentType) else None
            if before_type and after_type and self.check_versions:
                found.extend(self._version_hazards(before_type, after_type))
            migrations = tuple(self._table_migrations(before_type, after_type))
        change = Change(
            action,
            kind,
            address,
            before,
            after,
            reason=reason,
            hazards=tuple(found),
            location=entry.location if entry else None,
        )
        return Difference(address, change, migrations, after, before)

    def _healed(self, address: str) -> Difference:
        spec = self.desired.spec(address)
        assert isinstance(spec, AgentType)
        return Difference(address, None, tuple(self._table_migrations(spec, spec)), spec, spec)

    def _version_hazards(self, before: AgentType, after: AgentType) -> Iterator[Hazard]:
        declared, name = after.spec.version, after.name
        if self.actual.registered(name, declared) == self.desired.entries[f"type/{name}"].digest:
            return  # this very version was registered before: going back to it breaks no promise
        found = moves(before, after)
        if not found:
            return
        needed = required_version(before.spec.version, found[0].level)
        if semver_key(declared) < semver_key(needed):
            yield hazards.version_too_small(f"type/{name}", name, declared, needed, found[0].reason)

    def _table_migrations(
        self, before: AgentType | None, after: AgentType | None
    ) -> Iterator[TableMigration]:
        wanted = tables_of(after) if after else {}
        one = after or before
        assert one is not None, "a type that changes was there before or will be"
        owner = one.name
        there = self.actual.tables.by_owner.get(owner, frozenset())
        hints = self._hints(owner, before, after)
        disposition = self._disposition(before, after)
        for name, table in wanted.items():
            migration = self._table_wanted(table, hints.get(name, {}), disposition)
            if migration is not None:
                yield migration
        for name in sorted(there - wanted.keys()):
            migration = self._table_gone(self.actual.tables.load(name), disposition)
            if migration is not None:
                yield migration

    def _hints(
        self, owner: str, before: AgentType | None, after: AgentType | None
    ) -> dict[str, dict[str, str]]:
        """What the manifest says of renames, and, where it goes back behind one, that rename undone."""
        if after is None:
            return {}
        past = self.lineage(owner) if self.lineage else [before] if before else []
        undone = undone_renames(past, after)
        said = renames_of(after)
        return {name: undone.get(name, {}) | said.get(name, {}) for name in undone.keys() | said.keys()}

    def _table_wanted(
        self, table: Table, hints: dict[str, str], disposition: Disposition
    ) -> TableMigration | None:
        name, tables = table.name, self.actual.tables
        if name in tables.names and not tables.load(name).missing:
            return self._altered(tables.load(name), table, hints, disposition)
        if name in tables.archived:
            return self._restored(table, hints, disposition)
        drift = f"table/{name}" in self._drifted
        reason = "is missing from the database" if drift else "a new model"
        change = Change(Action.ADD, Kind.TABLE, f"table/{name}", None, table, reason=reason, drift=drift)
        return self._placed(TableMigration(name, None, table, (change,)))

    def _placed(self, migration: TableMigration) -> TableMigration:
        """A migration that makes a table of a name that is not on record, which may be there all the same."""
        if not self.actual.tables.is_taken(migration.name):
            return migration
        there = self._in_place(migration)
        if there is not None:
            return there
        first, *others = migration.changes
        taken = first.evolve(hazards=(*first.hazards, hazards.name_taken(migration.name)))
        return replace(migration, changes=(taken, *others))

    def _in_place(self, migration: TableMigration) -> TableMigration | None:
        there: TableMigration | None = self.actual.tables.in_place(migration)
        if there is None:
            return None
        return recorded(there, "is in place already; only recorded")

    def _altered(
        self, actual: ActualTable, table: Table, hints: dict[str, str], disposition: Disposition
    ) -> TableMigration | None:
        def changes_from(start: Table) -> tuple[Change, ...]:
            return TableDiff(
                start, table, hints=hints, parked=actual.parked, disposition=disposition
            ).changes()

        changes = changes_from(actual.definition)
        asked: tuple[Change, ...] = ()
        if actual.recorded is not None:
            asked = changes_from(actual.recorded)
            as_recorded = TableMigration(table.name, actual.recorded, table, asked, parked=actual.parked)
            there = self._in_place(as_recorded) if asked else None
            if there is not None:
                return there
            asked_for = {(c.action, c.address) for c in asked}
            changes = tuple(c if (c.action, c.address) in asked_for else repairing(c) for c in changes)
        if actual.status == "retained":
            adopted = Change(
                Action.RESTORE,
                Kind.TABLE,
                f"table/{table.name}",
                actual.definition,
                table,
                reason="was retained, is owned again",
            )
            changes = (adopted, *changes)
        # Where hands did already what the manifests now say, there is nothing to do but to put it on record.
        if not (changes or asked):
            return None
        return TableMigration(
            table.name, actual.definition, table, self._ruled(changes, disposition), parked=actual.parked
        )

    def _restored(self, table: Table, hints: dict[str, str], disposition: Disposition) -> TableMigration:
        entry = self.actual.tables.archived[table.name]
        assert isinstance(entry.definition, Table)
        back = Change(
            Action.RESTORE,
            Kind.TABLE,
            f"table/{table.name}",
            entry.definition,
            table,
            reason=f"back from the archive of revision {entry.revision} with {entry.rows} rows",
            parked=entry,
        )
        parked = self.actual.tables.parked_columns.get(table.name, ())
        changes = TableDiff(
            entry.definition, table, hints=hints, parked=parked, disposition=disposition
        ).changes()
        changes = tuple(c.evolve(hazards=_probed_in(c.hazards, table.name, entry.stored_as)) for c in changes)
        restored = TableMigration(
            table.name,
            None,
            table,
            (back, *self._ruled(changes, disposition)),
            restored=entry,
            parked=parked,
        )
        return self._placed(restored)

    def _table_gone(self, actual: ActualTable, disposition: Disposition) -> TableMigration | None:
        table = actual.definition
        if actual.status == "retained":
            return None  # a retained table stays until a type declares it again, whatever types come and go
        hazard = hazards.table_removed(table, disposition)
        if hazard and self._ordered(table.owner) is not None:
            hazard = hazards.ordered(hazard)
        change = Change(
            Action.REMOVE,
            Kind.TABLE,
            f"table/{table.name}",
            table,
            None,
            reason={
                "retain": "no longer declared; stays as it is",
                "archive": "no longer declared; parked in the archive",
                "purge": "no longer declared; deleted for good",
            }[disposition.value],
            hazards=(hazard,) if hazard else (),
            disposition=disposition,
        )
        gone = TableMigration(
            table.name,
            table,
            None,
            self._ruled((change,), disposition),
            disposition=disposition,
            parked=actual.parked,
        )
        return gone if not actual.missing else self._in_place(gone) or forgotten(gone)

    def _disposition(self, before: AgentType | None, after: AgentType | None) -> Disposition:
        spec = after or before
        mode = self._ordered(spec.name) if spec and after is None else None
        if mode is not None:
            return ORDERED[mode]
        policy = spec.spec.deletion_policy if spec else DeletionPolicy.ARCHIVE
        return Disposition(policy.value)

    def _ordered(self, type_name: str) -> str | None:
        """The mode in which the type goes, if somebody ordered its deletion and it does go."""
        address = f"type/{type_name}"
        return self.actual.deletions.get(address) if address not in self.desired.entries else None

    def _ruled(self, changes: tuple[Change, ...], disposition: Disposition) -> tuple[Change, ...]:
        """The changes under `destructive: block`, if a policy says so."""
        policies = [*self.pinned, *self.desired.policies()]
        if not any(policy.spec.destructive is Destructive.BLOCK for policy in policies):
            return changes
        return tuple(
            c.evolve(hazards=tuple(hazards.blocked_by_policy(h) for h in c.hazards)) for c in changes
        )


def _probed_in(found: tuple[Hazard, ...], name: str, stored_as: str) -> tuple[Hazard, ...]:
    """Probes of an archived table ask it under the name it has in the archive."""
    return tuple(hazards.redirected(hazard, name, stored_as) for hazard in found)

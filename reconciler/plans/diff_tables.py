"""Table -> table: columns, indexes and checks by name, renames by hint, hazards where values may be lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from reconciler.plans import column_hazards, hazards
from reconciler.plans.changes import Action, Change, Disposition, Hazard, Kind
from reconciler.spec.state import Parked
from reconciler.spec.tables import Column, Index, Table, constraint_name

if TYPE_CHECKING:
    from reconciler.plans.changes import Subject


class TableDiff:
    """The changes that lead from `before` to `after`.

    `hints` are the model's `renamed_from` (new -> old); `parked` the columns waiting in the table's archive.
    """

    def __init__(
        self,
        before: Table,
        after: Table,
        *,
        hints: Mapping[str, str],
        parked: tuple[Parked, ...] = (),
        disposition: Disposition = Disposition.ARCHIVE,
    ) -> None:
        self.before, self.after = before, after
        self.hints, self.disposition = hints, disposition
        self.parked = parked
        self.old = {column.name: column for column in before.columns}
        self.new = {column.name: column for column in after.columns}
        self.renamed = {
            new: old
            for new, old in hints.items()
            if new in self.new and new not in self.old and old in self.old and old not in self.new
        }
        self.former = {old: new for new, old in self.renamed.items()}

    def changes(self) -> tuple[Change, ...]:
        return (*self._columns(), *self._indexes(), *self._checks())

    def _change(
        self,
        action: Action,
        kind: Kind,
        name: str,
        before: Subject | None,
        after: Subject | None,
        **more: Any,
    ) -> Change:
        address = f"table/{self.after.name}/{kind.value}/{name}"
        return Change(action, kind, address, before, after, **{"reason": "the manifest changed", **more})

    def _columns(self) -> Iterator[Change]:
        for name, column in self.new.items():
            if name in self.old:
                yield from self._column_change(self.old[name], column, self.old[name])
            elif name in self.renamed:
                source = self.old[self.renamed[name]]
                moved = source.model_copy(update={"name": name})
                yield self._change(
                    Action.RENAME, Kind.COLUMN, name, source, moved, reason=f"renamed from {source.name}"
                )
                yield from self._column_change(moved, column, source)
            else:
                yield self._column_added(name, column)
        for name, column in self.old.items():
            if name not in self.new and name not in self.former:
                yield self._change(
                    Action.REMOVE,
                    Kind.COLUMN,
                    name,
                    column,
                    None,
                    disposition=self.disposition,
                    hazards=tuple(self._removal_hazards(column)),
                )

    def _column_change(self, before: Column, after: Column, stored: Column) -> Iterator[Change]:
        if before == after:
            return
        entries = [
            entry
            for entry in self._parked_as(stored.name)
            if column_hazards.restores_conversion(entry, before, after)
        ]
        if entries:
            yield self._column_restored(before, after, _nearest(entries, after))
            return
        found = column_hazards.of_change(self.after, stored, after)
        yield self._change(Action.CHANGE, Kind.COLUMN, after.name, before, after, hazards=tuple(found))

    def _column_restored(self, before: Column | None, after: Column, entry: Parked) -> Change:
        """`before` is the column that took the parked one's place, None where nothing did."""
        found = column_hazards.of_restore(self.after, after, entry)
        return self._change(
            Action.RESTORE,
            Kind.COLUMN,
            after.name,
            before,
            after,
            parked=entry,
            hazards=tuple(found),
            reason=f"back from the archive of revision {entry.revision}",
        )

    def _column_added(self, name: str, column: Column) -> Change:
        entries = self._parked_as(name)
        if entries:
            return self._column_restored(None, column, _nearest(entries, column))
        return self._change(
            Action.ADD, Kind.COLUMN, name, None, column, hazards=tuple(self._addition_hazards(column))
        )

    def _addition_hazards(self, column: Column) -> Iterator[Hazard]:
        yield from column_hazards.of_addition(self.after, column)
        hint = self.hints.get(column.name)
        if hint and hint not in self.old:
            yield column_hazards.rename_source_missing(self.after, column, hint)
            return
        if not hint:
            for old in self.old.values():
                gone = old.name not in self.new and old.name not in self.former
                if gone and column_hazards.looks_renamed(old, column):
                    yield column_hazards.ambiguous_rename(self.after, old, column)

    def _removal_hazards(self, column: Column) -> Iterator[Hazard]:
        yield column_hazards.column_removed(self.after, column, self.disposition)
        for new, old in self.hints.items():
            if old == column.name and new in self.old:
                yield column_hazards.rename_conflict(self.after, column, new)

    def _parked_as(self, name: str) -> list[Parked]:
        """Oldest first: of values that were converted more than once, the oldest are the most complete."""
        named = (e for e in self.parked if name == e.column or (e.became and name == e.became.name))
        return sorted(named, key=lambda entry: entry.id)

    def _indexes(self) -> Iterator[Change]:
        old = {index.name: index for index in (self._moved(index) for index in self.before.indexes)}
        new = {index.name: index for index in self.after.indexes}
        for name, index in new.items():
            if old.get(name) == index:
                continue
            columns = tuple(self.renamed.get(c, c) for c in index.columns)
            found = tuple(hazards.of_unique(self.after, index, columns, self.old)) if index.unique else ()
            action = Action.CHANGE if name in old else Action.ADD
            yield self._change(action, Kind.INDEX, name, old.get(name), index, hazards=found)
        for name, index in old.items():
            if name not in new:
                yield self._change(Action.REMOVE, Kind.INDEX, name, index, None)

    def _moved(self, index: Index) -> Index:
        """The index as it is called once its columns are renamed."""
        columns = tuple(self.former.get(c, c) for c in index.columns)
        if columns == index.columns:
            return index
        prefix: Literal["uq", "ix"] = "uq" if index.unique else "ix"
        return Index(
            name=constraint_name(prefix, self.before.name, columns), columns=columns, unique=index.unique
        )

    def _checks(self) -> Iterator[Change]:
        old = {check.label: check for check in self.before.checks}
        new = {check.label: check for check in self.after.checks}
        renames = tuple(sorted(self.renamed.items()))
        for label, check in new.items():
            if old.get(label) != check:
                found = hazards.of_check(self.after, check, renames, frozenset(self.old))
                action = Action.CHANGE if label in old else Action.ADD
                yield self._change(action, Kind.CHECK, label, old.get(label), check, hazards=tuple(found))
        for label, gone in old.items():
            if label not in new:
                yield self._change(Action.REMOVE, Kind.CHECK, label, gone, None)


def _nearest(entries: list[Parked], column: Column) -> Parked:
    """The entry that was such a column, by whatever name, else the first."""
    alike = (e for e in entries if e.definition.model_copy(update={"name": column.name}) == column)
    return next(alike, entries[0])

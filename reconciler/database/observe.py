"""The actual state: what the catalog says is there, corrected by what the database says of itself.

One fingerprint tells whether any table was touched by other hands. Only when it moved are tables inspected,
all at once.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.database import deletions, inspection, records, suspensions
from reconciler.database.drift import corrected, drift_of
from reconciler.database.failures import LockTimeout
from reconciler.database.live import LiveTable
from reconciler.database.outstanding import Outstanding, as_promised, recall, with_parts_of
from reconciler.database.upgrade import has_catalog
from reconciler.spec.codec import Spec, parse_canonical
from reconciler.spec.state import (
    EMPTY,
    ActualState,
    ActualTable,
    ActualTables,
    Drift,
    Entry,
    Parked,
    digest_of_entries,
)
from reconciler.spec.tables import Column, Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection
    from reconciler.database.recognition import Recognition


def observe(connection: Connection) -> ActualState:
    """Everything as of one moment if called inside a transaction. A database without a catalog is empty."""
    if not has_catalog(connection):
        return ActualState({}, EMPTY.spec, tables=_Tables(connection, {}, {}, {}, []).as_actual())
    meta = records.meta(connection)
    digests = records.entries(connection)
    index = {head.name: head for head in records.table_heads(connection)}
    parked = [parked_entry(row) for row in records.archives(connection)]
    unfinished = recall(meta)
    suspended = frozenset(suspensions.in_force(connection))
    ordered = deletions.in_force(connection, digests)
    live: dict[str, LiveTable | None] = {}
    promised: dict[str, LiveTable] = {}
    if meta.get("fingerprint") != inspection.fingerprint(connection):
        found = inspection.inspect(connection, index.keys())
        promised = _promised(connection, found, unfinished)
        live = _moved(index, found, promised)
    tables = _Tables(connection, index, live, promised, parked)
    return ActualState(
        {address: Entry(digest) for address, digest in digests.items()},
        lambda address: _spec(connection, address),
        tables=tables.as_actual(),
        fingerprint=_fingerprint(digests, index, live, parked, suspended, ordered),
        revision=int(meta.get("revision", 0)),
        drift=tables.drift(),
        unfinished=tuple(name for work in unfinished for name in work.tables),
        suspended=suspended,
        deletions=ordered,
        registered=lambda name, version: records.registered_versions(connection, [name]).get((name, version)),
    )


def is_known_clean(connection: Connection) -> bool:
    """Whether every recorded table is as it was left, without looking at the tables."""
    recorded = records.meta(connection).get("fingerprint") == inspection.fingerprint(connection)
    return recorded or not records.table_heads(connection)


def remember_if_clean(connection: Connection) -> None:
    """Put the fingerprint on record if every table is as it was left, so that the next plan need not look at
    them.

    What other hands did while an apply ran is not taken for its work. Costs nothing but time where it cannot
    be done.
    """
    with suppress(LockTimeout), connection.transaction():
        fingerprint = inspection.fingerprint(connection)
        if records.meta(connection).get("fingerprint") == fingerprint:
            return
        index = {head.name: head for head in records.table_heads(connection)}
        if not _moved(index, inspection.inspect(connection, index.keys()), {}):
            records.set_meta(connection, {"fingerprint": fingerprint})


def _spec(connection: Connection, address: str) -> Spec:
    return parse_canonical(address.partition("/")[0], records.spec_text(connection, address))


def _promised(
    connection: Connection, found: dict[str, LiveTable], unfinished: list[Outstanding]
) -> dict[str, LiveTable]:
    """What tables with outstanding work are to become. In `found` they become it in advance, in what that
    work is about; anything else that differs is drift as everywhere."""
    promised: dict[str, LiveTable] = {}
    for work in unfinished:
        for row in records.tables(connection, work.tables):
            if row.name in found:
                statements = work.of(row.name)
                recorded = promised.get(row.name) or LiveTable.from_json(row.observed)
                promised[row.name] = as_promised(recorded, found[row.name], statements)
                found[row.name] = with_parts_of(found[row.name], promised[row.name], statements)
    return promised


def _moved(
    index: Mapping[str, records.TableHead], found: Mapping[str, LiveTable], promised: Mapping[str, LiveTable]
) -> dict[str, LiveTable | None]:
    """Those of the recorded tables that are not as they were left; None where one is missing."""
    return {
        name: found.get(name)
        for name, entry in index.items()
        if name not in found
        or found[name].digest != (promised[name].digest if name in promised else entry.fingerprint)
    }


class _Tables:
    """Tables loaded one by one when asked for; those that drifted at once."""

    def __init__(
        self,
        connection: Connection,
        index: Mapping[str, records.TableHead],
        live: Mapping[str, LiveTable | None],
        promised: Mapping[str, LiveTable],
        parked: list[Parked],
    ) -> None:
        self._connection, self._index, self._live, self._promised = connection, index, live, promised
        self._parked_columns: dict[str, list[Parked]] = defaultdict(list)
        self._archived: dict[str, Parked] = {}
        for entry in parked:
            if entry.column is None:
                self._archived.setdefault(entry.table, entry)  # the newest comes first
            else:
                self._parked_columns[entry.table].append(entry)
        self._loaded: dict[str, ActualTable] = {}

    def as_actual(self) -> ActualTables:
        by_owner: dict[str, set[str]] = defaultdict(set)
        for name, entry in self._index.items():
            by_owner[entry.owner].add(name)
        return ActualTables(
            names=frozenset(self._index),
            by_owner={owner: frozenset(names) for owner, names in by_owner.items()},
            load=self.load,
            archived=self._archived,
            parked_columns={table: tuple(entries) for table, entries in self._parked_columns.items()},
            drifted=frozenset(name for name in self._live if self._index[name].status == "live"),
            in_place=lambda migration: self._recognition.in_place(migration),
            is_taken=lambda name: self._recognition.is_taken(name),
        )

    @cached_property
    def _recognition(self) -> Recognition:
        from reconciler.database.recognition import Recognition

        newest = records.revisions(self._connection, 1) if has_catalog(self._connection) else []
        revision = newest[0].number + 1 if newest else 1
        return Recognition(self._connection, frozenset(self._index), revision)

    def drift(self) -> tuple[Drift, ...]:
        return tuple(drift for name in sorted(self._live) for drift in self.load(name).drift)

    def load(self, name: str) -> ActualTable:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> ActualTable:
        entry = self._index[name]
        (row,) = records.tables(self._connection, [name])
        recorded_definition = definition = Table.model_validate_json(row.definition)
        drift: tuple[Drift, ...] = ()
        missing = False
        if name in self._live:
            recorded = self._promised.get(name) or LiveTable.from_json(row.observed)
            live = self._live[name]
            drift = drift_of(name, recorded, live)
            missing = live is None
            if live is not None:
                definition = corrected(definition, recorded, live)
        return ActualTable(
            definition,
            "retained" if entry.status == "retained" else "live",
            tuple(self._parked_columns.get(name, ())),
            drift,
            missing,
            recorded_definition if drift else None,
        )


def parked_entry(row: records.ArchiveRecord) -> Parked:
    """An archive as the planner knows it."""
    model = Table if row.column is None else Column
    return Parked(
        id=row.id,
        table=row.table,
        column=row.column,
        stored_as=row.stored_as,
        definition=model.model_validate_json(row.definition),
        revision=row.revision,
        rows=row.rows,
        archived_at=row.archived_at,
        owner=row.owner,
        became=Column.model_validate_json(row.became) if row.became else None,
    )


def _fingerprint(
    digests: Mapping[str, str],
    index: Mapping[str, records.TableHead],
    live: Mapping[str, LiveTable | None],
    parked: list[Parked],
    suspended: frozenset[str],
    ordered: Mapping[str, str],
) -> str:
    """Digest of all that a plan can depend on but the rows: equal contents give it again, whenever they were
    written."""
    if not (digests or index or parked or suspended):
        return EMPTY.fingerprint  # an empty catalog and none at all are the same to a plan
    hashed = hashlib.sha256(digest_of_entries(digests).encode())
    for name, entry in sorted(index.items()):
        table = live.get(name)
        seen = entry.fingerprint if name not in live else table.digest if table is not None else "missing"
        hashed.update(f"\n{name} {seen} {entry.status}".encode())
    for item in parked:
        hashed.update(f"\n{item.stored_as}".encode())
    for address in sorted(suspended):
        hashed.update(f"\nsuspended {address}".encode())
    for address, mode in sorted(ordered.items()):
        hashed.update(f"\n{mode} {address}".encode())
    return hashed.hexdigest()[:32]

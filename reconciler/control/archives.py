"""What is parked: listed, brought back by hand, destroyed for good.

A table that an apply parked comes back by itself once its model is declared again. Restoring by hand is for
whoever wants its rows without the model: it stands in its place as retained, owned by nobody, until a type
declares it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.control.registration import Placed, Registration
from reconciler.control.reports import ArchiveRecord, ArchiveState, Outcome
from reconciler.control.writing import write_registration
from reconciler.database import records
from reconciler.database.clock import now_text
from reconciler.database.lease import acquire
from reconciler.database.migrate import run_together
from reconciler.database.observe import parked_entry, remember_if_clean
from reconciler.database.operations import compile_migration, purge_parked
from reconciler.errors import Refused
from reconciler.plans.changes import Action, Change, Kind, TableMigration
from reconciler.spec.tables import Table

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


def listed(connection: Connection, *, include_gone: bool = False) -> list[ArchiveRecord]:
    """Newest first."""
    return [_report(record) for record in records.archives(connection, closed=include_gone)]


def expired(connection: Connection) -> list[ArchiveRecord]:
    """What was to be kept until a time that has passed. Columns parked within a parked table go when that does."""
    now = now_text(connection)
    due = [
        found for found in listed(connection) if found.purge_after is not None and found.purge_after <= now
    ]
    in_place = {table.name for table in records.tables(connection, {found.table for found in due})}
    return [found for found in due if found.column is None or found.table in in_place]


def restore(connection: Connection, number: int, *, actor: str, reason: str) -> Outcome:
    """Bring a parked table back under its name. Raises NotFound, Refused for a column or where the name is
    taken."""
    record = records.archive(connection, number)
    _refuse_closed(record)
    if record.column is not None:
        raise Refused(
            f"column {record.table}.{record.column} comes back through its field",
            hint=f"declare {record.column} again; the next apply brings its values back",
        )
    if records.tables(connection, [record.table]):
        raise Refused(f"there is a table {record.table} already", hint="archive or rename that one first")
    definition = Table.model_validate_json(record.definition)
    entry = parked_entry(record)
    back = Change(Action.RESTORE, Kind.TABLE, f"table/{record.table}", definition, definition, parked=entry)
    within = tuple(parked_entry(other) for other in _within(connection, record))
    migration = TableMigration(record.table, None, definition, (back,), restored=entry, parked=within)

    def run(revision: int) -> list[str]:
        statements = compile_migration(migration, connection.dialect, revision=revision)
        run_together(connection, statements, lambda point, done, total: None)
        registration = Registration(placed=[Placed(definition, "retained")], returned=[record.id])
        registration.events.append(("restore", f"table/{record.table}", "", ""))
        write_registration(connection, registration, revision, actor=actor, reason=reason)
        return [statement.sql for statement in statements]

    return _as_revision(connection, f"archive/{number}", run, actor=actor, reason=reason)


def purge(connection: Connection, number: int, *, actor: str, reason: str) -> Outcome:
    """Destroy a parked table or column. Raises NotFound."""
    record = records.archive(connection, number)
    _refuse_closed(record)
    if record.column is not None and not records.tables(connection, [record.table]):
        raise Refused(
            f"column {record.table}.{record.column} is parked within its table, which is parked itself",
            hint="purge the table, or restore it first",
        )

    def run(revision: int) -> list[str]:
        statements = purge_parked(record.table, record.column, record.stored_as, connection.dialect)
        connection.script(statements)
        for entry in (record, *_within(connection, record)):
            records.mark_purged(connection, entry.id)
        if record.column is not None:
            _describe_anew(connection, record.table, revision)
        event = records.AuditEntry(actor, "purge", f"archive/{number}", reason=reason)
        records.append_audit(connection, [event])
        return statements

    return _as_revision(connection, f"archive/{number}", run, actor=actor, reason=reason)


def _within(connection: Connection, record: records.ArchiveRecord) -> list[records.ArchiveRecord]:
    """The columns parked within a parked table."""
    if record.column is not None:
        return []
    return [other for other in records.archives(connection, table=record.table) if other.column is not None]


def _describe_anew(connection: Connection, name: str, revision: int) -> None:
    """A table that lost a parked column is not drift."""
    known = [
        Placed(Table.model_validate_json(record.definition), record.status)
        for record in records.tables(connection, [name])
    ]
    write_registration(connection, Registration(placed=known), revision, actor="", reason="")


def _as_revision(
    connection: Connection, name: str, run: Callable[[int], list[str]], *, actor: str, reason: str
) -> Outcome:
    """One transaction under the lease, on record as a revision of one unit."""
    import json

    with _held(connection, actor) as verify:
        connection.foreign_keys(False)
        try:
            with connection.transaction():
                verify()
                meta = records.meta(connection)
                number = records.begin_revision(
                    connection,
                    plan_id=name,
                    desired_digest=meta.get("desired", ""),
                    actor=actor,
                    reason=reason,
                )
                sql = run(number)
                records.record_units(
                    connection, number, [records.UnitRecord(0, name, "applied", sql_up=json.dumps(sql))]
                )
                records.finish_revision(connection, number, "applied", '{"add": 0, "change": 1, "remove": 0}')
                records.set_meta(connection, {"revision": str(number)})
            remember_if_clean(connection)
        finally:
            connection.foreign_keys(True)
    return Outcome(name, number, (name,))


@contextmanager
def _held(connection: Connection, actor: str) -> Iterator[Callable[[], None]]:
    lease = acquire(
        connection, "apply", holder=f"{actor or 'reconcile'} on {socket.gethostname()}, process {os.getpid()}"
    )
    try:
        yield lambda: lease.verify(connection)
    finally:
        lease.release(connection)


def _refuse_closed(record: records.ArchiveRecord) -> None:
    state = _state(record)
    if state != "parked":
        raise Refused(f"archive {record.id} was {state} already", hint="reconcile archive list --all")


def _state(record: records.ArchiveRecord) -> ArchiveState:
    return "purged" if record.purged_at else "restored" if record.restored_revision is not None else "parked"


def _report(record: records.ArchiveRecord) -> ArchiveRecord:
    return ArchiveRecord(
        record.id,
        record.kind,
        record.owner,
        record.table,
        record.column,
        record.stored_as,
        record.revision,
        record.rows,
        record.archived_at,
        record.purge_after,
        _state(record),
    )

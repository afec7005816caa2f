"""Tables that a soft deletion, or a model that went before, had left in place, put into the archive after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.control.registration import Registration
from reconciler.control.writing import write_registration
from reconciler.database import records
from reconciler.database.migrate import run_together
from reconciler.database.observe import parked_entry
from reconciler.database.operations import compile_unit
from reconciler.plans.changes import Action, Change, Disposition, Kind, TableMigration, Unit
from reconciler.spec.state import EMPTY
from reconciler.spec.tables import Table

if TYPE_CHECKING:
    from reconciler.control.keeping import Held
    from reconciler.database.connection import Connection
    from reconciler.database.deletions import Deletion


def park_retained(connection: Connection, lease: Held, deletion: Deletion, retention: float | None) -> None:
    """As a revision of its own, in one transaction; nothing where no table is left in place."""
    unit = _unit(connection, deletion.address)
    if not unit.migrations:
        return
    actor, reason = deletion.actor, deletion.reason
    connection.foreign_keys(False)
    try:
        with connection.transaction():
            lease.verify(connection)
            desired = records.meta(connection).get("desired", "")
            number = records.begin_revision(
                connection, plan_id=f"{deletion.address}", desired_digest=desired, actor=actor, reason=reason
            )
            statements = compile_unit(unit, connection.dialect, revision=number)
            run_together(connection, statements, lambda point, done, total: None)
            registration = Registration(events=[("archive", deletion.address, "", "")])
            registration.add(unit, EMPTY, number)
            write_registration(
                connection, registration, number, actor=actor, reason=reason, retention=retention
            )
            count = len(unit.migrations)
            records.finish_revision(
                connection, number, "applied", f'{{"add": 0, "change": 0, "remove": {count}}}'
            )
            records.set_meta(connection, {"revision": str(number)})
    finally:
        connection.foreign_keys(True)


def _unit(connection: Connection, address: str) -> Unit:
    name = address.partition("/")[2]
    kept = [head.name for head in records.table_heads(connection) if head.owner == name]
    migrations = tuple(_migration(connection, record) for record in records.tables(connection, kept))
    return Unit(address, tuple(change for m in migrations for change in m.changes), migrations)


def _migration(connection: Connection, record: records.TableRecord) -> TableMigration:
    table = Table.model_validate_json(record.definition)
    change = Change(Action.REMOVE, Kind.TABLE, f"table/{table.name}", table, None)
    within = records.archives(connection, table=record.name)
    return TableMigration(
        table.name,
        table,
        None,
        (change,),
        disposition=Disposition.ARCHIVE,
        parked=tuple(parked_entry(one) for one in within if one.column is not None),
    )

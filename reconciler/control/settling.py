"""Doing what is outstanding: the online phases of large PostgreSQL tables, by whoever holds the lease.

Each statement can be run again, so that a crash or a lock in between costs time and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reconciler.control.keeping import Held, kept_alive
from reconciler.database import inspection, records
from reconciler.database.connection import Connection
from reconciler.database.failures import ConnectionLost
from reconciler.database.live import LiveTable
from reconciler.database.migrate import Checkpoint, run_online
from reconciler.database.outstanding import Outstanding, as_promised, forget, with_parts_of
from reconciler.database.records.rows import UnitState
from reconciler.errors import Locked, ReconcilerError


@dataclass(frozen=True)
class Settled:
    """Units that came to their end, and with what went wrong those that did not."""

    done: list[str] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def settle_all(
    connection: Connection, work: Sequence[Outstanding], lease: Held, checkpoint: Checkpoint
) -> Settled:
    """Do the work unit by unit. What only waits for a lock stays on record; what cannot be done is from then
    on a difference like any other. Raises Locked once the lease is lost."""
    settled = Settled()
    if not work:
        return settled

    def guarded(point: str, done: int, total: int) -> None:
        checkpoint(point, done, total)
        lease.renew(connection)  # whoever was overtaken must not touch the tables any more

    with kept_alive(connection, lease):
        for item in work:
            error = _settle(connection, item, lease, guarded)
            if error is None:
                settled.done.append(item.unit.name)
            else:
                settled.failed.append((item.unit.name, error.message))
    return settled


def _settle(
    connection: Connection, item: Outstanding, lease: Held, checkpoint: Checkpoint
) -> ReconcilerError | None:
    try:
        run_online(connection, item.statements, checkpoint)
        checkpoint("settling", len(item.statements), len(item.statements))
    except ConnectionLost:
        raise
    except Locked as error:
        if error.code == "locked":
            raise
        with connection.transaction():
            lease.verify(connection)
            records.record_units(connection, item.revision, [replace(item.unit, error=error.message)])
        return error
    except ReconcilerError as error:
        _close(connection, item, lease, error)
        return error
    _close(connection, item, lease)
    checkpoint("settled", 0, 0)
    return None


def _close(
    connection: Connection, item: Outstanding, lease: Held, error: ReconcilerError | None = None
) -> None:
    """Off the record, the tables described anew: in what the work was about, as what others did to them is
    drift."""
    state: UnitState = "applied" if error is None else "failed"
    with connection.transaction():
        lease.verify(connection)
        live = inspection.inspect(connection, item.tables)
        known = [table for table in records.tables(connection, item.tables) if table.name in live]
        records.put_tables(connection, [_described(table, live[table.name], item, error) for table in known])
        unit = replace(item.unit, state=state, error=error.message if error else "")
        records.record_units(connection, item.revision, [unit])
        forget(connection, item)
        if error is not None:
            # An index that was built in vain and is gone again leaves no trace: the next plan is told to
            # look.
            records.set_meta(connection, {"fingerprint": ""})


def _described(
    table: records.TableRecord, live: LiveTable, item: Outstanding, error: ReconcilerError | None
) -> records.TableRecord:
    recorded, statements = LiveTable.from_json(table.observed), item.of(table.name)
    described = (with_parts_of if error is None else as_promised)(recorded, live, statements)
    return replace(table, observed=described.as_json(), fingerprint=described.digest)

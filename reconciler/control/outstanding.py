"""Work on large PostgreSQL tables that goes on after its unit's transaction: indexes, backfills, validations.

It is on record until it is done, so that whoever applies next continues where a crash or a lock ended it. Each
statement can be run again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from reconciler.database import inspection, records
from reconciler.database.connection import Connection
from reconciler.database.lease import Lease
from reconciler.database.migrate import Checkpoint, run_online
from reconciler.database.records import UnitRecord
from reconciler.database.statement import Phase, Statement
from reconciler.errors import ReconcilerError

_KEY = "outstanding"


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The statements a unit still needs, with its record in the journal of its revision."""

    revision: int
    unit: UnitRecord
    statements: tuple[Statement, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(statement.table for statement in self.statements))

    @staticmethod
    def remember(connection: Connection, work: Sequence[Outstanding]) -> None:
        """Add to what is on record, inside the transaction that the work belongs to."""
        if work:
            _write(connection, [*recall(connection), *work])


def recall(connection: Connection) -> list[Outstanding]:
    """What is on record as not done."""
    text = records.meta(connection).get(_KEY, "[]")
    return [
        Outstanding(
            item["revision"],
            UnitRecord(**item["unit"]),
            tuple(
                Statement(**{**s, "phase": Phase(s["phase"]), "params": tuple(s["params"])}) for s in item["statements"]
            ),
        )
        for item in json.loads(text)
    ]


def _write(connection: Connection, work: Sequence[Outstanding]) -> None:
    records.set_meta(connection, {_KEY: json.dumps([asdict(item) for item in work])})


def settle_all(
    connection: Connection, work: Sequence[Outstanding], lease: Lease, checkpoint: Checkpoint
) -> list[tuple[str, str]]:
    """Do the work unit by unit; (unit, what went wrong) for those that did not come to their end and stay on record."""
    failed: list[tuple[str, str]] = []
    for item in work:
        try:
            run_online(connection, item.statements, checkpoint)
        except ReconcilerError as error:
            failed.append((item.unit.name, error.message))
            with connection.transaction():
                lease.verify(connection)
                records.record_units(connection, item.revision, [replace(item.unit, error=error.message)])
            continue
        _close(connection, item, lease)
        checkpoint("settled", 0, 0)
    return failed


def _close(connection: Connection, item: Outstanding, lease: Lease) -> None:
    with connection.transaction():
        lease.verify(connection)
        live = inspection.inspect(connection, item.tables)
        known = records.tables(connection, item.tables)
        records.put_tables(
            connection,
            [
                replace(table, observed=live[table.name].as_json(), fingerprint=live[table.name].digest)
                for table in known
                if table.name in live
            ],
        )
        records.record_units(connection, item.revision, [replace(item.unit, state="applied")])
        rest = [other for other in recall(connection) if (other.revision, other.unit.position) != (item.revision, item.unit.position)]
        _write(connection, rest)
        records.set_meta(connection, {"fingerprint": inspection.fingerprint(connection)})


__all__ = ["Outstanding", "recall", "settle_all"]

"""The rows that tasks want written, written: inside the transaction that records their ends.

What comes from a task's own process is not believed: its type, its values and its ids are held against what is live
at this moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.failures import ConstraintViolated, NotThere
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.ids import highest
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.prepared import Prepared, prepare
from reconciler.database.rows.refusals import as_of_now, changed_meanwhile, refused, violated
from reconciler.database.rows.storage import stored_moment
from reconciler.database.sql_text import quote
from reconciler.errors import Conflict, DatabaseError, RunError
from reconciler.spec.task import Write

Row = dict[str, Any]


class Effects:
    """Of one transaction, whose moment is `now`: all its rows were created or changed then."""

    def __init__(self, connection: Connection, models: LiveModels, now: datetime) -> None:
        self._connection, self._models = connection, models
        self._now = stored_moment(now, connection.dialect)
        self._highest: dict[str, int] = {}

    def prepare(self, task_id: str, writes: Sequence[Write]) -> tuple[Prepared, ...]:
        """Raises Conflict where the task ran on what is no longer so, RowRefused for values that do not fit."""
        return prepare(self._models, task_id, writes, self._now)

    def write(self, prepared: Sequence[Prepared]) -> None:
        """What one task wants, in its order, all or none. Raises Conflict, RowRefused."""
        if not prepared:
            return
        with self._connection.savepoint():
            for one in prepared:
                try:
                    self._check_reserved([one])
                    rows = self._connection.execute(one.sql, one.params)
                except DatabaseError as error:
                    told = self._told(error, one)
                    if told is None:
                        raise
                    raise told from error
                self._check_found(one, rows)

    def write_together(self, prepared: Sequence[Prepared]) -> bool:
        """What many tasks want, in few statements; False if anything is wrong with any of it, and then nothing is
        written. Which one it was is found out by writing less at a time."""
        inserts: dict[str, list[Prepared]] = {}
        for one in prepared:
            if one.is_insert:
                inserts.setdefault(one.model.insert_sql, []).append(one)
        try:
            with self._connection.savepoint():
                for sql, alike in inserts.items():
                    self._check_reserved(alike)
                    self._connection.execute_many(sql, [one.params for one in alike])
                for one in prepared:
                    if not one.is_insert:
                        self._check_found(one, self._connection.execute(one.sql, one.params))
        except (DatabaseError, Conflict):
            if not self._connection.in_transaction:
                raise
            return False
        return True

    def apply(self, task_id: str, writes: Sequence[Write], row: int | None = None) -> Row | None:
        """Prepare and write; the one at position `row` comes back as it is stored now."""
        self.write(self.prepare(task_id, writes))
        if row is None:
            return None
        return self.stored([writes[row]])[_place(writes[row])]

    def stored(self, writes: Iterable[Write]) -> dict[tuple[str, str, int], Row]:
        """The rows of these writes by type, model and id, as they are now, without what is encrypted: they become the
        outputs of tasks, which are kept in the clear."""
        wanted: dict[tuple[str, str], list[int]] = {}
        for write in writes:
            wanted.setdefault((write.type, write.model), []).append(write.row_id)
        found: dict[tuple[str, str, int], Row] = {}
        for (type_name, name), ids in wanted.items():
            model = self._models.get(type_name, name)
            names = [name for name in model.field_names if name not in model.encrypted]
            for places, batch in in_batches(ids):
                sql = f"SELECT {model.columns_sql(names)} FROM {model.quoted} WHERE id IN {places}"
                for row in self._connection.execute(sql, batch):
                    loaded = model.loaded(row, names)
                    found[type_name, name, loaded["id"]] = loaded
        return found

    def _check_reserved(self, prepared: Sequence[Prepared]) -> None:
        """An id nobody gave out would make the database go on from there."""
        for one in prepared:
            if not one.is_insert:
                continue
            table = one.model.table.name
            if 0 < one.write.row_id <= self._highest.get(table, 0):
                continue
            self._highest[table] = highest(self._connection, table)
            if not 0 < one.write.row_id <= self._highest[table]:
                name = one.model.name
                raise Conflict(f"the id of a new row of `{name}` was never reserved", where=name)

    def _check_found(self, one: Prepared, rows: Sequence[Any]) -> None:
        if not one.is_insert and not rows:
            name = one.model.name
            raise Conflict(f"the row of `{name}` to be updated is no longer there", where=name)

    def _told(self, error: DatabaseError, one: Prepared) -> RunError | None:
        """What the task is told; None where the trouble is not the task's but the database's."""
        model, write = one.model, one.write
        if isinstance(error, NotThere):
            return changed_meanwhile(f"type {write.type}")
        if isinstance(error, ConstraintViolated):
            broken = self._broken_reference(error, model, write)
            return as_of_now(violated(error, model, write, broken), model, write)
        if type(error) is DatabaseError:
            return as_of_now(refused(model, "", "the database refused the row"), model, write)
        return None

    def _broken_reference(self, error: ConstraintViolated, model: LiveModel, write: Write) -> str:
        """SQLite does not tell which reference it was, and can be asked: the statement failed, not the transaction."""
        if error.kind != "reference" or self._connection.dialect != "sqlite":
            return ""
        for column in model.references.values():
            target = write.values.get(column.name)
            if target is not None and column.references is not None:
                sql = f"SELECT 1 FROM {quote(column.references.table)} WHERE id = ?"
                if not self._connection.execute(sql, (target,)):
                    return column.name
        return ""


def _place(write: Write) -> tuple[str, str, int]:
    return write.type, write.model, write.row_id

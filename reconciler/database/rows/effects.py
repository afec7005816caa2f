"""The rows that tasks want written, written: inside the transaction that records their ends.

What comes from a task's own process is not believed: its type, its values and its ids are held against what is live
at this moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.failures import ConstraintViolated, NotThere
from reconciler.database.rows.ids import highest
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.refusals import changed_meanwhile, invalid, violated
from reconciler.database.rows.storage import stored_moment
from reconciler.database.sql_text import quote
from reconciler.database.storable import UnfitValue
from reconciler.errors import Conflict, DatabaseError, RowRefused, RunError
from reconciler.spec.task import Write
from reconciler.spec.validation import ValuesInvalid


class Effects:
    """Of one transaction, whose moment is `now`: all its rows were created or changed then."""

    def __init__(self, connection: Connection, models: LiveModels, now: datetime) -> None:
        self._connection, self._models = connection, models
        self._now = stored_moment(now, connection.dialect)
        self._highest: dict[str, int] = {}

    def apply(self, task_id: str, writes: Sequence[Write], row: int | None = None) -> dict[str, Any] | None:
        """Write them in order, all or none; the one at position `row` comes back as it is stored now.

        Raises Conflict where the task ran on what is no longer so, RowRefused where a row is not acceptable.
        """
        if not writes:
            return None
        with self._connection.savepoint():
            for write in writes:
                self._write(task_id, write)
            return None if row is None else self._stored(writes[row])

    def _write(self, task_id: str, write: Write) -> None:
        model = self._models.find(write.type, write.model)
        if model is None:
            raise changed_meanwhile(f"model `{write.model}` of {write.type}")
        try:
            if write.found:
                self._update(model, write)
            else:
                self._insert(model, task_id, write)
        except (DatabaseError, ValuesInvalid) as error:
            told = self._told(error, model, write)
            if told is None:
                raise
            raise told from error

    def _insert(self, model: LiveModel, task_id: str, write: Write) -> None:
        self._check_reserved(model, write)
        values = model.validator.complete(write.values)
        system = (write.row_id, task_id, write.agent, write.type_version, self._now)
        self._connection.execute(model.insert_sql, (*system, *model.stored(values)))

    def _update(self, model: LiveModel, write: Write) -> None:
        """The key is asked for again: the row may have got another one since it was found."""
        given = {name: value for name, value in write.values.items() if name != "id"}
        values = model.validator.validate(given, partial=True)
        key = {name: values.pop(name) for name in write.key if name in values}
        sets = [f"{quote(name)} = ?" for name in values]
        same = ["id = ?", *(f"{quote(name)} = ?" for name in key)]
        if write.mode == "upsert":
            sets.append("deleted_at = NULL")  # what was deleted and is written again is there again
        else:
            sets.append("deleted_at = deleted_at")
            same.append("deleted_at IS NULL")
        rows = self._connection.execute(
            f"UPDATE {model.quoted} SET {', '.join(sets)} WHERE {' AND '.join(same)} RETURNING id",
            [*model.stored(values), write.row_id, *model.stored(key)],
        )
        if not rows:
            raise Conflict(f"the row of `{model.name}` to be updated is no longer there", where=model.name)

    def _stored(self, write: Write) -> dict[str, Any]:
        model = self._models.get(write.type, write.model)
        names = model.field_names
        sql = f"SELECT {model.columns_sql(names)} FROM {model.quoted} WHERE id = ?"
        return model.loaded(self._connection.execute(sql, (write.row_id,))[0], names)

    def _check_reserved(self, model: LiveModel, write: Write) -> None:
        """An id nobody gave out would make the database go on from there."""
        table = model.table.name
        if 0 < write.row_id <= self._highest.get(table, 0):
            return
        self._highest[table] = highest(self._connection, table)
        if not 0 < write.row_id <= self._highest[table]:
            raise Conflict(f"the id of a new row of `{model.name}` was never reserved", where=model.name)

    def _told(self, error: DatabaseError | ValuesInvalid, model: LiveModel, write: Write) -> RunError | None:
        """What the task is told; None where the trouble is not the task's but the database's."""
        if isinstance(error, NotThere):
            return changed_meanwhile(f"type {write.type}")
        if isinstance(error, ValuesInvalid):
            told: RunError = invalid(error, model)
        elif isinstance(error, ConstraintViolated):
            told = violated(error, model, write, self._broken_reference(error, model, write))
        elif isinstance(error, UnfitValue):
            told = RowRefused(error.message, where=model.name, hint=error.hint)
        elif type(error) is DatabaseError:
            told = RowRefused("the database refused the row", where=model.name)
        else:
            return None
        # The task ran on another version of the type: what was right there may be wrong here.
        return told if model.version == write.type_version else changed_meanwhile(f"type {write.type}")

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

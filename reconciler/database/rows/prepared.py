"""Writes as statements: checked against what is live and put into the form in which it is stored, not yet run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.refusals import as_of_now, changed_meanwhile, invalid, unfit
from reconciler.database.sql_text import quote
from reconciler.database.storable import UnfitValue
from reconciler.spec.task import Write
from reconciler.spec.validation import ValuesInvalid


@dataclass(frozen=True, slots=True)
class Prepared:
    """An insert takes the statement of its model, so that many share it; an update returns the id of its row."""

    write: Write
    model: LiveModel
    sql: str
    params: tuple[Any, ...]

    @property
    def is_insert(self) -> bool:
        return not self.write.found


def prepare(models: LiveModels, task_id: str, writes: Sequence[Write], now: str) -> tuple[Prepared, ...]:
    """`now` is the moment in its stored form. Raises Conflict, RowRefused; the database is not asked about rows."""
    return tuple(_prepared(models, task_id, writes, now))


def _prepared(models: LiveModels, task_id: str, writes: Sequence[Write], now: str) -> Iterator[Prepared]:
    for write in writes:
        model = models.find(write.type, write.model)
        if model is None:
            raise changed_meanwhile(f"model `{write.model}` of {write.type}")
        try:
            yield _update(model, write) if write.found else _insert(model, task_id, write, now)
        except ValuesInvalid as error:
            raise as_of_now(invalid(error, model), model, write) from error
        except UnfitValue as error:
            raise as_of_now(unfit(error, model), model, write) from error


def _insert(model: LiveModel, task_id: str, write: Write, now: str) -> Prepared:
    values = model.validator.complete(write.values)
    system = (write.row_id, task_id, write.agent, write.type_version, now)
    return Prepared(write, model, model.insert_sql, (*system, *model.stored(values, write.row_id)))


def _update(model: LiveModel, write: Write) -> Prepared:
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
    sql = f"UPDATE {model.quoted} SET {', '.join(sets)} WHERE {' AND '.join(same)} RETURNING id"
    params = (*model.stored(values, write.row_id), write.row_id, *model.stored(key, write.row_id))
    return Prepared(write, model, sql, params)

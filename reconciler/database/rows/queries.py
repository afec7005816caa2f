"""Results: rows of a model, found, sorted and cut into pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from reconciler.database.connection import Connection
from reconciler.database.records.batches import in_batches
from reconciler.database.rows.cipher import NO_KEY
from reconciler.database.rows.conditions import Sql, conditions, joined
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.paging import behind, cursor_of, order_sql, sort_keys
from reconciler.database.rows.searching import BadQuery
from reconciler.spec.findings import did_you_mean
from reconciler.spec.tables import Column

MOST_ROWS = 1000
"""On one page."""

IN_ONE_GO = 100
"""Rows of a stream that are held at once."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RowQuery:
    """`where` and `order_by` as in `tools.host.Query`. `fields` empty: all that can be read. `cursor` is the `next` of
    the page before. `include` names references whose rows come along, each under `FIELD__row`. `deleted`: rows that
    were deleted softly too."""

    where: Mapping[str, Any] = field(default_factory=dict)
    order_by: Sequence[str] = ()
    fields: Sequence[str] = ()
    limit: int = 50
    cursor: str = ""
    include: Sequence[str] = ()
    count: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the cursor of what follows, empty at the end; `total` counts all pages, if that was asked for."""

    rows: list[Row]
    next: str
    total: int | None = None


def page(connection: Connection, models: LiveModels, model: LiveModel, query: RowQuery) -> Page:
    """Raises BadQuery."""
    return Listing(model, query).page(connection, models)


class Listing:
    """A query made ready for a model: holds nothing of any connection, and may be kept and asked again and again."""

    def __init__(self, model: LiveModel, query: RowQuery) -> None:
        """Raises BadQuery."""
        self._model, self._include, self._counting = model, query.include, query.count
        self._limit = max(1, min(query.limit, MOST_ROWS))
        self._names = chosen_fields(model, query.fields)
        self._keys = sort_keys(model, query.order_by)
        self._found = _found(model, query)
        place = [behind(self._keys, query.cursor)] if query.cursor else []
        # What the cursor and the included rows need is read as well, and left out of the answer.
        read = model.read_with([*self._names, *(key.field.name for key in self._keys), *query.include])
        sql, params = joined([*self._found, *place])
        order = order_sql(self._keys)
        self._sql = (
            f"SELECT {model.columns_sql(read)} FROM {model.quoted} WHERE {sql} ORDER BY {order} LIMIT ?"
        )
        self._params = [*params, self._limit + 1]
        self._load = model.loader(read)
        self._as_read = read == self._names and not query.include

    def page(self, connection: Connection, models: LiveModels) -> Page:
        """Raises BadQuery."""
        rows = connection.execute(self._sql, self._params)
        full = self._load(rows[: self._limit])
        following = cursor_of(self._keys, full[-1]) if len(rows) > self._limit else ""
        total = _count(connection, self._model, self._found) if self._counting else None
        if self._as_read:
            return Page(full, following, total)
        included = {name: _included(connection, models, self._model, name, full) for name in self._include}
        return Page([_shown(row, self._names, included) for row in full], following, total)


def every_row(connection: Connection, model: LiveModel, query: RowQuery) -> Iterator[Row]:
    """All rows in order, however many, one by one; limit, cursor and include mean nothing here. Raises BadQuery."""
    names = chosen_fields(model, query.fields)
    keys = sort_keys(model, query.order_by)
    read = model.read_with(names)
    sql, params = joined(_found(model, query))
    statement = f"SELECT {model.columns_sql(read)} FROM {model.quoted} WHERE {sql} ORDER BY {order_sql(keys)}"
    load = model.loader(read)
    rows = connection.stream(statement, params)
    while some := load(islice(rows, IN_ONE_GO)):
        yield from some if read == names else ({name: full[name] for name in names} for full in some)


def chosen_fields(model: LiveModel, fields: Sequence[str]) -> tuple[str, ...]:
    """Names of what is read: those that were asked for, or all but what is encrypted and has no key here."""
    for name in fields:
        if name not in model.field_names:
            hint = did_you_mean(name, model.field_names)
            raise BadQuery(f"model `{model}` has no field `{name}`", where="fields", hint=hint)
    if fields:
        return tuple(dict.fromkeys(fields))
    if model.cipher is not NO_KEY:
        return model.field_names
    return tuple(name for name in model.field_names if name not in model.encrypted)


def _found(model: LiveModel, query: RowQuery) -> list[Sql]:
    there: list[Sql] = [] if query.deleted else [("deleted_at IS NULL", [])]
    return [*there, *conditions(model, query.where)]


def _count(connection: Connection, model: LiveModel, found: list[Sql]) -> int:
    sql, params = joined(found)
    return int(connection.execute(f"SELECT count(*) FROM {model.quoted} WHERE {sql}", params)[0][0])


def _shown(row: Row, names: Sequence[str], included: Mapping[str, Mapping[int, Row]]) -> Row:
    shown = {name: row[name] for name in names}
    for name, rows in included.items():
        shown[f"{name}__row"] = rows.get(row[name])
    return shown


def _included(
    connection: Connection, models: LiveModels, model: LiveModel, name: str, rows: Collection[Row]
) -> dict[int, Row]:
    """Rows by id of what a reference of these rows leads to; those that were deleted softly are left out."""
    column = model.columns.get(name)
    if column is None or column.references is None:
        known = [column.name for column in model.references.values()]
        raise BadQuery(
            f"`{name}` is no reference of `{model}`", where="include", hint=did_you_mean(name, known)
        )
    target = _target(models, model, column)
    names = chosen_fields(target, ())
    found: dict[int, Row] = {}
    for places, batch in in_batches([row[name] for row in rows if row[name] is not None]):
        sql = f"SELECT {target.columns_sql(names)} FROM {target.quoted} WHERE deleted_at IS NULL AND id IN {places}"
        found |= {row["id"]: row for row in target.loader(names)(connection.execute(sql, batch))}
    return found


def _target(models: LiveModels, model: LiveModel, column: Column) -> LiveModel:
    owner, _, name = (model.fields[column.name].model or "").rpartition(".")
    return models.get(owner or model.type, name)

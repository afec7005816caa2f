"""Fields as something to search and sort by: what may be asked of them, and the SQL of it.

Both databases answer alike: texts sort by code points, decimals as numbers, and what has no value comes last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.storage import stored_moment
from reconciler.database.sql_text import Dialect, quote
from reconciler.database.storable import UnfitValue, check_text
from reconciler.errors import UsageError
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.findings import did_you_mean
from reconciler.spec.literals import check_literal
from reconciler.spec.normal import normal
from reconciler.tools.declarations.tables import SYSTEM_FIELD_SPECS

NOT_SEARCHABLE = frozenset({FieldType.JSON, FieldType.LIST, FieldType.BINARY})
TEXTUAL = frozenset({FieldType.STRING, FieldType.TEXT, FieldType.ENUM})


class BadQuery(UsageError):
    """`where` is the part of the question that makes no sense."""

    code = "bad-query"


@dataclass(frozen=True, slots=True)
class Searched:
    """A field of a model, declared or of the system. `nullable`: rows may have no value in it."""

    name: str
    type: FieldType
    nullable: bool
    scale: int
    dialect: Dialect
    model: LiveModel

    @property
    def sql(self) -> str:
        """The column, to be compared for equality."""
        return quote(self.name)

    @property
    def ordered_sql(self) -> str:
        """What sorts as the values do."""
        return self._magnitude(self.sql)

    @property
    def ordered_place(self) -> str:
        """The placeholder of a value to be compared by order."""
        return self._magnitude("?")

    def _magnitude(self, sql: str) -> str:
        if self.type is FieldType.DECIMAL and self.dialect == "sqlite":
            return f"CAST({sql} AS REAL)"
        if self.type in TEXTUAL and self.dialect == "postgresql":
            return f'{sql} COLLATE "C"'
        return sql

    def parameter(self, value: Any, place: str) -> Any:
        """A value in the form in which the column keeps it. Raises BadQuery where it is no value of the field's type;
        one that the field could never hold just finds nothing."""
        field = _any_of(self.type, self.scale)
        for finding in check_literal(value, field, ()):
            raise BadQuery(f"{self.name}: {finding.message}", where=place, hint=finding.hint)
        try:
            return self._stored(normal(value, field))
        except UnfitValue as error:
            raise BadQuery(f"{self.name}: {error.message}", where=place, hint=error.hint) from error

    def _stored(self, value: Any) -> Any:
        if self.name not in SYSTEM_FIELD_SPECS:
            return self.model.stored_as(self.name, value)
        if self.type is FieldType.DATETIME:
            return stored_moment(datetime.fromisoformat(value), self.dialect)
        if self.type is FieldType.STRING:
            check_text(value)
        return value


def searched(model: LiveModel, name: str, place: str) -> Searched:
    """Raises BadQuery where there is no such field, or none by which rows can be found."""
    column, system = model.columns.get(name), SYSTEM_FIELD_SPECS.get(name)
    if column is not None:
        if column.encrypted or column.type in NOT_SEARCHABLE:
            what = "an encrypted field" if column.encrypted else f"a field of type {column.type.value}"
            raise BadQuery(f"rows cannot be found or sorted by `{name}`, {what}", where=place)
        return Searched(name, column.type, column.nullable, column.scale or 0, model.dialect, model)
    if system is not None:
        return Searched(name, system.type, not system.required, 0, model.dialect, model)
    hint = did_you_mean(name, model.field_names)
    raise BadQuery(f"model `{model}` has no field `{name}`", where=place, hint=hint)


@lru_cache(256)
def _any_of(kind: FieldType, scale: int) -> FieldSpec:
    """A field of the type without further bounds: what lies outside of them is no error of whoever searches."""
    if kind is FieldType.ENUM:
        return FieldSpec(type=FieldType.TEXT)
    if kind is FieldType.REFERENCE:
        return FieldSpec(type=FieldType.INTEGER)
    if kind is FieldType.DECIMAL:
        return FieldSpec(type=kind, precision=38, scale=scale)
    return FieldSpec(type=kind)

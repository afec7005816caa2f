"""A table's definition as SQLAlchemy's: what `create_all` makes of it is the structure that `ddl` makes of
it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from reconciler.database.bounds import bounds
from reconciler.database.ddl import (
    check_expression,
    foreign_key_name,
    literal,
    primary_key_name,
    stored_default,
)
from reconciler.database.sql_text import Dialect
from reconciler.database.types import IDENTITY, UtcDateTime, type_of
from reconciler.spec.fields import FieldType, OnDelete
from reconciler.spec.tables import Column, Table

_DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
_ON_DELETE = {OnDelete.CASCADE: "CASCADE", OnDelete.RESTRICT: "RESTRICT", OnDelete.SET_NULL: "SET NULL"}


class Verbatim(sa.TextClause):
    """SQL that is already spelled, by dialect. A plain `text` would take `:name` in a literal for a
    parameter."""

    inherit_cache = False

    def __init__(self, spelled: Mapping[Dialect, str]) -> None:
        super().__init__("")
        self.spelled = spelled


@compiles(Verbatim)
def _spelled(element: Verbatim, compiler: Any, **options: Any) -> str:
    # Some drivers take a single % for a placeholder.
    return str(compiler.post_process_text(element.spelled[compiler.dialect.name]))


_NOW = Verbatim(
    {
        "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
        "postgresql": "CURRENT_TIMESTAMP",
    }
)


def metadata_of(definitions: Iterable[Table]) -> sa.MetaData:
    """All the tables, and nothing mapped to them."""
    known = {definition.name: definition for definition in definitions}
    metadata = sa.MetaData()
    for definition in known.values():
        sa_table(definition, metadata, known)
    return metadata


def sa_table(definition: Table, metadata: sa.MetaData, known: Collection[str]) -> sa.Table:
    """References to tables that are not `known` become plain columns."""
    return sa.Table(
        definition.name,
        metadata,
        *_system_columns(definition),
        *(_column(definition, column, known) for column in definition.columns),
        sa.PrimaryKeyConstraint("id", name=primary_key_name(definition.name)),
        *_checks(definition),
        *(sa.Index(index.name, *index.columns, unique=index.unique) for index in definition.indexes),
        sqlite_autoincrement=True,
    )


def _system_columns(definition: Table) -> Iterator[sa.Column[Any]]:
    yield sa.Column("id", IDENTITY, sa.Identity(always=False))
    yield sa.Column("task_id", sa.String(36))
    yield sa.Column("agent", sa.String(40))
    yield sa.Column("type_version", sa.String(20))
    yield sa.Column("created_at", UtcDateTime(), nullable=False, default=_now, server_default=_NOW)
    yield sa.Column("deleted_at", UtcDateTime())


def _now() -> datetime:
    return datetime.now(UTC)


def _column(definition: Table, column: Column, known: Collection[str]) -> sa.Column[Any]:
    reference = column.references
    keys = []
    if reference is not None and reference.table in known:
        name = foreign_key_name(definition.name, column.name)
        keys.append(
            sa.ForeignKey(f"{reference.table}.id", name=name, ondelete=_ON_DELETE[reference.on_delete])
        )
    stored = stored_default(column)
    if stored is None:
        return sa.Column(column.name, type_of(column), *keys, nullable=column.nullable)
    return sa.Column(
        column.name,
        type_of(column),
        *keys,
        nullable=column.nullable,
        default=_python_default(column),
        server_default=Verbatim({dialect: literal(stored, column, dialect) for dialect in _DIALECTS}),
    )


def _python_default(column: Column) -> Any:
    """The literal default as the Python value that the column's type takes."""
    value = column.default
    if isinstance(value, (list, dict)):
        return lambda: deepcopy(value)
    return _LITERALS[column.type](value) if column.type in _LITERALS else value


def _checks(definition: Table) -> Iterator[sa.CheckConstraint]:
    for dialect in _DIALECTS:
        for column in definition.columns:
            for bound in bounds(definition.name, column, dialect):
                yield sa.CheckConstraint(Verbatim({dialect: bound.condition}), bound.name).ddl_if(dialect)
    for check in definition.checks:
        expression = check_expression(check, definition)
        spelled: dict[Dialect, str] = {dialect: expression.sql(dialect) for dialect in _DIALECTS}
        yield sa.CheckConstraint(Verbatim(spelled), check.name)


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_LITERALS: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.NUMBER: float,
    FieldType.DECIMAL: lambda value: Decimal(str(value)),
    FieldType.DATE: lambda value: date.fromisoformat(str(value)),
    FieldType.DATETIME: _moment,
    FieldType.UUID: lambda value: UUID(str(value)),
}

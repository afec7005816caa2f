"""DynamicModel: mapped SQLAlchemy classes made from specs.

    models = build_models(tables_of(agent_type).values())
    Analysis = models["email_analysis__analysis"]
    session.add(Analysis(message_id="m1", category="bug"))

A reference field `analysis` holds the id; `analysis__row` is the row it points at, and the target gets
`<model>__<field>__rows`. No field can hold two underscores in a row, so these names never collide with one.
"""

from __future__ import annotations

from copy import deepcopy
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, registry, relationship

from reconciler.database.bounds import bounds
from reconciler.database.ddl import check_expression, foreign_key_name
from reconciler.database.sql_text import Dialect
from reconciler.database.types import IDENTITY, UtcDateTime, type_of
from reconciler.spec.fields import FieldType, OnDelete
from reconciler.spec.tables import Column, Table

_DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgresql")
_ON_DELETE = {OnDelete.CASCADE: "CASCADE", OnDelete.RESTRICT: "RESTRICT", OnDelete.SET_NULL: "SET NULL"}


class DynamicModel:
    """Base of every class built from a model. `definition` is the table it was built from."""

    definition: ClassVar[Table]
    __table__: ClassVar[sa.Table]
    id: int

    def as_dict(self) -> dict[str, Any]:
        """All columns by name, the system ones first."""
        return {column.key: getattr(self, column.key) for column in self.__table__.columns}

    def __repr__(self) -> str:
        return f"<{self.definition.owner}.{self.definition.model} id={self.id}>"


def build_models(tables: Iterable[Table], metadata: sa.MetaData | None = None) -> Mapping[str, type[DynamicModel]]:
    """Mapped classes by table name. References outside `tables` become plain columns with a foreign key by name.

    Costs about a millisecond a table: build what is needed, keep what was built.
    """
    definitions = list(tables)
    base = registry(metadata=metadata if metadata is not None else sa.MetaData())
    built = {definition.name: _mapped(base, definition) for definition in definitions}
    for definition in definitions:
        _relate(built, definition)
    base.configure()
    return built


def _mapped(base: registry, definition: Table) -> type[DynamicModel]:
    name = "".join(part.capitalize() for part in definition.name.split("_"))
    table = sa.Table(
        definition.name, base.metadata, *_columns(definition), *_constraints(definition), sqlite_autoincrement=True
    )
    made: type[DynamicModel] = type(name, (DynamicModel,), {"definition": definition, "__table__": table})
    base.map_imperatively(made, table)
    return made


def _columns(definition: Table) -> Iterable[sa.Column[Any]]:
    yield sa.Column("id", IDENTITY, sa.Identity(always=False), primary_key=True)
    yield sa.Column("task_id", sa.String(36))
    yield sa.Column("agent", sa.String(40))
    yield sa.Column("type_version", sa.String(20))
    yield sa.Column(
        "created_at", UtcDateTime(), nullable=False, default=lambda: datetime.now(UTC), server_default=sa.func.now()
    )
    yield sa.Column("deleted_at", UtcDateTime())
    for column in definition.columns:
        yield _column(definition, column)


def _column(definition: Table, column: Column) -> sa.Column[Any]:
    arguments: list[Any] = [column.name, type_of(column)]
    if column.references is not None:
        arguments.append(
            sa.ForeignKey(
                f"{column.references.table}.id",
                name=foreign_key_name(definition.name, column.name),
                ondelete=_ON_DELETE[column.references.on_delete],
            )
        )
    default = _python_default(column)
    return sa.Column(*arguments, nullable=column.nullable, default=default)


def _python_default(column: Column) -> Any:
    """The literal default as the Python value the column's type takes."""
    value = column.default
    if value is None or column.encrypted:
        return None
    converter = _LITERALS.get(column.type)
    if converter is not None:
        value = converter(value)
    return (lambda: deepcopy(value)) if isinstance(value, (list, dict)) else value


def _constraints(definition: Table) -> Iterable[sa.schema.SchemaItem]:
    for index in definition.indexes:
        yield sa.Index(index.name, *index.columns, unique=index.unique)
    for dialect in _DIALECTS:
        conditions = [(b.name, b.condition) for column in definition.columns for b in bounds(definition.name, column, dialect)]
        conditions += [(c.name, check_expression(c, definition).sql(dialect)) for c in definition.checks]
        for name, condition in conditions:
            yield sa.CheckConstraint(sa.text(condition), name=name).ddl_if(dialect=dialect)


def _relate(built: Mapping[str, type[DynamicModel]], definition: Table) -> None:
    child = built[definition.name]
    for column in definition.columns:
        if column.type is not FieldType.REFERENCE or column.references is None:
            continue
        parent = built.get(column.references.table)
        if parent is None:
            continue
        reverse = f"{definition.model}__{column.name}__rows"
        sa.inspect(child).add_property(
            f"{column.name}__row",
            relationship(
                parent,
                foreign_keys=[child.__table__.c[column.name]],
                remote_side=[parent.__table__.c.id],
                back_populates=reverse,
            ),
        )
        sa.inspect(parent).add_property(
            reverse,
            relationship(
                child, foreign_keys=[child.__table__.c[column.name]], back_populates=f"{column.name}__row", passive_deletes="all"
            ),
        )


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

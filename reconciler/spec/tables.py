"""What the models of a type look like as tables, before any database's dialect.

`tables_of` is a pure function of the type; two databases given equal tables hold the same structure. Names of
indexes and constraints carry a digest of table and columns: unique in a schema and never longer than 63
bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from reconciler.spec.agent_type import AgentType, ModelSpec
from reconciler.spec.base import SpecModel
from reconciler.spec.fields import FieldSpec, FieldType, OnDelete

IDENTIFIER_BYTES = 63
"""PostgreSQL cuts longer names silently; SQLite does not care. The smaller limit holds for both."""


class ForeignKey(SpecModel):
    """The column points at `table.id`."""

    table: str
    on_delete: OnDelete = Field(OnDelete.RESTRICT, strict=False)


class Column(SpecModel):
    """One column. Bounds (`values`, `minimum` … `max_length`) are enforced by the database through the
    column's own CHECKs or type; `pattern` and `format` are validated by the application."""

    name: str
    type: FieldType = Field(strict=False)
    nullable: bool = True
    default: Any = None
    values: tuple[str, ...] = Field((), strict=False)
    minimum: int | float | None = None
    maximum: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    encrypted: bool = False
    sensitive: bool = False
    references: ForeignKey | None = None
    foreign: str | None = None
    """Type text of a column that somebody added by hand: known only from inspection, never from a spec."""

    def __hash__(self) -> int:
        # The generated hash would trip over defaults that are lists or objects.
        return hash((self.name, self.type, self.nullable, self.max_length))


class Index(SpecModel):
    name: str
    columns: tuple[str, ...] = Field(strict=False)
    unique: bool = False


class Check(SpecModel):
    """`expression` is the source text; it is parsed by `expressions.check_sql` wherever SQL is made of it."""

    name: str
    label: str
    expression: str


class Table(SpecModel):
    """`owner` is the type's name, `model` the model's. System columns, which all have, are not listed."""

    name: str
    owner: str
    model: str
    columns: tuple[Column, ...] = Field(strict=False)
    indexes: tuple[Index, ...] = Field((), strict=False)
    checks: tuple[Check, ...] = Field((), strict=False)

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

    def evolve(self, **changes: Any) -> Table:
        return self.model_copy(update=changes)


def table_name(type_name: str, model: str) -> str:
    """`email-analysis`, `action_item` -> `email_analysis__action_item`: injective, as no part holds `__`."""
    return f"{type_name.replace('-', '_')}__{model}"


def target_table(type_name: str, reference: str) -> str:
    """The table a reference's `model` names: `thread` of the same type or `other-type.thread`."""
    owner, _, model = reference.rpartition(".")
    return table_name(owner or type_name, model)


def constraint_name(
    prefix: Literal["ix", "uq", "ck", "fk"], table: str, columns: tuple[str, ...], label: str = ""
) -> str:
    digest = hashlib.sha256("\0".join((table, label, *columns)).encode()).hexdigest()[:10]
    return f"{prefix}_{(label or columns[0])[:40]}_{digest}"


def column_of(type_name: str, name: str, field: FieldSpec) -> Column:
    reference = None
    if field.type is FieldType.REFERENCE and field.model:
        reference = ForeignKey(
            table=target_table(type_name, field.model), on_delete=field.on_delete or OnDelete.RESTRICT
        )
    decimal = field.type is FieldType.DECIMAL
    return Column(
        name=name,
        type=field.type,
        nullable=not field.required,
        default=field.default,
        values=tuple(field.values or ()),
        minimum=field.min,
        maximum=field.max,
        min_length=field.min_length if field.type is not FieldType.LIST else None,
        max_length=field.max_length if field.type is not FieldType.LIST else None,
        precision=(field.precision or 18) if decimal else None,
        scale=(field.scale if field.scale is not None else min(6, field.precision or 18))
        if decimal
        else None,
        encrypted=field.encrypted,
        sensitive=field.sensitive,
        references=reference,
    )


def table_of(type_name: str, model_name: str, model: ModelSpec) -> Table:
    name = table_name(type_name, model_name)
    return Table(
        name=name,
        owner=type_name,
        model=model_name,
        columns=tuple(column_of(type_name, field, spec) for field, spec in model.fields.items()),
        indexes=tuple(_indexes(name, model)),
        checks=tuple(
            Check(name=constraint_name("ck", name, (c.name,), c.name), label=c.name, expression=c.expression)
            for c in model.checks
        ),
    )


def _indexes(table: str, model: ModelSpec) -> Iterator[Index]:
    """Each group of columns once: a unique index serves look-ups as well."""
    fields = model.fields.items()
    uniques: list[tuple[str, ...]] = [(name,) for name, field in fields if field.unique]
    uniques += [tuple(group) for group in model.unique]
    # A reference is looked up from its target at every delete there: its column is indexed unasked.
    asked = [(name,) for name, field in fields if field.index and not field.unique]
    unasked = [(n,) for n, f in fields if f.type is FieldType.REFERENCE and not (f.unique or f.index)]
    plain: list[tuple[str, ...]] = [*asked, *unasked, *(tuple(index.fields) for index in model.indexes)]
    for columns in dict.fromkeys(uniques):
        yield Index(name=constraint_name("uq", table, columns), columns=columns, unique=True)
    for columns in dict.fromkeys(plain):
        if columns not in uniques:
            yield Index(name=constraint_name("ix", table, columns), columns=columns)


def tables_of(agent_type: AgentType) -> dict[str, Table]:
    """Tables by name, in the order of the models."""
    tables = (table_of(agent_type.name, name, model) for name, model in agent_type.spec.models.items())
    return {table.name: table for table in tables}


def referenced_types(agent_type: AgentType) -> set[str]:
    """Names of the other types whose tables a type's own refer to."""
    fields = (field for model in agent_type.spec.models.values() for field in model.fields.values())
    return {(field.model or "").rpartition(".")[0] for field in fields} - {"", agent_type.name}


def renames_of(agent_type: AgentType) -> dict[str, dict[str, str]]:
    """`renamed_from` hints: table name -> {new field: old field}."""
    hints: dict[str, dict[str, str]] = {}
    for model_name, model in agent_type.spec.models.items():
        found = {name: field.renamed_from for name, field in model.fields.items() if field.renamed_from}
        if found:
            hints[table_name(agent_type.name, model_name)] = {new: old for new, old in found.items() if old}
    return hints

"""LiveModel: one model's table as rows are written to it and read from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from reconciler.database.bounds import bound_name
from reconciler.database.connection import Row
from reconciler.database.ddl import foreign_key_name
from reconciler.database.rows.cipher import NO_KEY, Cipher, Place
from reconciler.database.rows.storage import (
    Convert,
    as_it_is,
    loaded_moment,
    loading,
    opened,
    sealed,
    storing,
)
from reconciler.database.sql_text import Dialect, quote
from reconciler.spec.agent_type import SYSTEM_FIELDS, AgentType, ModelSpec
from reconciler.spec.fields import FieldSpec
from reconciler.spec.tables import Column, Table, table_of
from reconciler.spec.validation import FieldsValidator, validator_of

_BOUND_RULES = ("boolean", "values", "minimum", "maximum", "min_length", "max_length")


class LiveModel:
    """Made once for a version of a type and a dialect, and kept. Rows are dicts of JSON-like values by field, the
    system fields first."""

    def __init__(self, agent_type: AgentType, name: str, dialect: Dialect, cipher: Cipher = NO_KEY) -> None:
        self.type, self.version, self.name = agent_type.name, agent_type.spec.version, name
        self.dialect: Dialect = dialect
        self.cipher = cipher
        self.spec: ModelSpec = agent_type.spec.models[name]
        self.table: Table = table_of(agent_type.name, name, self.spec)
        self.quoted = quote(self.table.name)

    def __str__(self) -> str:
        return f"{self.type}.{self.name}"

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.table.columns}

    @cached_property
    def field_names(self) -> tuple[str, ...]:
        """All of them, as they stand in a row."""
        return (*SYSTEM_FIELDS, *self.columns)

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        return self.spec.fields

    @property
    def validator(self) -> FieldsValidator:
        return validator_of(self.spec.fields)

    def is_sensitive(self, field: str) -> bool:
        spec = self.spec.fields.get(field)
        return spec is not None and (spec.sensitive or spec.encrypted)

    # --- storage forms ----------------------------------------------------------------------------------

    @cached_property
    def encrypted(self) -> frozenset[str]:
        """Fields whose values are sealed for their row, so that its id must be known to write or read them."""
        return frozenset(name for name, column in self.columns.items() if column.encrypted)

    @cached_property
    def _storing(self) -> Mapping[str, Convert]:
        return {
            name: storing(column, self.dialect)
            for name, column in self.columns.items()
            if not column.encrypted
        }

    @cached_property
    def _loading(self) -> Mapping[str, Convert]:
        own = {
            name: read
            for name, column in self.columns.items()
            if not column.encrypted and (read := loading(column, self.dialect)) is not as_it_is
        }
        return {"created_at": loaded_moment, "deleted_at": loaded_moment, **own}

    def stored(self, values: Mapping[str, Any], row_id: int) -> Iterator[Any]:
        """Parameters of the values of a row, in their order. May raise UnfitValue."""
        convert, encrypted = self._storing, self.encrypted
        for name, value in values.items():
            if value is None:
                yield None
            elif name in encrypted:
                yield sealed(value, self.cipher, self._place(name, row_id))
            else:
                yield convert[name](value)

    def stored_as(self, name: str, value: Any) -> Any:
        """The parameter of one declared field that is not encrypted."""
        return None if value is None else self._storing[name](value)

    def loaded(self, row: Row, names: Sequence[str]) -> dict[str, Any]:
        """The row of these columns; `id` is among them where an encrypted one is. May raise Unsealable."""
        return self.loader(names)((row,))[0]

    def loader(self, names: Sequence[str]) -> Callable[[Iterable[Row]], list[dict[str, Any]]]:
        """The same for many rows: what becomes of each column is looked up once, and done column by column."""
        convert = [(name, self._loading[name]) for name in names if name in self._loading]
        encrypted = [name for name in names if name in self.encrypted]

        def load(rows: Iterable[Row]) -> list[dict[str, Any]]:
            found = [dict(zip(names, row, strict=True)) for row in rows]
            for name, read in convert:
                for one in found:
                    value = one[name]
                    if value is not None:
                        one[name] = read(value)
            for name in encrypted:
                for one in found:
                    if one[name] is not None:
                        place = self._place(name, one["id"])
                        one[name] = opened(one[name], self.columns[name], self.cipher, place)
            return found

        return load

    def read_with(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns that have to be read to load these."""
        wanted = tuple(dict.fromkeys(names))
        return wanted if "id" in wanted or self.encrypted.isdisjoint(wanted) else (*wanted, "id")

    def _place(self, name: str, row_id: int) -> Place:
        return Place(self.table.name, name, row_id, self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.columns)

    # --- statements ---------------------------------------------------------------------------------------

    def columns_sql(self, names: Iterable[str]) -> str:
        return ", ".join(map(quote, names))

    @cached_property
    def insert_sql(self) -> str:
        """Takes all of `field_names` but `deleted_at`, in their order."""
        names = [name for name in self.field_names if name != "deleted_at"]
        places = ", ".join("?" * len(names))
        return f"INSERT INTO {self.quoted} ({self.columns_sql(names)}) VALUES ({places})"

    # --- constraints by name --------------------------------------------------------------------------------

    @cached_property
    def unique_groups(self) -> Mapping[str, tuple[str, ...]]:
        """Columns by the name of the index that keeps them unique."""
        return {index.name: index.columns for index in self.table.indexes if index.unique}

    @cached_property
    def references(self) -> Mapping[str, Column]:
        """By the name of the foreign key."""
        return {
            foreign_key_name(self.table.name, column.name): column
            for column in self.table.columns
            if column.references is not None
        }

    @cached_property
    def bounds(self) -> Mapping[str, tuple[str, str]]:
        """(field, rule) by the name of the check that holds the rule."""
        return {
            bound_name(self.table.name, name, rule): (name, rule)
            for name in self.columns
            for rule in _BOUND_RULES
        }

    @cached_property
    def checks(self) -> Mapping[str, str]:
        """The declared label by the name of the check."""
        return {check.name: check.label for check in self.table.checks}

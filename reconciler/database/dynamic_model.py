"""DynamicModel: mapped SQLAlchemy classes made from specs.

    models = Models(tables_of(agent_type).values())
    Analysis = models["email_analysis__analysis"]
    session.add(Analysis(message_id="m1", category="bug"))

A reference field `analysis` holds the id; `analysis__row` is the row it points at, and that row has
`<model>__<field>__rows`, the rows that point at it (`<table>__<field>__rows` where those are of another
type). What is to happen to them when it is deleted is left to the database.

`Models(tables, cipher)` reads and writes encrypted fields as well; without a cipher they can only be empty.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from threading import RLock
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, registry, relationship, synonym

from reconciler.database.model_tables import sa_table
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.sealed_attribute import SealedAttribute, seal_when_written
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.tables import Table


class DynamicModel:
    """A row. Attributes are those of the definition's columns, of the system columns and of the references.

    Nothing else is named here in a way that a field may be named: two underscores in a row are never a
    field's.
    """

    __definition__: ClassVar[Table]
    __table__: ClassVar[sa.Table]
    id: Mapped[int]

    def __init__(row__, /, **values: Any) -> None:  # noqa: N805 - a field may be called `self`
        """Raises TypeError for a name that the model does not have."""
        mapper = sa.inspect(type(row__))
        for name, value in values.items():
            if name not in mapper.attrs:
                raise TypeError(f"{type(row__).__name__} has no field {name!r}")
            setattr(row__, name, value)

    def __repr__(self) -> str:
        return f"<{self.__definition__.owner}.{self.__definition__.model} id={self.id}>"


def values_of(row: DynamicModel) -> dict[str, Any]:
    """All columns by name, the system ones first."""
    names = (*SYSTEM_FIELDS, *(column.name for column in row.__definition__.columns))
    return {name: getattr(row, name) for name in names}


class Models(Mapping[str, type[DynamicModel]]):
    """Mapped classes by table name. Each is made when first asked for, with all that it is connected to.

    Making one costs about a millisecond; asking again, nothing. May be shared between threads. A reference to
    a table that is not among the definitions is a column without more.
    """

    def __init__(self, definitions: Iterable[Table], cipher: Cipher = NO_KEY) -> None:
        self._cipher = cipher
        self.definitions = {definition.name: definition for definition in definitions}
        self._neighbours = _neighbours(self.definitions)
        self._built: dict[str, type[DynamicModel]] = {}
        self._building = RLock()

    def __getitem__(self, name: str) -> type[DynamicModel]:
        if name not in self._built:
            if name not in self.definitions:
                raise KeyError(name)
            with self._building:
                if name not in self._built:
                    self._build(self._connected(name))
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.definitions)

    def __len__(self) -> int:
        return len(self.definitions)

    def _build(self, definitions: list[Table]) -> None:
        # A registry of their own: one that fails half-way leaves nothing behind.
        base = registry()
        made = {definition.name: self._mapped(definition, base) for definition in definitions}
        for definition in definitions:
            for column, target in _references(definition, made):
                _relate(made[definition.name], column, made[target])
        base.configure()
        self._built |= made

    def _mapped(self, definition: Table, base: registry) -> type[DynamicModel]:
        name = "".join(part.capitalize() for part in definition.name.split("_"))
        made: type[DynamicModel] = type(name, (DynamicModel,), {"__definition__": definition})
        table = sa_table(definition, base.metadata, self.definitions)
        encrypted = {
            column.name: SealedAttribute(definition, column, self._cipher)
            for column in definition.columns
            if column.encrypted
        }
        stored = {one.stored_as: table.c[field] for field, one in encrypted.items()}
        plain = {field: synonym(one.stored_as, descriptor=one) for field, one in encrypted.items()}
        base.map_imperatively(made, table, properties={**stored, **plain})
        if encrypted:
            seal_when_written(made, definition, (*encrypted.values(),))
        return made

    def _connected(self, name: str) -> list[Table]:
        """The table and all that refer to each other with it, either way."""
        found = {name}
        pending = [name]
        while pending:
            for neighbour in self._neighbours.get(pending.pop(), set()) - found:
                found.add(neighbour)
                pending.append(neighbour)
        return [definition for name, definition in self.definitions.items() if name in found]


def _neighbours(definitions: Mapping[str, Table]) -> Mapping[str, set[str]]:
    """The tables that a table refers to and those that refer to it, by name."""
    found: dict[str, set[str]] = defaultdict(set)
    for definition in definitions.values():
        for _, target in _references(definition, definitions):
            found[definition.name].add(target)
            found[target].add(definition.name)
    return found


def _references(definition: Table, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Columns of the table with the known tables that they refer to."""
    for column in definition.columns:
        if column.references is not None and column.references.table in known:
            yield column.name, column.references.table


def _relate(child: type[DynamicModel], column: str, parent: type[DynamicModel]) -> None:
    """Both directions of one reference."""
    here, there = child.__definition__, parent.__definition__
    forward = f"{column}__row"
    backward = f"{here.model if here.owner == there.owner else here.name}__{column}__rows"
    key = child.__table__.c[column]
    sa.inspect(child).add_property(
        forward,
        relationship(
            parent, foreign_keys=[key], remote_side=[parent.__table__.c.id], back_populates=backward
        ),
    )
    sa.inspect(parent).add_property(
        backward, relationship(child, foreign_keys=[key], back_populates=forward, passive_deletes="all")
    )

"""Work on large PostgreSQL tables that goes on after its unit's transaction: on record until it is done.

Until then such a table is not yet what the catalog says it is, though no other hand has touched it. Which of
its parts that concerns is known, so that everything else about it is still watched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from reconciler.database import records
from reconciler.database.live import LiveColumn, LiveTable
from reconciler.database.records.rows import UnitRecord
from reconciler.database.statement import Phase, Statement

if TYPE_CHECKING:
    from reconciler.database.connection import Connection

_KEY = "outstanding"
_NOT_VALID = " NOT VALID"


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The statements a unit still needs, with its record in the journal of its revision."""

    revision: int
    unit: UnitRecord
    statements: tuple[Statement, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(statement.table for statement in self.statements))

    def of(self, table: str) -> tuple[Statement, ...]:
        return tuple(statement for statement in self.statements if statement.table == table)


def recall(meta: Mapping[str, str]) -> list[Outstanding]:
    """What is on record as not done. `meta` is the catalog's."""
    return [
        Outstanding(item["revision"], UnitRecord(**item["unit"]), tuple(map(_statement, item["statements"])))
        for item in json.loads(meta.get(_KEY, "[]"))
    ]


def remember(connection: Connection, work: Sequence[Outstanding]) -> None:
    """Add to what is on record, inside the transaction that the work belongs to."""
    if work:
        _write(connection, [*recall(records.meta(connection)), *work])


def forget(connection: Connection, done: Outstanding) -> None:
    """Take off the record, inside the transaction that says what became of it."""
    key = (done.revision, done.unit.position)
    work = recall(records.meta(connection))
    _write(connection, [item for item in work if (item.revision, item.unit.position) != key])


def _write(connection: Connection, work: Sequence[Outstanding]) -> None:
    records.set_meta(connection, {_KEY: json.dumps([asdict(item) for item in work])})


def _statement(fields: dict[str, object]) -> Statement:
    found = Statement(**fields)  # type: ignore[arg-type]  # written by `asdict`
    return replace(found, phase=Phase(found.phase), params=tuple(found.params))


# --- what such a table looks like


def with_parts_of(table: LiveTable, other: LiveTable, statements: Iterable[Statement]) -> LiveTable:
    """`table`, but with every part that the statements are about as `other` has it, or without where it has
    none."""
    parts = {statement.part for statement in statements if statement.part}
    return LiveTable(
        _merged("column", table.columns, other.columns, parts),
        _merged("index", table.indexes, other.indexes, parts),
        _merged("constraint", table.constraints, other.constraints, parts),
        table.triggers,
    )


def _merged(
    kind: str, texts: Mapping[str, str], others: Mapping[str, str], parts: Iterable[str]
) -> dict[str, str]:
    merged = dict(texts)
    for part in parts:
        found, _, name = part.partition("/")
        if found == kind:
            merged.pop(name, None)
            if name in others:
                merged[name] = others[name]
    return merged


def as_promised(recorded: LiveTable, live: LiveTable, statements: Sequence[Statement]) -> LiveTable:
    """What `recorded` would have become by the statements: as `live` has it where they have come to their
    end.

    To be put on record for work that cannot be done, so that what is missing is known as missing.
    """
    promised = with_parts_of(recorded, live, statements)
    columns, indexes, constraints = dict(promised.columns), dict(promised.indexes), dict(promised.constraints)
    for statement in statements:
        kind, _, name = statement.part.partition("/")
        match kind, statement.phase:
            case "index", _ if name not in indexes or indexes[name].endswith("(invalid)"):
                indexes[name] = "not built"
            case "constraint", Phase.VALIDATE if name in constraints:
                constraints[name] = constraints[name].removesuffix(_NOT_VALID)
            case "constraint", Phase.SWITCH:
                constraints.pop(name, None)
            case "column", _ if name in columns:
                columns[name] = str(replace(LiveColumn.parse(columns[name]), not_null=True))
            case _:
                pass
    return LiveTable(columns, indexes, constraints, promised.triggers)

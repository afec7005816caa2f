"""What differs between a table as it was left and as it is found, and what definition such a table has
now."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping

from reconciler.database.bounds import bound_name
from reconciler.database.ddl import foreign_key_name, literal
from reconciler.database.live import LiveColumn, LiveTable
from reconciler.spec.agent_type import SYSTEM_FIELDS
from reconciler.spec.fields import FieldType, OnDelete
from reconciler.spec.state import Drift
from reconciler.spec.tables import Check, Column, ForeignKey, Index, Table

_PLAIN_INDEX = re.compile(r'(?:unique )?(?:btree )?\(("?\w+"?(?:, "?\w+"?)*)\)')
_LITERAL = re.compile(r"\(?(?:'((?:[^']|'')*)'|(-?[\w.]+))\)?(?:::[\w ]+(?:\([\d,]+\))?)?")
_REFERENCES = re.compile(r'REFERENCES\s+"?(\w+)"?', re.IGNORECASE)
_ON_DELETE = re.compile(r"ON DELETE (CASCADE|RESTRICT|SET NULL)", re.IGNORECASE)

_VALUES: Mapping[FieldType, Callable[[str], object]] = {
    FieldType.INTEGER: int,
    FieldType.NUMBER: float,
    FieldType.BOOLEAN: {"true": True, "1": True, "false": False, "0": False}.get,
    FieldType.JSON: json.loads,
    FieldType.LIST: json.loads,
}
"""Value of a literal in the database's words, where it is not the text itself."""

_LARGEST = sys.float_info.max
_LONGEST = 2**31

_WITHOUT_BOUND: Mapping[str, Mapping[str, object]] = {
    # An enum that nothing holds to its values is a text: its rows are worth counting.
    "values": {"type": FieldType.TEXT, "values": ()},
    "minimum": {"minimum": None},
    "maximum": {"maximum": None},
    "min_length": {"min_length": None},
    "max_length": {"max_length": None},
}
"""What a column is without one of its CHECKs."""

_LOOSE_BOUND: Mapping[str, Mapping[str, object]] = {
    "minimum": {"minimum": -_LARGEST},
    "maximum": {"maximum": _LARGEST},
    "min_length": {"min_length": -1},
    "max_length": {"max_length": _LONGEST},
}
"""What a column is whose CHECK is there but says something else: bounded by that name, by what no manifest
asks for."""


def drift_of(table_name: str, recorded: LiveTable, live: LiveTable | None) -> tuple[Drift, ...]:
    """Every difference, ordered by address; a missing table is one difference."""
    if live is None:
        return (Drift(f"table/{table_name}", "table", None),)
    if recorded == live:
        return ()
    kinds = (
        ("column", recorded.columns, live.columns),
        ("constraint", recorded.constraints, live.constraints),
        ("index", recorded.indexes, live.indexes),
        ("trigger", recorded.triggers, live.triggers),
    )
    return tuple(
        Drift(f"table/{table_name}/{kind}/{name}", before.get(name), after.get(name))
        for kind, before, after in kinds
        for name in _differing(before, after)
    )


def corrected(definition: Table, recorded: LiveTable, live: LiveTable) -> Table:
    """The definition of what is there, so that the differ sees what to put right.

    Columns, indexes and checks that are missing are not in it; those added by hand are, a column with its
    text as `foreign`; those changed are in it as changed. Constraints of any kind that are not ours appear
    as checks, whose expression is the database's text. System columns and triggers have no place in a
    definition: they are drift only.
    """
    if recorded == live:
        return definition
    return definition.evolve(
        columns=tuple(_columns(definition, recorded, live)),
        indexes=tuple(_indexes(definition, recorded, live)),
        checks=tuple(_checks(definition, recorded, live)),
    )


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _columns(definition: Table, recorded: LiveTable, live: LiveTable) -> Iterator[Column]:
    for column in definition.columns:
        text = live.columns.get(column.name)
        if text is not None:
            changed = _changed(column, recorded.columns.get(column.name, text), text)
            yield _constrained(definition.name, changed, recorded, live)
    known = {column.name for column in definition.columns} | recorded.columns.keys() | set(SYSTEM_FIELDS)
    for name, text in live.columns.items():
        if name not in known:
            yield Column(
                name=name, type=FieldType.TEXT, nullable=not LiveColumn.parse(text).not_null, foreign=text
            )


def _changed(column: Column, recorded: str, live: str) -> Column:
    if recorded == live:
        return column
    before, after = LiveColumn.parse(recorded), LiveColumn.parse(live)
    changes: dict[str, object] = {}
    if (before.type, before.collation, before.special) != (after.type, after.collation, after.special):
        changes["foreign"] = live
    if before.not_null != after.not_null:
        changes["nullable"] = not after.not_null
    if before.default != after.default:
        changes |= _default(column, after.default, live)
    return column.model_copy(update=changes)


def _default(column: Column, default: str, live: str) -> dict[str, object]:
    """The default as a value of the column; the column is foreign if it is none, or none that differs."""
    if not default and column.default is not None:
        return {"default": None}
    found = _LITERAL.fullmatch(default)
    value = found[2] or found[1].replace("''", "'") if found else None
    try:
        stored = _VALUES.get(column.type, str)(value) if value is not None else None
        spoken = literal(stored, column, "sqlite")
    except (ValueError, ArithmeticError):
        return {"foreign": live}
    if stored is None or column.encrypted or spoken == literal(column.default, column, "sqlite"):
        return {"foreign": live}
    return {"default": stored}


def _constrained(table: str, column: Column, recorded: LiveTable, live: LiveTable) -> Column:
    """The column without those of its own constraints that are gone, and with those loosened that were
    changed."""
    changes: dict[str, object] = {}
    for rule in (*_WITHOUT_BOUND, "boolean"):
        name = bound_name(table, column.name, rule)
        before, after = recorded.constraints.get(name), live.constraints.get(name)
        if before is None or before == after:
            continue
        if rule == "boolean":
            changes["foreign"] = live.columns[column.name]
        elif after is None:
            changes |= _WITHOUT_BOUND[rule]
        elif rule == "values":
            changes["values"] = (*column.values, after)
        else:
            changes |= _LOOSE_BOUND[rule]
    name = foreign_key_name(table, column.name)
    if name in recorded.constraints and recorded.constraints[name] != live.constraints.get(name):
        changes["references"] = _reference(live.constraints.get(name, ""))
    return column.model_copy(update=changes) if changes else column


def _reference(text: str) -> ForeignKey | None:
    """What a foreign key says that is not ours any more; None where there is none.

    One that differs in nothing a definition could say (not validated, deferrable) is made to point nowhere.
    """
    if not text:
        return None
    target, on_delete = _REFERENCES.search(text), _ON_DELETE.search(text)
    usual = text.upper().rstrip().endswith(("CASCADE", "RESTRICT", "SET NULL"))
    action = OnDelete(on_delete[1].lower().replace(" ", "_")) if on_delete else OnDelete.RESTRICT
    return ForeignKey(table=target[1] if target and usual else "", on_delete=action)


def _indexes(definition: Table, recorded: LiveTable, live: LiveTable) -> Iterator[Index]:
    ours = {index.name: index for index in definition.indexes}
    for name, index in ours.items():
        if name in live.indexes and recorded.indexes.get(name) == live.indexes[name]:
            yield index
    for name in sorted(live.indexes):
        if recorded.indexes.get(name) != live.indexes[name]:
            yield _foreign_index(name, live.indexes[name], ours.get(name))


def _foreign_index(name: str, text: str, ours: Index | None) -> Index:
    """Without columns unless the text says nothing beyond columns and uniqueness (partial, descending,
    invalid ...)."""
    found = _PLAIN_INDEX.fullmatch(text)
    columns = tuple(part.strip('"') for part in found[1].split(", ")) if found else ()
    index = Index(name=name, columns=columns, unique=text.startswith("unique "))
    return index.model_copy(update={"columns": ()}) if index == ours else index


def _checks(definition: Table, recorded: LiveTable, live: LiveTable) -> Iterator[Check]:
    ours = {check.name: check for check in definition.checks}
    for name, check in ours.items():
        text = live.constraints.get(name)
        if text is not None:
            same = recorded.constraints.get(name) == text
            yield check if same else check.model_copy(update={"expression": text})
    for name in sorted(live.constraints.keys() - recorded.constraints.keys() - ours.keys()):
        yield Check(name=name, label=name, expression=live.constraints[name])

"""Any table to any other and back: random pairs, in real databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.fields import FieldType
from reconciler.spec.tables import Column, Table, table_of

from .migrating import (
    ALL_WORLDS,
    World,
    apply,
    build,
    fresh_structure,
    insert,
    migration,
    opened,
    rows,
    would_lose,
)

_RENAMING: st.SearchStrategy[Any] = st.booleans()
TABLE = "shop__thing"
NAMES = ("a", "b", "c", "d")
TARGET = table_of("shop", "target", ModelSpec.model_validate({"fields": {"name": "string"}}))

_DEFAULTS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(["", "it's", "7"]),
    "text": st.sampled_from(["%s :after ?", "\\ \n"]),
    "integer": st.integers(-3, 3),
    "number": st.sampled_from([0.5, -1e20]),
    "decimal": st.sampled_from([1, 0.25, "2.5"]),
    "boolean": st.booleans(),
    "date": st.just("2024-02-29"),
    "datetime": st.sampled_from(["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.5+02:00"]),
    "uuid": st.just("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    "enum": st.sampled_from(["x", "y"]),
    "json": st.sampled_from([{"k": [1, None]}, ["'"]]),
    "list": st.sampled_from([[], ["a", "b"]]),
}
_EXTRAS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "string": {"max_length": st.integers(4, 40), "min_length": st.just(0)},
    "text": {"max_length": st.integers(12, 40)},
    "integer": {"min": st.integers(-9, -3), "max": st.integers(100, 200)},
    "number": {"min": st.just(-1e21)},
    "decimal": {"precision": st.integers(8, 12), "scale": st.integers(1, 4), "min": st.just(-100)},
    "enum": {},
    "binary": {"max_length": st.integers(4, 9)},
}
_VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.STRING: st.sampled_from(["", "7", "abc", "-1", "it's %s", "007"]),
    FieldType.TEXT: st.sampled_from(["", "7", "abcdefghijk", "2024-01-01"]),
    FieldType.INTEGER: st.integers(-3, 99),
    FieldType.NUMBER: st.sampled_from([0.0, 1.5, -2.25]),
    FieldType.DECIMAL: st.sampled_from(["0", "1.5", "-2.2", "19.9"]),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.sampled_from(["2024-01-01", "1999-12-31"]),
    FieldType.DATETIME: st.sampled_from(["2024-01-01T00:00:00Z", "1999-12-31T23:59:59.25Z"]),
    FieldType.UUID: st.sampled_from(["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]),
    FieldType.ENUM: st.sampled_from(["x", "y"]),
    FieldType.JSON: st.sampled_from([{}, {"a": "'"}, [1]]),
    FieldType.LIST: st.sampled_from([[], ["q"]]),
    FieldType.BINARY: st.sampled_from([b"", b"\x00'\xff"]),
    FieldType.REFERENCE: st.sampled_from([1, 2]),
}


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*_DEFAULTS, "binary", "reference"]))
    field: dict[str, Any] = {"type": kind}
    if kind == "enum":
        field["values"] = draw(st.sampled_from([["x", "y"], ["y", "x", "z"]]))
    if kind == "reference":
        field |= {"model": "target", "on_delete": draw(st.sampled_from(["cascade", "restrict"]))}
    for name, strategy in _EXTRAS.get(kind, {}).items():
        if draw(st.booleans()):
            field[name] = draw(strategy)
    if kind in _DEFAULTS and draw(st.booleans()):
        field["default"] = draw(_DEFAULTS[kind])
        field["required"] = draw(st.booleans())
    if kind not in ("json", "list", "binary") and draw(st.booleans()):
        field["index"] = True
    if kind not in ("enum", "reference") and not field.get("index") and draw(st.integers(0, 5)) == 0:
        field["encrypted"] = True
        field.pop("required", None)
    return field


@st.composite
def tables(draw: st.DrawFn) -> Table:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    spec: dict[str, Any] = {"fields": {name: draw(fields()) for name in names}}
    checkable = [
        name
        for name, field in spec["fields"].items()
        if field["type"] in ("integer", "string", "boolean", "date") and not field.get("encrypted")
    ]
    if checkable:
        name = draw(st.sampled_from(checkable))
        spec["checks"] = [{"name": name, "expression": f"{name} is null or {name} is not null"}]
    return table_of("shop", "thing", ModelSpec.model_validate(spec))


@st.composite
def contents(draw: st.DrawFn, table: Table) -> list[dict[str, Any]]:
    return [
        {column.name: draw(_value(column)) for column in table.columns}
        for _ in range(draw(st.integers(0, 4)))
    ]


def _value(column: Column) -> st.SearchStrategy[Any]:
    if column.encrypted:
        return st.sampled_from([b"sealed", None])
    values = _VALUES[column.type]
    if column.max_length is not None:
        values = values.map(lambda value: value[: column.max_length])
    return values if not column.nullable else st.one_of(st.none(), values)


@pytest.fixture(params=ALL_WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(request, request.param)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), before=tables(), after=tables())
def test_any_table_becomes_any_other_and_comes_back(
    world: World, data: st.DataObject, before: Table, after: Table
) -> None:
    names = [column.name for column in before.columns]
    values = data.draw(contents(before))
    free = [name for name in names if after.column(name) is None]
    new = [column.name for column in after.columns if column.name not in names]
    renames = {new[0]: free[0]} if free and new and bool(data.draw(_RENAMING)) else {}
    try:
        build(world, [TARGET, before])
        insert(world, TARGET, name="first")
        insert(world, TARGET, name="second")
        for row in values:
            insert(world, before, **row)
        original = rows(world, before.name, *names)
        pairs = _pairs(before, after, renames)
        lossy = _lossy(world, pairs)
        assume(not any(old and _blocked(world, before, old, new, new.name in lossy) for old, new in pairs))

        parked = apply(world, migration(before, after, renames=renames, lossy=lossy))
        assert world.structure(after.name) == fresh_structure(world, [TARGET, after], after.name)
        assert rows(world, after.name) == [row[:1] for row in original]

        inverse = {old: new for new, old in renames.items()}
        lossy_back = _lossy(world, _pairs(after, before, inverse))
        apply(world, migration(after, before, renames=inverse, lossy=lossy_back, parked=parked))
        assert world.structure(before.name) == fresh_structure(world, [TARGET, before], before.name)
        filled = {
            old.name
            for old, new in pairs
            if old and old.nullable and not new.nullable and new.name not in lossy
        }
        assert _apart_from(filled, names, rows(world, before.name, *names), original)
    finally:
        for name in (before.name, TARGET.name):
            world.query(f'DROP TABLE IF EXISTS "{name}"')


def _pairs(before: Table, after: Table, renames: dict[str, str]) -> list[tuple[Column | None, Column]]:
    return [(before.column(renames.get(column.name, column.name)), column) for column in after.columns]


def _lossy(world: World, pairs: list[tuple[Column | None, Column]]) -> list[str]:
    """What the planner's probes would tell."""
    return [new.name for old, new in pairs if old and would_lose(world, TABLE, old, new, old.name)]


def _blocked(world: World, table: Table, before: Column, after: Column, lossy: bool) -> bool:
    """What a planner refuses: rows without a value where one is required, and a lossy value without a
    place."""
    if after.nullable:
        return False
    nulls = world.query(f'SELECT 1 FROM "{table.name}" WHERE "{before.name}" IS NULL')
    return (bool(nulls) or lossy) and (after.default is None or after.encrypted)


def _apart_from(filled: set[str], names: list[str], found: list[Any], original: list[Any]) -> bool:
    """Whether the rows are equal but for NULLs of the columns in `filled`, which a default took the place
    of."""

    def cells(row: tuple[Any, ...], of: tuple[Any, ...]) -> list[Any]:
        named = zip(("id", *names), row, of, strict=True)
        return [None if name in filled and there is None else value for name, value, there in named]

    return [cells(row, of) for row, of in zip(found, original, strict=True)] == [
        list(row) for row in original
    ]

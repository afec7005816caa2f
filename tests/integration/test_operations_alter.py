"""Alterations in real databases: the structure ends as a fresh build would, the rows stay, the inverse undoes
it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciler.spec.agent_type import ModelSpec
from reconciler.spec.tables import Table, table_of

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


def shop(fields: dict[str, Any], **more: Any) -> Table:
    return table_of("shop", "order", ModelSpec.model_validate({"fields": fields, **more}))


FILLED = {"name": "filled", "expression": "lower(s) != 'none'"}
CUSTOMER = table_of("shop", "customer", ModelSpec.model_validate({"fields": {"name": "string"}}))
LINE = table_of(
    "shop",
    "line",
    ModelSpec.model_validate(
        {
            "fields": {
                "order": {"type": "reference", "model": "order", "on_delete": "cascade", "required": True}
            }
        }
    ),
)


@pytest.fixture(params=ALL_WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from opened(request, request.param)


@dataclass(frozen=True)
class Case:
    """`values` are the rows before; `expected` the values of `shown` after, None where only the way back
    matters."""

    before: Table
    after: Table
    values: list[dict[str, Any]]
    shown: str
    expected: list[Any]
    renames: dict[str, str] = field(default_factory=dict)
    back: list[Any] | None = None


CASES = {
    "an optional column joins, rows have nothing in it": Case(
        shop({"a": "string"}), shop({"a": "string", "b": "integer"}), [{"a": "x"}], "b", [None]
    ),
    "a required column joins with its default": Case(
        shop({"a": "string"}),
        shop({"b": {"type": "integer", "required": True, "default": 7, "min": 1}, "a": "string"}),
        [{"a": "x"}, {"a": "y"}],
        "b",
        [7, 7],
    ),
    "NULLs become the default when the column becomes required": Case(
        shop({"a": "string"}),
        shop({"a": {"type": "string", "required": True, "default": "none given"}}),
        [{"a": "x"}, {"a": None}],
        "a",
        ["x", "none given"],
        back=["x", "none given"],
    ),
    "a column goes and comes back": Case(
        shop(
            {
                "a": {"type": "string", "required": True, "default": "d", "unique": True, "max_length": 9},
                "b": "text",
            }
        ),
        shop({"b": "text"}),
        [{"a": "x", "b": "1"}, {"a": "y", "b": None}],
        "b",
        ["1", None],
    ),
    "a rename takes bounds, indexes and checks along": Case(
        shop(
            {"priority": {"type": "integer", "min": 1, "max": 5, "index": True}, "body": "text"},
            checks=[{"name": "urgent", "expression": "priority < 4 or body is not null"}],
        ),
        shop(
            {"urgency": {"type": "integer", "min": 1, "max": 5, "index": True}, "body": "text"},
            checks=[{"name": "urgent", "expression": "urgency < 4 or body is not null"}],
        ),
        [{"priority": 2, "body": None}, {"priority": 5, "body": "now"}],
        "urgency",
        [2, 5],
        renames={"urgency": "priority"},
    ),
    "two columns exchange their names": Case(
        shop(
            {
                "a": {"type": "integer", "min": 0, "unique": True},
                "b": {"type": "integer", "min": 0, "unique": True},
            }
        ),
        shop(
            {
                "b": {"type": "integer", "min": 0, "unique": True},
                "a": {"type": "integer", "min": 0, "unique": True},
            }
        ),
        [{"a": 1, "b": 2}],
        "a",
        [2],
        renames={"a": "b", "b": "a"},
    ),
    "a name is taken over from a column that goes": Case(
        shop({"a": "integer", "b": {"type": "integer", "index": True}}),
        shop({"a": {"type": "integer", "index": True}}),
        [{"a": 1, "b": 2}],
        "a",
        [2],
        renames={"a": "b"},
    ),
    "a text that holds numbers becomes one": Case(
        shop(
            {"n": {"type": "string", "max_length": 9, "default": "1"}},
            checks=[{"name": "short", "expression": "length(n) < 5"}],
        ),
        shop({"n": {"type": "integer", "default": 1, "min": 0}}),
        [{"n": "17"}, {"n": None}],
        "n",
        [17, None],
    ),
    "values that do not fit are parked and come back": Case(
        shop({"n": {"type": "text", "index": True}}),
        shop({"n": {"type": "integer", "required": True, "default": -1, "index": True, "max": 99}}),
        [{"n": "17"}, {"n": "many"}, {"n": None}],
        "n",
        [17, -1, -1],
    ),
    "an over-long text is cut and comes back whole": Case(
        shop({"s": {"type": "string", "max_length": 20}}, checks=[FILLED]),
        shop({"s": {"type": "string", "max_length": 3}}, checks=[FILLED]),
        [{"s": "abcdef"}, {"s": "xy"}],
        "s",
        ["abc", "xy"],
    ),
    "an enum value goes that rows have": Case(
        shop({"e": {"type": "enum", "values": ["a", "b"], "default": "a"}}),
        shop({"e": {"type": "enum", "values": ["a", "c"], "default": "c"}}),
        [{"e": "a"}, {"e": "b"}],
        "e",
        ["a", "c"],
    ),
    "a decimal of fewer digits is another text under the same declaration": Case(
        shop({"d": {"type": "decimal", "scale": 6}}),
        shop({"d": {"type": "decimal", "scale": 1}}),
        [{"d": "0"}, {"d": "2.5"}],
        "d",
        ["0.0", "2.5"],
    ),
    "bounds and checks follow a column to another type": Case(
        shop(
            {"s": {"type": "string", "max_length": 20, "min_length": 1}},
            checks=[FILLED],
        ),
        shop(
            {"s": {"type": "text", "min_length": 1}},
            checks=[FILLED],
        ),
        [{"s": "some"}],
        "s",
        ["some"],
    ),
    "a bound follows a number to another type": Case(
        shop({"n": {"type": "decimal", "precision": 8, "scale": 2, "min": 0}}),
        shop({"n": {"type": "integer", "min": 0}}),
        [{"n": 7}, {"n": None}],
        "n",
        [7, None],
    ),
    "a required column without a default joins a table without rows": Case(
        shop({"a": "string"}), shop({"a": "string", "b": {"type": "text", "required": True}}), [], "b", []
    ),
    "nothing is left of a value but the default": Case(
        shop({"d": {"type": "json"}}),
        shop({"d": {"type": "date", "default": "2024-02-29"}}),
        [{"d": {"day": 1}}, {"d": None}],
        "d",
        ["2024-02-29", None],
    ),
    "a reference changes what happens on delete": Case(
        shop({"customer": {"type": "reference", "model": "customer"}}),
        shop({"customer": {"type": "reference", "model": "customer", "on_delete": "set_null"}}),
        [{"customer": 1}],
        "customer",
        [1],
    ),
    "a reference goes and its values come back": Case(
        shop({"customer": {"type": "reference", "model": "customer", "required": True}, "n": "integer"}),
        shop({"n": "integer"}),
        [{"customer": 1, "n": 3}],
        "n",
        [3],
    ),
    "a check and an index change at the same columns": Case(
        shop(
            {"a": "integer", "b": "integer"},
            indexes=[{"fields": ["a", "b"]}],
            checks=[{"name": "c", "expression": "a > 0"}],
        ),
        shop(
            {"a": "integer", "b": "integer"},
            unique=[["a", "b"]],
            checks=[{"name": "c", "expression": "a >= b"}],
        ),
        [{"a": 2, "b": 1}],
        "a",
        [2],
    ),
    "a flag, a moment and a list become optional, then required": Case(
        shop(
            {
                "f": {"type": "boolean", "required": True, "default": True},
                "m": {"type": "datetime", "required": True, "default": "2024-05-06T07:08:09+02:00"},
                "l": {"type": "list", "items": "string", "required": True, "default": ["it's"]},
                "d": {"type": "decimal", "precision": 8, "scale": 2, "min": 0, "default": 1},
            }
        ),
        shop({"f": "boolean", "m": "datetime", "l": {"type": "list", "items": "string"}, "d": "decimal"}),
        [{}],
        "l",
        [["it's"]],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_migration_ends_as_a_fresh_build_with_its_rows_and_can_be_undone(world: World, case: Case) -> None:
    before, after = case.before, case.after
    build(world, [CUSTOMER, before, LINE])
    insert(world, CUSTOMER, name="first")
    for values in case.values:
        insert(world, before, **values)
        insert(world, LINE, order=len(rows(world, LINE.name)) + 1)
    names = [column.name for column in before.columns]
    original = rows(world, before.name, *names)
    lines = rows(world, LINE.name, "order")

    lossy = _lossy(world, before, after, case.renames)
    parked = apply(world, migration(before, after, renames=case.renames, lossy=lossy))

    assert world.structure(after.name) == fresh_structure(world, [CUSTOMER, after, LINE], after.name)
    assert _readable(world, [value for _, value in rows(world, after.name, case.shown)]) == case.expected
    assert rows(world, LINE.name, "order") == lines

    inverse = {old: new for new, old in case.renames.items()}
    apply(world, migration(after, before, renames=inverse, parked=parked))

    assert world.structure(before.name) == fresh_structure(world, [CUSTOMER, before, LINE], before.name)
    restored = rows(world, before.name, *names)
    assert restored == original if case.back is None else [row[1] for row in restored] == case.back
    assert rows(world, LINE.name, "order") == lines


def _lossy(world: World, before: Table, after: Table, renames: dict[str, str]) -> list[str]:
    """Columns whose values would not survive, as the planner learns from its probes."""
    pairs = [(before.column(renames.get(column.name, column.name)), column) for column in after.columns]
    return [new.name for old, new in pairs if old and would_lose(world, before.name, old, new, old.name)]


def _readable(world: World, values: list[Any]) -> list[Any]:
    """Lists are texts on SQLite; decimals and dates are none on PostgreSQL."""
    values = [str(value) if isinstance(value, (Decimal, date)) else value for value in values]
    return [["it's"] if value == '["it\'s"]' else value for value in values]


def test_rows_written_meanwhile_are_carried_over_when_a_lossy_change_is_undone(world: World) -> None:
    before = shop({"n": {"type": "text"}})
    after = shop({"n": {"type": "integer", "required": True, "default": -1}})
    build(world, [before])
    insert(world, before, n="many")
    insert(world, before, n=None)
    parked = apply(world, migration(before, after, lossy=["n"]))
    insert(world, after, n=5)
    again = apply(world, migration(after, before, parked=parked))

    assert rows(world, before.name, "n") == [(1, "many"), (2, None), (3, "5")]
    assert [entry.column for entry in again] == ["n"], "the converted column is kept as well"
    assert rows(world, before.name, again[0].stored_as) == [(1, -1), (2, -1), (3, 5)]


def test_rows_written_meanwhile_get_the_default_where_a_restored_column_is_required(world: World) -> None:
    before = shop({"a": {"type": "string", "required": True, "default": "d"}, "b": "text"})
    after = shop({"b": "text"})
    build(world, [before])
    insert(world, before, a="x")
    parked = apply(world, migration(before, after))
    insert(world, after, b="new")
    apply(world, migration(after, before, parked=parked))
    assert rows(world, before.name, "a") == [(1, "x"), (2, "d")]


def test_a_column_parked_before_stays_through_later_migrations(world: World) -> None:
    first = shop({"a": "string", "b": "integer", "c": "string"})
    second = shop({"b": "integer", "c": "string"})
    third = shop({"b": {"type": "integer", "max": 9}})
    build(world, [first])
    insert(world, first, a="kept", b=3, c="too")
    parked = apply(world, migration(first, second))
    parked += apply(world, migration(second, third, parked=parked))
    apply(world, migration(third, first, parked=parked))
    assert rows(world, first.name, "a", "b", "c") == [(1, "kept", 3, "too")]


def test_ids_go_on_where_they_were(world: World) -> None:
    before, after = shop({"a": "string"}), shop({"a": {"type": "string", "max_length": 5}})
    build(world, [before])
    for text in "xyz":
        insert(world, before, a=text)
    world.query(f'DELETE FROM "{before.name}"')
    apply(world, migration(before, after))
    insert(world, after, a="w")
    assert rows(world, after.name, "a") == [(4, "w")]

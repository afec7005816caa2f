"""Results: found by any comparison, sorted alike on both databases, cut into pages that fit together."""

from __future__ import annotations

import base64
import itertools
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.database.connection import Connection, connect
from reconciler.database.rows.live_models import LiveModels
from reconciler.database.rows.model import LiveModel
from reconciler.database.rows.queries import Page, RowQuery, every_row, page
from reconciler.database.rows.searching import BadQuery
from reconciler.database.rows.spoken import parse_where
from reconciler.database.rows.summaries import Summary, summarise
from tests.integration.deployed import deploy, type_of

ITEM: dict[str, Any] = {
    "name": "string",
    "kind": {"type": "enum", "values": ["a", "b", "c"]},
    "size": "integer",
    "weight": "number",
    "price": {"type": "decimal", "precision": 30, "scale": 2},
    "done": "boolean",
    "day": "date",
    "at": "datetime",
    "key": "uuid",
    "owner": {"type": "reference", "model": "owner"},
    "extra": "json",
    "secret": {"type": "text", "encrypted": True},
    "must": {"type": "integer", "required": True, "default": 0},
}
DEMO = type_of("demo", {"owner": {"name": "string"}, "item": ITEM})


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy(opened, [DEMO])
        yield opened


def items(connection: Connection) -> LiveModel:
    return LiveModels(connection).get("demo", "item")


def insert(connection: Connection, *rows: Mapping[str, Any], model: str = "item") -> None:
    """Rows with ids from 1 on."""
    into = LiveModels(connection).get("demo", model)
    for row in rows:
        values = into.validator.validate(row)
        places = ", ".join("?" * len(values))
        sql = f"INSERT INTO {into.quoted} ({into.columns_sql(values)}) VALUES ({places})"
        connection.execute(sql, [*into.stored(values, 0)])


def asked(connection: Connection, **query: Any) -> Page:
    return page(connection, LiveModels(connection), items(connection), RowQuery(**query))


def ids(connection: Connection, **query: Any) -> list[int]:
    return [row["id"] for row in asked(connection, **query).rows]


# --- comparisons --------------------------------------------------------------------------------------------

ROWS: list[dict[str, Any]] = [
    {"name": "Zoe", "kind": "a", "size": 1, "weight": 0.5, "price": "9", "done": True, "day": "2026-01-01"},
    {
        "name": "anna",
        "kind": "b",
        "size": 2,
        "weight": 1.5,
        "price": "10",
        "done": False,
        "day": "2026-02-01",
    },
    {"name": "ö%_", "kind": "c", "size": 3, "price": "-1.5", "at": "2026-01-01T00:00:00Z"},
    {"key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "at": "2026-01-01T00:00:00.5Z", "must": 5},
]

FOUND: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4]),
    ({"name": "anna"}, [2]),
    ({"name": "Anna"}, []),
    ({"name": None}, [4]),
    ({"name": ["Zoe", "ö%_", None]}, [1, 3, 4]),
    ({"name": []}, []),
    ({"name": {"ne": "anna"}}, [1, 3, 4]),
    ({"name": {"ne": None}}, [1, 2, 3]),
    ({"name": {"is_null": True}}, [4]),
    ({"name": {"is_null": False, "ne": "Zoe"}}, [2, 3]),
    ({"name": {"contains": "%_"}}, [3]),
    ({"name": {"contains": "nn"}}, [2]),
    ({"name": {"contains": "N"}}, []),
    ({"name": {"gt": "Zoe"}}, [2, 3]),
    ({"name": {"lt": "a"}}, [1]),
    ({"kind": {"in": ["a", "c"]}}, [1, 3]),
    ({"kind": "unheard-of"}, []),
    ({"size": {"ge": 2, "lt": 3}}, [2]),
    ({"size": {"gt": 2**63 - 1}}, []),
    ({"weight": {"le": 1}}, [1]),
    ({"price": {"gt": 9}}, [2]),
    ({"price": {"lt": "9.5"}}, [1, 3]),
    ({"price": "10.00"}, [2]),
    ({"price": [9, "-1.50"]}, [1, 3]),
    ({"done": True}, [1]),
    ({"done": False}, [2]),
    ({"day": {"ge": "2026-01-15"}}, [2]),
    ({"at": {"gt": "2026-01-01T01:00:00+01:00"}}, [4]),
    ({"at": "2026-01-01T00:00:00"}, [3]),
    ({"key": "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"}, [4]),
    ({"id": {"in": [1, 4, 9]}}, [1, 4]),
    ({"created_at": {"gt": "2026-01-01T00:00:00Z"}, "must": 5}, [4]),
    ({"owner": None, "size": 1}, [1]),
]


def test_rows_are_found_by_any_comparison(connection: Connection) -> None:
    insert(connection, *ROWS)
    for where, expected in FOUND:
        assert ids(connection, where=where) == expected, where


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"where": {"nmae": "x"}}, "where/nmae", "did you mean `name`?"),
    ({"where": {"extra": 1}}, "where/extra", ""),
    ({"where": {"secret": "x"}}, "where/secret", ""),
    ({"where": {"size": "many"}}, "where/size", ""),
    ({"where": {"size": 2**63}}, "where/size", ""),
    ({"where": {"size": {"gte": 1}}}, "where/size", "there are eq, ne, lt"),
    ({"where": {"size": {"gt": None}}}, "where/size/gt", ""),
    ({"where": {"size": {"contains": "1"}}}, "where/size/contains", ""),
    ({"where": {"size": {"in": 1}}}, "where/size/in", ""),
    ({"where": {"size": {"in": [1] * 501}}}, "where/size/in", ""),
    ({"where": {"size": {"is_null": "no"}}}, "where/size/is_null", ""),
    ({"where": {"name": "a\0b"}}, "where/name", ""),
    ({"where": {"agent": "a\0b"}}, "where/agent", ""),
    ({"where": {"day": "tomorrow"}}, "where/day", "2025-12-31"),
    ({"order_by": ["extra"]}, "order_by", ""),
    ({"order_by": ["--size"]}, "order_by", ""),
    ({"order_by": ["name", "size", "kind", "weight", "price", "done", "day", "at", "key"]}, "order_by", ""),
    ({"fields": ["nmae"]}, "fields", "did you mean `name`?"),
    ({"include": ["name"]}, "include", "known here: `owner`"),
]


def test_a_question_that_makes_no_sense_is_refused_with_its_place(connection: Connection) -> None:
    for query, where, hint in WRONG:
        with pytest.raises(BadQuery) as refusal:
            asked(connection, **query)
        assert refusal.value.where == where, query
        assert hint in refusal.value.hint, query


# --- order ----------------------------------------------------------------------------------------------------


def test_order_is_the_same_on_both_databases(connection: Connection) -> None:
    """By code points, by magnitude, and what has no value last, whichever way round."""
    insert(connection, *ROWS)
    assert ids(connection, order_by=["name"]) == [1, 2, 3, 4]
    assert ids(connection, order_by=["-name"]) == [3, 2, 1, 4]
    assert ids(connection, order_by=["price"]) == [3, 1, 2, 4]
    assert ids(connection, order_by=["-price"]) == [2, 1, 3, 4]
    assert ids(connection, order_by=["-at", "-id"]) == [4, 3, 2, 1]
    assert ids(connection, order_by=["done", "-size"]) == [2, 1, 3, 4]
    assert ids(connection, order_by=["-id"]) == [4, 3, 2, 1]


NAMES = st.one_of(st.none(), st.sampled_from(["", "a", "A", "ä", "b", "\U0001f680", "\uffff"]))
SOME_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "size": st.one_of(st.none(), st.integers(-2, 2)),
            "price": st.one_of(st.none(), st.decimals(-100, 100, places=2).map(str)),
            "weight": st.one_of(st.none(), st.sampled_from([-1e300, -0.5, 0.0, 0.1, 1e300])),
        }
    ),
    max_size=14,
)
ORDERS = st.lists(
    st.sampled_from(
        ["name", "-name", "size", "-size", "price", "-price", "weight", "-weight", "must", "-id"]
    ),
    max_size=3,
)


def in_order(rows: list[dict[str, Any]], order_by: list[str]) -> list[int]:
    """The ids as they should come: sorted by the last key first, each sort keeping what the one before did."""
    found = [*rows]
    for asked_for in reversed(order_by if "-id" in order_by else [*order_by, "id"]):
        name, down = asked_for.removeprefix("-"), asked_for.startswith("-")
        found.sort(key=lambda row: _place(row[name], down), reverse=down)
    return [row["id"] for row in found]


def _place(value: Any, down: bool) -> tuple[bool, Any]:
    """What has no value comes last, also where all is turned round."""
    return (value is None) != down, 0 if value is None else value


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=SOME_ROWS, order_by=ORDERS, limit=st.integers(1, 5))
def test_pages_put_together_are_the_whole_in_order(
    connection: Connection, rows: list[dict[str, Any]], order_by: list[str], limit: int
) -> None:
    connection.execute("DELETE FROM demo__item")
    insert(connection, *rows)
    kept = asked(connection, limit=1000).rows
    found = [row["id"] for some in pages(connection, order_by, limit) for row in some.rows]
    assert found == in_order(kept, list(dict.fromkeys(order_by)))
    assert found == ids(connection, order_by=order_by, limit=1000)


def pages(connection: Connection, order_by: list[str], limit: int) -> Iterator[Page]:
    cursor = ""
    while True:
        some = asked(connection, order_by=order_by, limit=limit, cursor=cursor)
        assert len(some.rows) <= limit
        yield some
        if not some.next:
            return
        cursor = some.next


def test_pages_stay_in_step_while_rows_come_and_go(connection: Connection) -> None:
    """What is there all the time is seen once, whatever comes before the place or goes."""
    insert(connection, *({"size": size} for size in range(10, 40, 2)))
    seen: list[int] = []
    for turn, some in enumerate(pages(connection, ["size"], 3)):
        seen += [row["size"] for row in some.rows]
        insert(connection, {"size": turn}, {"size": seen[-1]})
        connection.execute("DELETE FROM demo__item WHERE id = ?", (some.rows[0]["id"],))
    assert [*dict.fromkeys(seen)] == [*range(10, 40, 2)]


# --- cursors --------------------------------------------------------------------------------------------------


def forged(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_a_cursor_that_was_tampered_with_is_refused_or_is_another_place(connection: Connection) -> None:
    """Never an error of the database, never a row that the question does not ask for."""
    insert(connection, *({"size": n, "name": str(n)} for n in range(6)))
    order = ["size", "name"]
    good = asked(connection, order_by=order, limit=2).next
    mark = json.loads(base64.urlsafe_b64decode(good + "=="))[0]
    refused = [
        "x",
        "é",
        "A" * 30_000,
        good + "!",
        good[:-3],
        forged(),
        forged(mark),
        forged(mark, 1, "1"),
        forged(mark, 1, "1", 1, 1),
        forged(mark, "1", "1", 1),
        forged(mark, 1, 1, 1),
        forged(mark, 1, "1", None),
        forged(mark, 1, "a\0", 1),
        forged(mark, 1, "\ud800", 1),
        forged(mark, 2**64, "1", 1),
        forged(mark, {"a": 1}, "1", 1),
        forged("00000000", 1, "1", 1),
        forged(None, 1, "1", 1),
        base64.urlsafe_b64encode(b"[" * 10_000).decode(),
        base64.urlsafe_b64encode(b"7").decode(),
        base64.urlsafe_b64encode(b"{}").decode(),
        forged(mark, 1, "1' OR 1=1 --", 1)[:-2],
    ]
    for cursor in refused:
        with pytest.raises(BadQuery) as refusal:
            asked(connection, order_by=order, cursor=cursor)
        assert refusal.value.where == "cursor"
    with pytest.raises(BadQuery):
        asked(connection, order_by=["-size", "name"], cursor=good)
    elsewhere = asked(
        connection, order_by=order, cursor=forged(mark, 3, "1' OR 1=1 --", 1), where={"size": {"lt": 5}}
    )
    assert [row["size"] for row in elsewhere.rows] == [3, 4]


def test_every_byte_of_a_cursor_may_be_wrong(connection: Connection) -> None:
    insert(connection, *({"size": n % 3, "price": n, "weight": n / 3} for n in range(8)))
    order = ["price", "-weight", "size"]
    good = asked(connection, order_by=order, limit=3).next
    for position, letter in itertools.product(range(len(good)), "A9_-"):
        try:
            found = asked(connection, order_by=order, cursor=good[:position] + letter + good[position + 1 :])
        except BadQuery:
            continue
        assert {row["id"] for row in found.rows} <= set(range(1, 9))


# --- what comes along -----------------------------------------------------------------------------------------


def test_rows_say_what_was_asked_for(connection: Connection) -> None:
    insert(connection, {"name": "Eve"}, {"name": "gone"}, model="owner")
    insert(connection, {"owner": 1, "price": "1.5"}, {"owner": 2}, {"owner": None}, {"name": "deleted"})
    connection.execute("UPDATE demo__item SET deleted_at = created_at WHERE id = 4")
    connection.execute("UPDATE demo__owner SET deleted_at = created_at WHERE id = 2")
    found = asked(connection, fields=["price", "name"], include=["owner"], count=True, limit=2)
    assert [*found.rows[0]] == ["price", "name", "owner__row"]
    assert found.rows[0]["price"] == Decimal("1.50")
    assert found.rows[0]["owner__row"]["name"] == "Eve"
    assert found.rows[1]["owner__row"] is None
    assert found.total == 3
    assert asked(connection, deleted=True, count=True).total == 4
    assert asked(connection).total is None
    row = asked(connection).rows[0]
    assert "secret" not in row
    assert [*row][:6] == ["id", "task_id", "agent", "type_version", "created_at", "deleted_at"]
    assert all(type(name) is str for name in row)


def test_an_encrypted_field_is_only_read_where_it_is_asked_for_and_empty(connection: Connection) -> None:
    insert(connection, {"name": "x"})
    assert asked(connection, fields=["secret"]).rows == [{"secret": None}]


def test_rows_are_summed_up_by_groups(connection: Connection) -> None:
    insert(
        connection,
        {"kind": "a", "size": 1, "price": "9.50", "weight": 1, "name": "Zoe", "day": "2026-01-01"},
        {"kind": "a", "size": 2, "price": "10.25", "name": "anna", "day": "2025-01-01"},
        {"kind": "b", "size": 7},
        {"size": 9},
    )
    measures = [
        "count",
        "sum.size",
        "avg.size",
        "min.price",
        "max.price",
        "sum.price",
        "min.name",
        "min.day",
        "sum.weight",
    ]
    assert summarise(connection, items(connection), Summary(["kind"], measures, {"size": {"lt": 9}})) == [
        {
            "kind": "a",
            "count": 2,
            "sum.size": 3,
            "avg.size": 1.5,
            "min.price": Decimal("9.50"),
            "max.price": Decimal("10.25"),
            "sum.price": Decimal("19.75"),
            "min.name": "Zoe",
            "min.day": "2025-01-01",
            "sum.weight": 1.0,
        },
        {"kind": "b", "count": 1, "sum.size": 7, "avg.size": 7.0, **dict.fromkeys(measures[3:])},
    ]
    assert [row["kind"] for row in summarise(connection, items(connection), Summary(["kind"]))] == [
        "a",
        "b",
        None,
    ]
    assert summarise(connection, items(connection), Summary()) == [{"count": 4}]
    for wrong in ("sum.name", "sum", "median.size", "max.done", "sum.extra", "min.nmae"):
        with pytest.raises(BadQuery):
            summarise(connection, items(connection), Summary(measures=[wrong]))


def test_an_export_needs_no_more_memory_for_more_rows(connection: Connection) -> None:
    text = "x" * 1000
    rows = [(f"{number}{text}",) for number in range(12_000)]
    connection.execute_many("INSERT INTO demo__item (name, must) VALUES (?, 0)", rows)
    tracemalloc.start()
    count = sum(1 for _ in every_row(connection, items(connection), RowQuery(order_by=["-id"])))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 12_000
    assert peak < 4_000_000


# --- as people write it -----------------------------------------------------------------------------------------

SPOKEN: list[tuple[list[str], dict[str, Any]]] = [
    (["name=Zoe"], {"name": {"eq": "Zoe"}}),
    (["name = Zoe and Max "], {"name": {"eq": "Zoe and Max"}}),
    (["name=null"], {"name": {"eq": None}}),
    (['name="null"'], {"name": {"eq": "null"}}),
    (["name!=a=b"], {"name": {"ne": "a=b"}}),
    (["name~=%"], {"name": {"contains": "%"}}),
    (["name="], {"name": {"eq": ""}}),
    (["size>=3", "size<9"], {"size": {"ge": 3, "lt": 9}}),
    (["size=[1, 2,null]"], {"size": {"in": [1, 2, None]}}),
    (["weight>1.5"], {"weight": {"gt": 1.5}}),
    (["price<=10.50"], {"price": {"le": "10.50"}}),
    (["done=true"], {"done": {"eq": True}}),
    (["created_at>2026-01-01T00:00:00Z"], {"created_at": {"gt": "2026-01-01T00:00:00Z"}}),
]


@pytest.mark.parametrize(("spoken", "where"), SPOKEN, ids=[" ".join(spoken) for spoken, _ in SPOKEN])
def test_conditions_are_written_on_one_line(spoken: list[str], where: dict[str, Any]) -> None:
    assert parse_where(LiveModel(DEMO, "item", "sqlite"), spoken) == where


@pytest.mark.parametrize(
    "spoken", [["size"], ["size=many"], ["done=yes"], ["nmae=x"], ["size>1", "size>2"], [""]]
)
def test_what_is_no_condition_is_refused(spoken: list[str]) -> None:
    with pytest.raises(BadQuery):
        parse_where(LiveModel(DEMO, "item", "sqlite"), spoken)

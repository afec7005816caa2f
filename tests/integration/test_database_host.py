"""What a running task may ask for, and the tools that work on tables, over a real database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from reconciler.database import tasks
from reconciler.database.connection import Connection, connect
from reconciler.database.operations import create_all_sql
from reconciler.database.rows.host import DatabaseHost
from reconciler.errors import BadParameter, Conflict, Denied, NotFound, RateLimited, RowRefused, RunError
from reconciler.spec.agent_type import Grant
from reconciler.spec.tables import tables_of
from reconciler.spec.task import Blueprint, Task, TaskResult
from reconciler.tools.guard import GuardedTool
from reconciler.tools.host import Query
from reconciler.tools.registry import builtin_registry
from reconciler.tools.rows import TaskRows
from reconciler.tools.tool import ToolContext
from tests.integration.deployed import agent_of, deploy, type_of

MODELS: dict[str, Any] = {
    "page": {
        "url": {"type": "string", "unique": True, "required": True},
        "title": {"type": "string", "max_length": 20},
        "price": {"type": "decimal", "scale": 2},
        "hits": {"type": "integer", "default": 0},
        "token": {"type": "string", "sensitive": True, "max_length": 4},
    },
    "link": {"page": {"type": "reference", "model": "page"}, "text": "string"},
}
DEMO = type_of("demo", MODELS)
TASK = Task("018f0000-0000-7000-8000-000000000000", "ann", {}, "2026-01-01T00:00:00.000000Z")


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with connect(database_url) as opened:
        deploy(opened, [DEMO], [agent_of("ann", "demo"), agent_of("off", "demo", enabled=False)])
        yield opened


@pytest.fixture
def rows(connection: Connection) -> TaskRows:
    return TaskRows(DatabaseHost(connection), DEMO, "ann", TASK.id)


def commit(connection: Connection, rows: TaskRows, row: int | None = None) -> tasks.Finished:
    """As the end of a task of its own."""
    tasks.submit(connection, [tasks.NewTask("ann", {})])
    (claimed,) = tasks.claim(connection, "w", 1, ttl=60)
    result = TaskResult({}, tuple(rows.writes), output_row=row)
    rows.writes.clear()
    return tasks.finish(connection, [tasks.Ended(claimed, result)])[0]


# --- TaskRows -------------------------------------------------------------------------------------------------


def test_a_row_is_described_as_it_will_be_stored(connection: Connection, rows: TaskRows) -> None:
    row = rows.write("page", "insert", (), {"url": "u", "price": 1.5})
    finished = commit(connection, rows, 0)
    assert finished.output is not None
    changed = {"task_id", "created_at"}
    assert {**finished.output, **{name: row[name] for name in changed}} == row
    assert row["task_id"] == TASK.id
    assert (str(row["price"]), row["hits"], row["title"]) == ("1.50", 0, None)


def test_an_upsert_finds_what_this_task_wrote_before(connection: Connection, rows: TaskRows) -> None:
    first = rows.write("page", "upsert", ["url"], {"url": "u", "title": "one"})
    second = rows.write("page", "upsert", ["url"], {"url": "u", "hits": 2})
    assert (second["id"], second["title"], second["hits"]) == (first["id"], "one", 2)
    assert [(write.mode, write.found) for write in rows.writes] == [("upsert", False), ("upsert", True)]
    assert commit(connection, rows).state == "succeeded"
    stored = DatabaseHost(connection).find("demo", "page", {"url": "u"})
    assert stored is not None
    assert (stored["title"], stored["hits"]) == ("one", 2)


def test_an_upsert_finds_what_was_committed_before(connection: Connection, rows: TaskRows) -> None:
    first = rows.write("page", "upsert", ["url"], {"url": "u", "title": "one", "price": "9.99"})
    commit(connection, rows)
    again = TaskRows(DatabaseHost(connection), DEMO, "ann", TASK.id)
    second = again.write("page", "upsert", ["url"], {"url": "u", "hits": 1})
    assert (second["id"], second["title"], str(second["price"])) == (first["id"], "one", "9.99")
    assert commit(connection, again).state == "succeeded"


def test_a_row_whose_key_this_task_changed_is_no_longer_found_by_it(
    connection: Connection, rows: TaskRows
) -> None:
    first = rows.write("page", "insert", (), {"url": "old"})
    commit(connection, rows)
    rows = TaskRows(DatabaseHost(connection), DEMO, "ann", TASK.id)
    moved = rows.write("page", "update", ["id"], {"id": first["id"], "url": "new"})
    other = rows.write("page", "upsert", ["url"], {"url": "old"})
    assert moved["id"] == first["id"] != other["id"]
    assert commit(connection, rows).state == "succeeded"
    urls = connection.execute("SELECT url FROM demo__page ORDER BY id")
    assert urls == [("new",), ("old",)]


def test_an_update_changes_the_one_row_it_names(connection: Connection, rows: TaskRows) -> None:
    for url in ("a", "b"):
        rows.write("page", "insert", (), {"url": url, "title": "same"})
    changed = rows.write("page", "update", ["url"], {"url": "b", "title": "other"})
    assert changed["title"] == "other"
    assert rows.write("page", "update", ["title"], {"title": "other", "hits": 3})["url"] == "b"
    with pytest.raises(RowRefused, match="no row of `page`"):
        rows.write("page", "update", ["url"], {"url": "c"})
    rows.write("page", "update", ["url"], {"url": "a", "title": "other"})
    with pytest.raises(RowRefused, match="more than one row"):
        rows.write("page", "update", ["title"], {"title": "other", "hits": 4})
    assert commit(connection, rows).state == "succeeded"


def test_a_task_reads_what_it_has_written_and_nobody_else_does(
    connection: Connection, rows: TaskRows
) -> None:
    page = rows.write("page", "insert", (), {"url": "u"})
    rows.write("link", "insert", (), {"page": page["id"], "text": "x"})
    rows.write("page", "update", ["url"], {"url": "u", "title": "t"})
    assert rows.read("link", where={"page": page["id"]}, fields=["text"]) == [{"text": "x"}]
    assert rows.read("page", where={"hits": {"ge": 0}}, order_by=["-id"])[0]["title"] == "t"
    assert [row["task_id"] for row in rows.read("page", where={"task_id": TASK.id})] == [TASK.id]
    assert DatabaseHost(connection).read(Query("demo", "page"), ()) == []
    assert connection.execute("SELECT count(*) FROM demo__page") == [(0,)]


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("insert", {"url": 7}, "/url: must be a text, not `7`", "save/with/values/url"),
    ("insert", {}, ": the value `url` is required", "save/with/values"),
    ("insert", {"url": "u", "id": 1}, "/id: `id` is set by the system", "save/with/values/id"),
    (
        "insert",
        {"url": "u", "token": "secret"},
        "/token: the value does not fit (value-length)",
        "save/with/values/token",
    ),
    ("upsert", {"url": None}, "", "save/with/values/url"),
    ("upsert", {"title": "x"}, "/url: it is part of the key and needs a value", "save/with/values/url"),
]


@pytest.mark.parametrize(("mode", "values", "message", "where"), WRONG)
def test_values_that_do_not_fit_are_refused_with_their_place(
    rows: TaskRows, mode: Any, values: dict[str, Any], message: str, where: str
) -> None:
    with pytest.raises(BadParameter) as refusal:
        rows.write("page", mode, ["url"], values, where="save/with/values")
    assert message.removeprefix(": ") in refusal.value.message
    assert refusal.value.where == where
    assert "secret" not in f"{refusal.value.message}{refusal.value.hint}"
    assert rows.writes == []


# --- tools ----------------------------------------------------------------------------------------------------


def call(
    connection: Connection,
    rows: TaskRows,
    tool: str,
    params: Mapping[str, Any],
    models: Any = ("page", "link"),
) -> Any:
    """Through the guard, as a step calls it."""
    grant = Grant(name=tool, models=[*models])
    context = ToolContext(
        task=TASK,
        agent_type=DEMO,
        agent="ann",
        step="save",
        grant=grant,
        host=DatabaseHost(connection),
        rows=rows,
        llm=None,  # type: ignore[arg-type]
        network=None,  # type: ignore[arg-type]
        deadline=time.monotonic() + 30,
    )
    return GuardedTool(builtin_registry().tool(tool), grant, DEMO).call(context, params)


def test_the_tools_write_and_read_rows(connection: Connection, rows: TaskRows) -> None:
    one = call(connection, rows, "database_writer", {"model": "page", "values": {"url": "a", "hits": 5}})
    many = call(
        connection,
        rows,
        "database_writer",
        {"model": "page", "mode": "upsert", "key": ["url"], "rows": [{"url": "a", "hits": 6}, {"url": "b"}]},
    )
    assert many["count"] == 2
    assert [row["id"] for row in many["rows"]] == [one["id"], one["id"] + 1]
    where = {"model": "page", "where": {"hits": {"ge": 1}}, "fields": ["url", "hits"], "order_by": ["-hits"]}
    found = call(connection, rows, "database_reader", where)
    assert found == {"rows": [{"url": "a", "hits": 6}], "count": 1, "first": {"url": "a", "hits": 6}}
    nothing = call(connection, rows, "database_reader", {"model": "page", "where": {"url": "z"}})
    assert nothing == {"rows": [], "count": 0, "first": None}
    assert commit(connection, rows).state == "succeeded"


BAD_CALLS: list[tuple[str, dict[str, Any], type[RunError], str]] = [
    ("database_writer", {"model": "page"}, BadParameter, "save/with"),
    ("database_writer", {"model": "page", "values": {}, "rows": []}, BadParameter, "save/with"),
    ("database_writer", {"model": "page", "rows": [{"url": "a"}, 7]}, BadParameter, "save/with/rows/1"),
    (
        "database_writer",
        {"model": "page", "rows": [{"url": "a"}, {"url": 7}]},
        BadParameter,
        "save/with/rows/1/url",
    ),
    (
        "database_writer",
        {"model": "page", "mode": "upsert", "values": {"url": "a"}},
        BadParameter,
        "save/with",
    ),
    ("database_writer", {"model": "task", "values": {}}, Denied, "save/with/model"),
    ("database_reader", {"model": "page", "limit": 1001}, BadParameter, "save/with/limit"),
    ("database_reader", {"model": "page", "where": {"ulr": "a"}}, BadParameter, "save/with/where/ulr"),
    (
        "database_reader",
        {"model": "page", "where": {"url": {"like": "a"}}},
        BadParameter,
        "save/with/where/url",
    ),
]


@pytest.mark.parametrize(("tool", "params", "error", "where"), BAD_CALLS)
def test_a_call_that_makes_no_sense_is_refused_with_its_place(
    connection: Connection,
    rows: TaskRows,
    tool: str,
    params: dict[str, Any],
    error: type[RunError],
    where: str,
) -> None:
    with pytest.raises(error) as refusal:
        call(connection, rows, tool, params)
    assert refusal.value.where == where


def test_steps_side_by_side_share_the_rows_of_their_task(connection: Connection, rows: TaskRows) -> None:
    def write(number: int) -> None:
        for turn in range(10):
            rows.write("page", "upsert", ["url"], {"url": str(turn), "hits": number})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows.writes) == 40
    assert len({write.row_id for write in rows.writes}) == 10
    assert commit(connection, rows).state == "succeeded"
    assert connection.execute("SELECT count(*) FROM demo__page") == [(10,)]


# --- the rest of a host -----------------------------------------------------------------------------------------


def test_a_host_opens_its_connection_when_first_asked(database_url: str, connection: Connection) -> None:
    opened: list[Connection] = []

    def opening() -> Connection:
        opened.append(connect(database_url))
        return opened[-1]

    host = DatabaseHost(opening)
    assert opened == []
    assert [host.reserve_id("demo", "page") for _ in range(5)] == [1, 2, 3, 4, 5]
    assert len(opened) == 1
    host.close()
    host.close()
    assert connection.execute("SELECT count(*) FROM demo__page") == [(0,)]


def test_what_is_not_applied_yet_can_be_tried_out(sqlite_url: str) -> None:
    """On a database without a catalog: the types are given."""
    with connect(sqlite_url) as connection:
        connection.script(create_all_sql(tables_of(DEMO).values(), connection.dialect))
        host = DatabaseHost(connection, types=[DEMO], blueprints={"ann": Blueprint("ann", "d")})
        rows = TaskRows(host, DEMO, "ann")
        rows.write("page", "upsert", ["url"], {"url": "u"})
        assert rows.read("page")[0]["url"] == "u"
        assert host.blueprint("ann").digest == "d"


def test_a_model_that_is_gone_is_a_conflict(connection: Connection) -> None:
    host = DatabaseHost(connection)
    for asking in (
        lambda: host.reserve_id("demo", "gone"),
        lambda: host.find("gone", "page", {"url": "u"}),
        lambda: host.read(Query("demo", "gone"), ()),
    ):
        with pytest.raises(Conflict):
            asking()


def test_secrets_come_from_whoever_knows_them(connection: Connection) -> None:
    with pytest.raises(Denied):
        DatabaseHost(connection).secret("ann", "token")
    host = DatabaseHost(connection, secrets=lambda agent, name: f"{agent}/{name}")
    assert host.secret("ann", "token") == "ann/token"


def test_another_agent_is_found_if_it_may_run(connection: Connection) -> None:
    host = DatabaseHost(connection)
    assert host.blueprint("ann").agent == "ann"
    with pytest.raises(Denied):
        host.blueprint("off")
    with pytest.raises(NotFound) as refusal:
        host.blueprint("anna")
    assert "did you mean `ann`?" in refusal.value.hint


def test_a_rate_is_shared_by_all_who_call(connection: Connection, database_url: str) -> None:
    with connect(database_url) as other:
        hosts = [DatabaseHost(connection), DatabaseHost(other)]
        for number in range(10):
            hosts[number % 2].take("ann", "mail", "10/hour")
        for host in hosts:
            with pytest.raises(RateLimited, match="10 times per hour"):
                host.take("ann", "mail", "10/hour")
        hosts[0].take("ben", "mail", "10/hour")
        hosts[0].take("ann", "web", "10/hour")
        connection.execute("UPDATE rate_counts SET bucket = bucket - 30")
        with pytest.raises(RateLimited):
            hosts[1].take("ann", "mail", "10/hour")
        connection.execute("UPDATE rate_counts SET bucket = bucket - 31")
        hosts[1].take("ann", "mail", "10/hour")
        assert connection.execute("SELECT count(*) FROM rate_counts WHERE name = 'calls/ann/mail'") == [(1,)]


def test_a_rate_holds_between_threads_that_call_at_once(connection: Connection, database_url: str) -> None:
    answers: list[bool] = []

    def work() -> None:
        with connect(database_url, lock_timeout=30) as own:
            host = DatabaseHost(own)
            for _ in range(10):
                try:
                    host.take("ann", "mail", "15/minute")
                    answers.append(True)
                except RateLimited:
                    answers.append(False)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), sum(answers)) == (40, 15)

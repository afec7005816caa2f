"""kill -9 of a deletion at any of its statements: the same command ends the work, and takes nothing else along."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.database.remains import tables_of_type, tasks_of
from reconciler.errors import NotFound
from tests.integration.estate import CANARY, GOING, TABLES, Estate
from tests.integration.test_lifecycle import dumped

POINTS = 4
STATEMENTS = {"execute", "execute_many", "script", "stream"}
KEPT_TABLE, KEPT_ROW = (
    "CREATE TABLE of_others (id INTEGER, text VARCHAR(20))",
    "INSERT INTO of_others VALUES (1, 'x')",
)


class Estates:
    """One as good as the other, each over a database of its own."""

    def __init__(self, new_database: Callable[[], str], folder: Path) -> None:
        self._new, self._folder, self._count = new_database, folder, 0

    def __call__(self) -> Estate:
        self._count += 1
        estate = Estate.settled(self._new(), self._folder / f"{self._count}")
        with estate.connect() as connection:
            connection.script([KEPT_TABLE, KEPT_ROW])
        return estate


@pytest.fixture
def estates(new_database: Callable[[], str], tmp_path: Path) -> Estates:
    return Estates(new_database, tmp_path)


def in_another_process(work: Callable[[], object], dies_at: int) -> int:
    """How many statements it came to. It is killed when it is about to send the one of that number."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for kind in (Connection, *Connection.__subclasses__()):
                for name in STATEMENTS & vars(kind).keys():
                    setattr(kind, name, _counted(vars(kind)[name], writes, dies_at))
            work()
            status = 0
        finally:
            os._exit(status)
    os.close(writes)
    with os.fdopen(reads, "rb") as said:
        count = len(said.read())
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if dies_at else 0)
    return count


def _counted(statement: Callable[..., Any], tells: int, dies_at: int) -> Callable[..., Any]:
    def send(*arguments: Any, **named: Any) -> Any:
        os.write(tells, b".")
        _so_far.append(1)
        if len(_so_far) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return statement(*arguments, **named)

    return send


_so_far: list[int] = []


def purged(estate: Estate) -> None:
    estate.delete("type/estate", "purge")


def ended(estate: Estate) -> None:
    """What somebody does who finds the work undone: the same again, and an apply."""
    try:
        purged(estate)
    except NotFound:
        return
    estate.apply(["mass-removal", "destructive"])


def check_whole_or_gone(estate: Estate, before: dict[str, int]) -> None:
    """Each table has all of its rows, or is no more."""
    with estate.connect() as connection:
        for table in tables_of_type(connection, "estate"):
            assert table.rows == before[table.name]


def check_purged(estate: Estate) -> None:
    with estate.connect() as connection:
        assert tables_of_type(connection, "estate") == ()
        assert tasks_of(connection, "type/estate").ended == 0
        assert records.entries(connection).keys().isdisjoint(GOING)
        assert "type/other" in records.entries(connection)
        assert not records.verify(connection).fault
    assert estate.raw("SELECT text FROM of_others") == [("x",)]
    assert estate.raw("SELECT id FROM agent_builder_sessions") == [("s2",)]
    assert [path.name for path in estate.folder.glob("**/*.yaml")] == ["other.yaml"]
    estate.raw("DROP TABLE of_others")
    assert not estate.pending()
    assert CANARY.encode() not in dumped(estate)


def moments(count: int) -> Iterator[int]:
    yield from sorted(random.Random(count).sample(range(1, count + 1), POINTS))


def test_a_purge_killed_at_any_statement_is_ended_by_the_same_command(estates: Estates) -> None:
    first = estates()
    count = in_another_process(lambda: purged(first), 0)
    check_purged(first)
    for moment in moments(count):
        killed_at(estates(), moment)


@pytest.mark.slow
def test_a_purge_killed_at_every_statement_is_ended_by_the_same_command(estates: Estates) -> None:
    count = in_another_process(lambda: purged(estates()), 0)
    for moment in range(1, count + 1):
        killed_at(estates(), moment)


def killed_at(estate: Estate, moment: int) -> None:
    before = {f"estate__{name}": len(rows) for name, rows in estate.rows().items()}
    assert before.keys() == {*TABLES}
    in_another_process(lambda: purged(estate), moment)
    check_whole_or_gone(estate, before)
    ended(estate)
    check_purged(estate)

"""What types and agents leave behind: tables in place or parked, rows, tasks, conversations.

It is counted before somebody deletes an object, and destroyed by a purge. What happened (revisions, audit, incidents)
holds no values of rows, and stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.database import records
from reconciler.database.builder_sessions import mentioning
from reconciler.database.connection import Connection
from reconciler.database.failures import ConstraintViolated, LockTimeout
from reconciler.database.parking import ARCHIVE_SCHEMA
from reconciler.database.records.batches import in_batches
from reconciler.database.sql_text import quote
from reconciler.errors import DatabaseError, Refused

TableState = Literal["live", "retained", "parked"]


@dataclass(frozen=True, slots=True)
class TableExtent:
    """`stored_as` is its name in the database, another than `name` only where it is parked. `bytes` is None where the
    database cannot tell. Of an agent, `rows` are those that go with it."""

    name: str
    stored_as: str
    state: TableState
    rows: int
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TaskCounts:
    waiting: int = 0
    running: int = 0
    ended: int = 0

    @property
    def in_flight(self) -> int:
        return self.waiting + self.running


@dataclass(frozen=True, slots=True)
class Remains:
    tables: tuple[TableExtent, ...] = ()
    tasks: TaskCounts = TaskCounts()
    sessions: int = 0


def tables_of_type(connection: Connection, name: str) -> tuple[TableExtent, ...]:
    """In place or parked, with their rows."""
    return tuple(_measured(connection, table) for table in _tables_of(connection, [name]))


def rows_of_agent(connection: Connection, name: str) -> tuple[TableExtent, ...]:
    """The rows that a purge of the agent would take: those it wrote, and what goes along with them by references.

    By deleting them, and taking that back: nobody else can tell as exactly. Raises Refused as `purge` would. Not inside
    a transaction.
    """
    counted: list[TableExtent] = []
    try:
        with connection.transaction(durable=False):
            counted = _counted_deletion(connection, name)
            raise _NotMeantError
    except _NotMeantError:
        return tuple(counted)


def rows_written_by(connection: Connection, agent: str) -> int:
    """Rows of the agent that are in place."""
    tables = _tables_of(connection, _types_of(connection, agent))
    return sum(
        int(connection.execute(f"SELECT count(*) FROM {quote(t.name)} WHERE agent = ?", (agent,))[0][0])
        for t in tables
        if t.state != "parked"
    )


def sessions_about(connection: Connection, address: str) -> int:
    """Conversations with the builder in whose drafts the name stands, or that of an agent of the type."""
    kind, _, name = address.partition("/")
    names = [name, *_agents_of(connection, name)] if kind == "type" else [name]
    return len({id_ for one in names for id_ in mentioning(connection, one)})


def tasks_of(connection: Connection, address: str) -> TaskCounts:
    condition, name = _tasks(address)
    counts: dict[str, int] = dict(
        connection.execute(
            "SELECT CASE WHEN state IN ('pending', 'running') THEN state ELSE 'ended' END AS stage, count(*)"
            f" FROM tasks WHERE {condition} GROUP BY 1",
            (name,),
        )
    )
    return TaskCounts(counts.get("pending", 0), counts.get("running", 0), counts.get("ended", 0))


def purge(connection: Connection, address: str) -> Remains:
    """Destroys all that is left of an object out of service; what that was, sizes apart. Inside a transaction, of a
    type with foreign keys off. Raises Refused where rows of others refer to an agent's."""
    kind, _, name = address.partition("/")
    if kind == "type":
        tables = [replace(table, rows=_count(connection, table)) for table in _tables_of(connection, [name])]
        _drop(connection, name, tables)
    else:
        tables = _counted_deletion(connection, name)
    names = [name, *_agents_of(connection, name)] if kind == "type" else [name]
    tasks = tasks_of(connection, address)
    sessions = [id_ for one in names for id_ in mentioning(connection, one)]
    condition, of = _tasks(address)
    connection.execute(f"DELETE FROM tasks WHERE {condition}", (of,))
    for places, batch in in_batches(sessions):
        connection.execute(f"DELETE FROM agent_builder_sessions WHERE id IN {places}", batch)
    for one in names:
        said = f'%"{one}"%'
        connection.execute("DELETE FROM kept_replies WHERE body LIKE ?", (said,))
        connection.execute(  # one that runs may be this very purge
            "DELETE FROM operations WHERE state <> 'running' AND (request LIKE ? OR result LIKE ?)",
            (said, said),
        )
        connection.execute("DELETE FROM schedules WHERE agent = ?", (one,))
    return Remains(tuple(tables), tasks, len(set(sessions)))


def scrub(connection: Connection) -> bool:
    """Leaves no byte of what was deleted in a SQLite file or beside it; False where others use it at the moment. Of a
    PostgreSQL database no dump shows what was deleted. Not inside a transaction."""
    if connection.dialect != "sqlite":
        return True
    try:
        connection.execute("VACUUM")
        ((busy, *_),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except LockTimeout:
        return False
    return not busy


def _tasks(address: str) -> tuple[str, str]:
    kind, _, name = address.partition("/")
    return ("type = ?" if kind == "type" else "agent = ? AND kind = 'dynamic'"), name


# --- tables -----------------------------------------------------------------------------------------------


def _tables_of(connection: Connection, owners: Collection[str]) -> list[TableExtent]:
    """Of these types, without rows and sizes: those in place and those that are parked."""
    found: list[TableExtent] = []
    for head in records.table_heads(connection):
        if head.owner in owners:
            found.append(TableExtent(head.name, head.name, head.status, 0))
    for owner in sorted(owners):
        for parked in records.archives(connection, owner=owner):
            if parked.column is None:
                found.append(TableExtent(parked.table, parked.stored_as, "parked", 0))
    return found


def _sql_name(connection: Connection, table: TableExtent) -> str:
    parked = table.state == "parked" and connection.dialect == "postgresql"
    return f"{quote(ARCHIVE_SCHEMA)}.{quote(table.stored_as)}" if parked else quote(table.stored_as)


def _count(connection: Connection, table: TableExtent) -> int:
    ((rows,),) = connection.execute(f"SELECT count(*) FROM {_sql_name(connection, table)}")
    return int(rows)


def _measured(connection: Connection, table: TableExtent) -> TableExtent:
    return replace(table, rows=_count(connection, table), bytes=_size(connection, table))


def _size(connection: Connection, table: TableExtent) -> int | None:
    """With its indexes."""
    if connection.dialect == "postgresql":
        ((size,),) = connection.execute(
            "SELECT pg_total_relation_size(to_regclass(?))", (_sql_name(connection, table),)
        )
        return int(size)
    with suppress(DatabaseError):  # not every build of SQLite can tell
        ((size,),) = connection.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN"
            " (SELECT name FROM sqlite_master WHERE tbl_name = ?)",
            (table.stored_as,),
        )
        return int(size or 0)
    return None


def _drop(connection: Connection, owner: str, tables: Sequence[TableExtent]) -> None:
    cascade = " CASCADE" if connection.dialect == "postgresql" else ""  # it would not do it for SQLite either
    for table in tables:
        connection.execute(f"DROP TABLE {_sql_name(connection, table)}{cascade}")
    records.drop_tables(connection, [table.name for table in tables if table.state != "parked"])
    for parked in records.archives(connection, owner=owner):
        records.mark_purged(connection, parked.id)


# --- rows of an agent ---------------------------------------------------------------------------------------


class _NotMeantError(Exception):
    """Undoes a deletion that was only to be counted."""


def _counted_deletion(connection: Connection, agent: str) -> list[TableExtent]:
    own = _tables_of(connection, _types_of(connection, agent))
    touched = [*own, *_referring(connection, own)]
    before = [_count(connection, table) for table in touched]
    _delete_rows(connection, agent, own)
    return [
        replace(table, rows=rows - _count(connection, table))
        for table, rows in zip(touched, before, strict=True)
    ]


def _delete_rows(connection: Connection, agent: str, tables: Sequence[TableExtent]) -> None:
    _let_go(connection, agent, tables)
    waiting = [*tables]
    while waiting:
        held: list[TableExtent] = []
        for table in waiting:
            try:
                with connection.savepoint():
                    connection.execute(
                        f"DELETE FROM {_sql_name(connection, table)} WHERE agent = ?", (agent,)
                    )
            except ConstraintViolated:
                held.append(table)  # rows of another table, which may go themselves, refer to it
        if len(held) == len(waiting):
            raise Refused(
                f"rows of others refer to rows that {agent} wrote into {', '.join(t.name for t in held)}",
                hint="delete those first, or delete the agent without its rows: --mode hard",
            )
        waiting = held


def _let_go(connection: Connection, agent: str, tables: Sequence[TableExtent]) -> None:
    """Rows that are to go refer to each other no more: SQLite would hold one against the other."""
    in_place = {record.name: record for record in records.tables(connection, [t.name for t in tables])}
    for table in tables:
        if table.state == "parked":
            continue
        for column in json.loads(in_place[table.name].definition)["columns"]:
            if column.get("references") and column.get("nullable", True):
                name = quote(column["name"])
                connection.execute(
                    f"UPDATE {quote(table.name)} SET {name} = NULL WHERE agent = ? AND {name} IS NOT NULL",
                    (agent,),
                )


def _types_of(connection: Connection, agent: str) -> set[str]:
    """All that the agent ever was of."""
    texts = connection.execute(
        "SELECT DISTINCT s.spec FROM revision_objects AS o JOIN spec_store AS s ON s.digest = o.digest"
        " WHERE o.address = ? UNION SELECT spec FROM agents WHERE name = ?",
        (f"agent/{agent}", agent),
    )
    return {json.loads(text)["spec"]["type"] for (text,) in texts}


def _referring(connection: Connection, tables: Sequence[TableExtent]) -> Iterator[TableExtent]:
    """Tables of other types that refer to these, directly or not."""
    known = {table.name for table in tables}
    others = {
        record.name: (record, _targets(record.definition))
        for record in records.tables(connection)
        if record.name not in known
    }
    while more := [name for name, (_, targets) in others.items() if targets & known]:
        for name in more:
            record, _ = others.pop(name)
            known.add(name)
            yield TableExtent(name, name, record.status, 0)


def _targets(definition: str) -> set[str]:
    columns = json.loads(definition)["columns"]
    return {column["references"]["table"] for column in columns if column.get("references")}


# --- conversations ------------------------------------------------------------------------------------------


def _agents_of(connection: Connection, type_name: str) -> list[str]:
    """Those that were of the type last, in service or not."""
    return [row[0] for row in connection.execute("SELECT name FROM agents WHERE type = ?", (type_name,))]

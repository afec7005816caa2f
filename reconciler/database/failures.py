"""What drivers raise, said in the project's own words.

    DatabaseError
    ├── DriverMissing        driver-missing            the psycopg package is not installed
    ├── Unreachable          database-unreachable      no server answers, or the file cannot be opened
    ├── ConnectionLost       database-connection-lost  it answered once and went away
    ├── DatabaseMissing      database-missing          there is no such database
    ├── NotADatabase         not-a-database            the file is something else, or damaged
    ├── AccessDenied         database-access-denied    credentials or rights do not suffice
    ├── ConstraintViolated   constraint-violated       rows contradict a constraint
    ├── NotThere             database-object-missing   no such table or column
    ├── NoRoom               database-full             disk, memory or connections are used up
    └── CatalogTooNew        catalog-too-new           a newer program has upgraded the catalog
    Locked
    └── LockTimeout          lock-timeout              somebody else held a lock for too long

Messages never carry the values of rows: a driver's DETAIL line is dropped, as it may quote what is sensitive.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Literal

from reconciler.errors import DatabaseError, Locked, ReconcilerError

if TYPE_CHECKING:
    import psycopg

STATEMENT_EXCERPT = 200
"""Characters of a failed statement that an error shows."""


class DriverMissing(DatabaseError):
    code = "driver-missing"


class Unreachable(DatabaseError):
    code = "database-unreachable"


class ConnectionLost(DatabaseError):
    code = "database-connection-lost"


class DatabaseMissing(DatabaseError):
    code = "database-missing"


class NotADatabase(DatabaseError):
    code = "not-a-database"


class AccessDenied(DatabaseError):
    code = "database-access-denied"


ConstraintKind = Literal["unique", "reference", "required", "check", ""]


class ConstraintViolated(DatabaseError):
    """`constraint` is the name of the constraint, `columns` those it is about: as much of it as the driver tells."""

    code = "constraint-violated"

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        hint: str = "",
        kind: ConstraintKind = "",
        constraint: str = "",
        columns: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.kind: ConstraintKind = kind
        self.constraint, self.columns = constraint, columns


class NotThere(DatabaseError):
    code = "database-object-missing"


class NoRoom(DatabaseError):
    code = "database-full"


class CatalogTooNew(DatabaseError):
    code = "catalog-too-new"


class LockTimeout(Locked):
    code = "lock-timeout"


WAIT = "wait until the other session has ended its transaction, then try again"


def excerpt(sql: str) -> str:
    """The statement on one line, cut to what an error message can bear."""
    line = " ".join(sql.split())
    return line if len(line) <= STATEMENT_EXCERPT else line[: STATEMENT_EXCERPT - 1] + "…"


def from_sqlite(error: sqlite3.Error, place: str, sql: str = "") -> ReconcilerError:
    """`place` names the database; `sql` is the statement that failed, if there was one."""
    text = str(error)
    where = excerpt(sql) or place
    if isinstance(error, sqlite3.IntegrityError):
        return _violated_on_sqlite(error, where)
    if _IS_MISSING.match(text):
        return NotThere(text, where=where)
    # The primary result code is the low byte; errors of the Python module itself have none.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LockTimeout(f"{place} is locked by another process", where=where, hint=WAIT)
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return NotADatabase(
                f"{place}: {text}", where=where, hint="check the path, or restore the file from a backup"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return Unreachable(
                f"{place} cannot be opened", where=where, hint="check that its folder exists and is readable"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return AccessDenied(
                f"{place}: {text}", where=where, hint="the file and its folder must both be writable"
            )
        case sqlite3.SQLITE_FULL:
            return NoRoom(f"{place}: {text}", where=where, hint="free some space on the disk and try again")
    return DatabaseError(text, where=where)


_VIOLATED_HINT = "change the rows or the constraint; nothing was kept"
_IS_MISSING = re.compile(r"no such (table|column)|table \S+ has no column")
_SQLITE_KINDS: dict[str, ConstraintKind] = {
    "SQLITE_CONSTRAINT_UNIQUE": "unique",
    "SQLITE_CONSTRAINT_PRIMARYKEY": "unique",
    "SQLITE_CONSTRAINT_ROWID": "unique",
    "SQLITE_CONSTRAINT_NOTNULL": "required",
    "SQLITE_CONSTRAINT_CHECK": "check",
    "SQLITE_CONSTRAINT_FOREIGNKEY": "reference",
}


def _violated_on_sqlite(error: sqlite3.IntegrityError, where: str) -> ConstraintViolated:
    """SQLite tells the columns of unique indexes and NOT NULL, the name of a CHECK, and of a foreign key nothing."""
    text = str(error)
    kind = _SQLITE_KINDS.get(getattr(error, "sqlite_errorname", ""), "")
    _, _, named = text.partition(" constraint failed: ")
    columns: tuple[str, ...] = ()
    if kind in ("unique", "required"):
        columns = tuple(part.rpartition(".")[2] for part in named.split(", "))
    return ConstraintViolated(
        text,
        where=where,
        hint=_VIOLATED_HINT,
        kind=kind,
        constraint=named if kind == "check" else "",
        columns=columns,
    )


_CONNECT_REFUSALS: tuple[tuple[re.Pattern[str], type[DatabaseError], str], ...] = (
    (
        re.compile(r'database "[^"]*" does not exist'),
        DatabaseMissing,
        "create it with CREATE DATABASE, or correct the URL",
    ),
    (
        re.compile(
            r"password authentication failed|no password supplied|no pg_hba|role \"[^\"]*\" does not exist"
        ),
        AccessDenied,
        "check user and password in the URL",
    ),
    (
        re.compile(r"could not translate host|Name or service not known|resolve"),
        Unreachable,
        "check the host in the URL",
    ),
    (
        re.compile(r"Connection refused|timeout expired|timed out"),
        Unreachable,
        "check that the server runs and its port",
    ),
)


def from_connecting(error: psycopg.Error, place: str) -> ReconcilerError:
    """libpq gives no SQLSTATE for a connection that was never made: only its message tells why."""
    text = " ".join(str(error).split())
    for pattern, kind, hint in _CONNECT_REFUSALS:
        if pattern.search(text):
            return kind(f"cannot connect to {place}: {text}", where=place, hint=hint)
    return Unreachable(f"cannot connect to {place}: {text}", where=place)


def from_postgres(error: psycopg.Error, place: str, sql: str = "") -> ReconcilerError:
    """`place` names the database; `sql` is the statement that failed, if there was one."""
    state = error.sqlstate or ""
    text = error.diag.message_primary or " ".join(str(error).split())
    where = excerpt(sql) or place
    if state in ("55P03", "40P01", "40001"):  # lock not available, deadlock, serialisation failure
        return LockTimeout(text, where=where, hint=WAIT)
    if state.startswith("23"):
        return ConstraintViolated(
            text,
            where=where,
            hint=_VIOLATED_HINT,
            kind=_POSTGRES_KINDS.get(state, ""),
            constraint=error.diag.constraint_name or "",
            columns=(error.diag.column_name,) if error.diag.column_name else (),
        )
    if state in ("42P01", "42703"):  # undefined table, undefined column
        return NotThere(text, where=where)
    if state == "42501":
        return AccessDenied(
            text, where=where, hint="grant the right to the role in the URL, or use the owner's role"
        )
    if state == "3D000":
        return DatabaseMissing(text, where=where)
    if state.startswith(("08", "57P")) or (not state and _is_gone(text)):
        return ConnectionLost(f"lost the connection to {place}: {text}", where=where, hint="try again")
    if state.startswith("53"):  # disk, memory or connections are exhausted
        return NoRoom(text, where=where, hint="give the server more room and try again")
    return DatabaseError(text, where=where)


_POSTGRES_KINDS: dict[str, ConstraintKind] = {
    "23505": "unique",
    "23503": "reference",
    "23502": "required",
    "23514": "check",
}


def _is_gone(text: str) -> bool:
    return (
        "connection is closed" in text
        or "server closed the connection" in text
        or "connection is lost" in text
    )

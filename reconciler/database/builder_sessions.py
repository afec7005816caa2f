"""Conversations with the builder, as rows. What their texts hold is the builder's own affair."""

from __future__ import annotations

import re
from dataclasses import dataclass

from reconciler.database.connection import Connection, Row


@dataclass(frozen=True, slots=True)
class SessionRow:
    """`messages`, `requirements` and `drafts` are JSON. Times are as the catalog keeps them."""

    id: str
    state: str
    template: str | None
    owner: str
    messages: str
    requirements: str
    drafts: str
    created_at: str
    updated_at: str
    expires_at: str
    version: int


_COLUMNS = (
    "id, state, template, owner, messages, requirements, drafts, created_at, updated_at, expires_at, version"
)


def insert(connection: Connection, row: SessionRow) -> None:
    connection.execute(
        f"INSERT INTO agent_builder_sessions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(row.id, row.state, row.template, row.owner, row.messages, row.requirements, row.drafts),
            *(row.created_at, row.updated_at, row.expires_at, row.version),
        ),
    )


def find(connection: Connection, identity: str) -> SessionRow | None:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM agent_builder_sessions WHERE id = ?", (identity[:36],))
    return SessionRow(*rows[0]) if rows else None


def save(connection: Connection, row: SessionRow, *, durable: bool) -> bool:
    """Write a session over the one it was made from, whose version is one less. False if that is no longer there as it
    was: nothing is written then. What is not `durable` outlives any process, but perhaps no power cut."""
    with connection.transaction(durable=durable):
        saved = _update(connection, row)
    return bool(saved)


def _update(connection: Connection, row: SessionRow) -> list[Row]:
    return connection.execute(
        """UPDATE agent_builder_sessions
           SET state = ?, template = ?, messages = ?, requirements = ?, drafts = ?,
               updated_at = ?, expires_at = ?, version = ?
           WHERE id = ? AND version = ? RETURNING id""",
        (
            *(row.state, row.template, row.messages, row.requirements, row.drafts),
            *(row.updated_at, row.expires_at, row.version, row.id, row.version - 1),
        ),
    )


def listed(connection: Connection, *, owner: str | None = None, limit: int = 50) -> list[SessionRow]:
    """The sessions of an owner, or of all, the one last spoken in first."""
    whose, params = ("WHERE owner = ?", (owner,)) if owner is not None else ("", ())
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM agent_builder_sessions {whose} ORDER BY updated_at DESC, id LIMIT ?",
        (*params, limit),
    )
    return [SessionRow(*row) for row in rows]


def delete(connection: Connection, identity: str) -> bool:
    """Whether there was one."""
    return bool(
        connection.execute("DELETE FROM agent_builder_sessions WHERE id = ? RETURNING id", (identity[:36],))
    )


def mentioning(connection: Connection, name: str) -> list[str]:
    """Ids of the conversations with the builder in whose drafts the name stands."""
    word = re.compile(rf"(?<![a-z0-9-]){re.escape(name)}(?![a-z0-9-])")
    rows = connection.execute("SELECT id, drafts FROM agent_builder_sessions")
    return [id_ for id_, drafts in rows if word.search(drafts)]

"""Sessions as the catalog keeps them: found for their owner, and never written over what somebody else said."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from reconciler.builder.session import Session, SessionClosed, SessionMoved, row_of, session_of
from reconciler.builder.views import SessionState
from reconciler.database import builder_sessions as rows
from reconciler.database.clock import utc_now
from reconciler.database.connection import Connection
from reconciler.errors import NotFound

Connecting = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection to a database with a catalog, for one call."""

TRIES = 5
"""How often a turn begins anew, or is laid over what is there by then, while others keep speaking."""


class SessionStore:
    """An `owner` of None stands for all owners. A session that has been changed carries the next version."""

    def __init__(self, connecting: Connecting) -> None:
        self._connecting = connecting

    def find(self, identity: str, owner: str | None = None) -> Session:
        """Raises NotFound, also for a session of somebody else."""
        with self._connecting() as connection:
            row = rows.find(connection, identity)
        if row is None or (owner is not None and row.owner != owner):
            raise NotFound(
                f"there is no conversation {identity[:40]}", hint="reconcile build --list shows yours"
            )
        return session_of(row).at(utc_now())

    def listed(self, owner: str | None, limit: int) -> list[Session]:
        """The one last spoken in first."""
        with self._connecting() as connection:
            found = rows.listed(connection, owner=owner, limit=limit)
        return [session_of(row).at(utc_now()) for row in found]

    def insert(self, session: Session) -> None:
        with self._connecting() as connection:
            rows.insert(connection, row_of(session))

    def delete(self, identity: str) -> None:
        with self._connecting() as connection:
            rows.delete(connection, identity)

    def save(self, session: Session) -> None:
        """Raises SessionMoved."""
        if not self.saved(session):
            raise SessionMoved(
                "somebody else spoke in this conversation", hint="look at it again, then go on"
            )

    def saved(self, session: Session) -> bool:
        """Whether it could be saved: nobody else had spoken. A turn does not wait for the disk; what is written to the
        source does."""
        durable = session.state is SessionState.FINALIZED
        with self._connecting() as connection:
            return rows.save(connection, row_of(session), durable=durable)

    def lay_over(self, session: Session, base: Session, settled: Callable[[Session], Session]) -> None:
        """Saves what was made of `base`, together with what somebody else said meanwhile; `settled` gives the result
        of both its questions. Raises SessionMoved where others never pause."""
        laid = session
        for _ in range(TRIES):
            if self.saved(laid):
                return
            laid = settled(merged(base, self.find(session.id), session))
        raise SessionMoved("others keep speaking in this conversation", hint="say it again")


def merged(base: Session, theirs: Session, ours: Session) -> Session:
    """What two turns on `base` come to, saved as ours after theirs: both stay, and theirs where both changed a slot."""
    said = [message for message in ours.messages if message not in theirs.messages]
    slots = dict(theirs.slots)
    for name in base.slots.keys() | ours.slots.keys():
        if theirs.slots.get(name) != base.slots.get(name):
            continue
        if name in ours.slots:
            slots[name] = ours.slots[name]
        else:
            slots.pop(name, None)
    return replace(
        theirs,
        template=theirs.template or ours.template,
        mode=ours.mode if ours.mode != base.mode else theirs.mode,
        fallen_back=theirs.fallen_back or ours.fallen_back,
        slots=slots,
        conflicts=ours.conflicts if theirs.conflicts == base.conflicts else theirs.conflicts,
        messages=(*theirs.messages, *said),
        usage=theirs.usage + ours.usage - base.usage,
        version=theirs.version + 1,
    )


def require_open(session: Session) -> None:
    """Raises SessionClosed."""
    if not session.state.open:
        raise SessionClosed(
            f"the conversation is {session.state.value}", hint="fork it to go on from here, or start anew"
        )


def require_version(session: Session, version: int | None) -> None:
    """Raises SessionMoved unless it is the one that its caller saw."""
    if version is not None and version != session.version:
        raise SessionMoved(
            f"the conversation is at version {session.version}, not {version}: somebody else spoke in it",
            hint="look at it again, then go on",
        )

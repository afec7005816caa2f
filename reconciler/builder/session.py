"""One conversation as a frozen value, and as the texts that the catalog keeps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.builder.slots import Slot
from reconciler.builder.views import Message, Mode, SessionState, Source, Usage
from reconciler.database.builder_sessions import SessionRow
from reconciler.database.clock import time_text
from reconciler.errors import ReconcilerError

LIFETIME = timedelta(days=14)
"""Since the last word."""
MOST_MESSAGES = 400
DRAFTS_KEPT = 5


class SessionMoved(ReconcilerError):
    """Somebody else spoke in the session since the caller last saw it. Nothing was changed."""

    code = "session-moved"
    exit_status = 4
    http_status = 412


class SessionClosed(ReconcilerError):
    """The session is finalized, abandoned or expired, or has become too long to go on."""

    code = "session-closed"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two things were said of one slot. The slot keeps the first until somebody decides."""

    slot: str
    before: Any
    now: Any


@dataclass(frozen=True, slots=True)
class DraftRecord:
    """What the checks said of a draft. `digest` is that of its documents."""

    digest: str
    yaml: str
    ready: bool
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """`asked` are the slots of the open questions; `refused` those whose value a check did not take, with what it said.
    `fallen_back`: a model was wanted and went away."""

    id: str
    owner: str
    state: SessionState
    template: str
    mode: Mode
    model: str
    created_at: str
    updated_at: str
    expires_at: str
    version: int = 1
    messages: tuple[Message, ...] = ()
    slots: Mapping[str, Slot] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    fallen_back: bool = False
    usage: Usage = field(default_factory=Usage)
    drafts: tuple[DraftRecord, ...] = ()

    def with_slot(self, name: str, slot: Slot) -> Session:
        refused = {key: reason for key, reason in self.refused.items() if key != name}
        return replace(self, slots={**self.slots, name: slot}, refused=refused)

    def without_slot(self, name: str) -> Session:
        return replace(self, slots={key: slot for key, slot in self.slots.items() if key != name})

    def saying(self, role: str, text: str, now: datetime) -> Session:
        """With one message more, and its life prolonged."""
        message = Message("user" if role == "user" else "builder", text, time_text(now))
        return replace(
            self,
            messages=(*self.messages, message),
            updated_at=time_text(now),
            expires_at=time_text(now + LIFETIME),
        )

    def with_draft(self, record: DraftRecord) -> Session:
        others = tuple(known for known in self.drafts if known.digest != record.digest)
        return replace(self, drafts=(*others, record)[-DRAFTS_KEPT:])

    def value(self, name: str) -> Any:
        slot = self.slots.get(name)
        return slot.value if slot else None

    def at(self, now: str) -> Session:
        """As it is at a time: an open one may have expired meanwhile."""
        expired = self.state.open and self.expires_at <= now
        return replace(self, state=SessionState.EXPIRED) if expired else self


def new_session(identity: str, owner: str, *, mode: Mode, model: str, now: datetime | None = None) -> Session:
    moment = now or datetime.now(UTC)
    return Session(
        id=identity,
        owner=owner,
        state=SessionState.COLLECTING,
        template="",
        mode=mode,
        model=model,
        created_at=time_text(moment),
        updated_at=time_text(moment),
        expires_at=time_text(moment + LIFETIME),
    )


# --- as rows --------------------------------------------------------------------------------------------------------


def row_of(session: Session) -> SessionRow:
    requirements = {
        "slots": {
            name: {"value": slot.value, "source": slot.source.value, "loose": slot.loose}
            for name, slot in session.slots.items()
        },
        "asked": session.asked,
        "conflicts": [asdict(conflict) for conflict in session.conflicts],
        "refused": dict(session.refused),
        "mode": session.mode,
        "model": session.model,
        "fallen_back": session.fallen_back,
        "usage": asdict(session.usage),
    }
    return SessionRow(
        id=session.id,
        state=session.state.value,
        template=session.template or None,
        owner=session.owner,
        messages=_json([asdict(message) for message in session.messages]),
        requirements=_json(requirements),
        drafts=_json([asdict(record) for record in session.drafts]),
        created_at=session.created_at,
        updated_at=session.updated_at,
        expires_at=session.expires_at,
        version=session.version,
    )


def session_of(row: SessionRow) -> Session:
    kept = json.loads(row.requirements)
    return Session(
        id=row.id,
        owner=row.owner,
        state=SessionState(row.state),
        template=row.template or "",
        mode=kept["mode"],
        model=kept["model"],
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        version=row.version,
        messages=tuple(Message(**message) for message in json.loads(row.messages)),
        slots={
            name: Slot(slot["value"], Source(slot["source"]), slot["loose"])
            for name, slot in kept["slots"].items()
        },
        asked=tuple(kept["asked"]),
        conflicts=tuple(Conflict(**conflict) for conflict in kept["conflicts"]),
        refused=kept["refused"],
        fallen_back=kept["fallen_back"],
        usage=Usage(**kept["usage"]),
        drafts=tuple(_draft(record) for record in json.loads(row.drafts)),
    )


def _draft(record: Mapping[str, Any]) -> DraftRecord:
    return DraftRecord(record["digest"], record["yaml"], record["ready"], tuple(record["problems"]))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

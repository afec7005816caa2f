"""One turn: what a person says is heard by rules and perhaps a model, comes to a draft or a question, and is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.builder import speech
from reconciler.builder.interview import Heard, hear
from reconciler.builder.model_answers import Proposals
from reconciler.builder.modelling import Interpreter, laid_over
from reconciler.builder.overview import summary_of
from reconciler.builder.questions import completeness, next_questions, open_questions
from reconciler.builder.session import MOST_MESSAGES, DraftRecord, Session, SessionClosed, SessionMoved
from reconciler.builder.slots import Slot
from reconciler.builder.store import TRIES, SessionStore, require_open, require_version
from reconciler.builder.templates.installed import Templates
from reconciler.builder.views import Reply, SessionState, Source, Usage
from reconciler.builder.workshop import Draft, Workshop

_MEANWHILE = "Somebody else spoke in this conversation meanwhile; what both said is in it."


@dataclass(frozen=True, slots=True)
class _Taken:
    """A message that was heard. `base` is what the catalog has of the session; `moved`: somebody else spoke while it
    was heard."""

    heard: Heard
    base: Session
    moved: bool


class Turns:
    """Without an `interpreter` rules alone listen."""

    def __init__(
        self,
        store: SessionStore,
        workshop: Workshop,
        templates: Templates,
        interpreter: Interpreter | None,
    ) -> None:
        self._store, self._workshop, self._templates = store, workshop, templates
        self._interpreter = interpreter

    def stream(
        self, identity: str, text: str, *, owner: str | None, version: int | None
    ) -> Iterator[str | Reply]:
        """Pieces of the text as they come, and the Reply. Raises NotFound, SessionClosed, SessionMoved, SourceError."""
        started = time.monotonic()
        taken = self._take(identity, text, owner, version)
        heard, said, usage = taken.heard, [], Usage()
        if heard.session.mode == "model" and heard.session.state.open and self._interpreter is not None:
            for piece in self._interpreter.propose(heard.session, self._templates):
                if isinstance(piece, Proposals):
                    self._interpret(heard, piece)
                    usage = piece.usage
                else:
                    said.append(piece)
                    yield piece
        if taken.moved:
            heard.notices.insert(0, _MEANWHILE)
        draft = self._settle(heard)
        questions = open_questions(heard.session, self._templates)
        rest = speech.answer(heard, self._templates, questions, draft)
        lead = "".join(said)
        whole = f"{lead}\n\n{rest}" if lead.strip() and rest else rest or lead
        heard.session = heard.session.saying("builder", whole, datetime.now(UTC))
        self._store.lay_over(_next(heard.session, taken.base), taken.base, self._asking)
        yield whole[len(lead) :]
        yield self._reply(heard, whole, usage, time.monotonic() - started)

    def with_model_slots(self, session: Session) -> Session:
        """Where a model leads the conversation, a model is what the agent is proposed to use, too."""
        template = self._templates.get(session.template)
        if session.mode != "model" or template is None or template.slot("engine") is None:
            return session
        for name, value in (("engine", "model"), ("model", session.model)):
            if name not in session.slots:
                session = session.with_slot(name, Slot(value, Source.DEFAULTED))
        return session

    # --- its parts ----------------------------------------------------------------------------------------------

    def _take(self, identity: str, text: str, owner: str | None, version: int | None) -> _Taken:
        """Takes a message down, and before a model is asked keeps it: whatever happens then, it was said."""
        for attempt in range(TRIES):
            session = self._store.find(identity, owner)
            require_open(session)
            require_version(session, version)
            if len(session.messages) >= MOST_MESSAGES:
                raise SessionClosed("the conversation has become too long", hint="finalize it, or fork it")
            heard = hear(session, text, self._templates, self._workshop.type_names, datetime.now(UTC))
            heard.session = self.with_model_slots(heard.session)
            if session.mode == "guided":
                return _Taken(heard, session, moved=attempt > 0)
            kept = self._asking(_next(heard.session, session))
            if self._store.saved(kept):
                return _Taken(heard, kept, moved=attempt > 0)
        raise SessionMoved("others keep speaking in this conversation", hint="say it again")

    def _interpret(self, heard: Heard, proposals: Proposals) -> None:
        session, taken = laid_over(heard.session, proposals, self._templates)
        heard.taken += [name for name in taken if name not in heard.taken]
        session = replace(session, usage=session.usage + proposals.usage)
        if proposals.failure is not None:
            notice, lost = speech.model_failed(proposals.failure)
            heard.notices.append(notice)
            if lost:
                session = replace(session, mode="guided", fallen_back=True)
        heard.session = self.with_model_slots(session)

    def _settle(self, heard: Heard) -> Draft | None:
        """Gives the session its state and questions; with the draft, if there is nothing more to be asked."""
        session = heard.session
        if not session.state.open or session.state is SessionState.CONFIRMED:
            return None
        template = self._templates.get(session.template)
        draft: Draft | None = None
        state = SessionState.COLLECTING
        if template is not None and not session.conflicts and not open_questions(session, self._templates):
            draft = self._workshop.draft(session, template)
            heard.notices += draft.left_out
            if draft.left_out and draft.kept_edits is not None:
                session = _with_edits(session, draft.kept_edits)
            record = DraftRecord(draft.digest, draft.yaml, draft.sound, tuple(str(p) for p in draft.problems))
            session = replace(session.with_draft(record), refused=dict(draft.refused or {}))
            if not open_questions(session, self._templates):
                state = SessionState.PREVIEW if draft.sound else SessionState.DRAFTING
            elif session.refused:
                state = SessionState.DRAFTING
        heard.session = self._asking(replace(session, state=state))
        return draft

    def _asking(self, session: Session) -> Session:
        return next_questions(session, self._templates)

    def _reply(self, heard: Heard, text: str, usage: Usage, seconds: float) -> Reply:
        session = self._store.find(heard.session.id)
        return Reply(
            session=session.id,
            version=session.version,
            state=session.state,
            text=text,
            notices=tuple(heard.notices),
            questions=open_questions(session, self._templates),
            completeness=completeness(session, self._templates),
            draft=summary_of(session, self._templates, self._workshop),
            mode=session.mode,
            usage=usage,
            seconds=seconds,
        )


def _next(session: Session, base: Session) -> Session:
    return replace(session, version=base.version + 1)


def _with_edits(session: Session, kept: Sequence[Mapping[str, Any]]) -> Session:
    """Those that fit; where there are none, they are asked for again."""
    slot = session.slots["edits"]
    return session.with_slot("edits", replace(slot, value=[*kept])) if kept else session.without_slot("edits")

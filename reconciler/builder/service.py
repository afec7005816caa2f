"""AgentBuilderService: from a conversation to a proposal."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.builder import speech
from reconciler.builder.interview import Heard, facts, hear, next_questions
from reconciler.builder.modelling import Conditions, Interpreter, Proposals, laid_over
from reconciler.builder.preview import agent_of, draft_summary, preview_of
from reconciler.builder.questions import completeness, open_questions
from reconciler.builder.session import (
    MOST_MESSAGES,
    DraftRecord,
    Session,
    SessionClosed,
    SessionMoved,
    new_session,
    row_of,
    session_of,
)
from reconciler.builder.slots import Slot
from reconciler.builder.templates import change
from reconciler.builder.templates.installed import Templates
from reconciler.builder.views import (
    DraftSummary,
    Finalized,
    Mode,
    Preview,
    Question,
    Reply,
    SessionBrief,
    SessionState,
    SessionView,
    SlotView,
    Source,
    Usage,
)
from reconciler.builder.workshop import Draft, Workshop
from reconciler.control.proposals import Author, Proposal
from reconciler.database import builder_sessions as rows
from reconciler.database.clock import utc_now
from reconciler.database.connection import Connection
from reconciler.errors import ManifestsInvalid, ModelMissing, NotFound, Refused, RunError
from reconciler.llm.provider import LLMProvider

Connecting = Callable[[], AbstractContextManager[Connection]]
"""Gives a connection to a database with a catalog, for one call."""

LISTING_TIMEOUT = 3.0
"""Seconds that a server has to name its models, before somebody goes on without."""
_TRIES = 5


class AgentBuilderService:
    """Sessions of an `owner` are not there for anybody else; None stands for all owners, for those who may see them.

    `version`, where a method takes one, is that of the session as its caller last saw it: SessionMoved is raised if
    somebody else has spoken since. Without it, what is said is added to what there is by then, and the reply says so.
    """

    def __init__(
        self,
        connecting: Connecting,
        workshop: Workshop,
        templates: Templates,
        *,
        provider: LLMProvider | None = None,
        conditions: Conditions | None = None,
    ) -> None:
        """Without a `provider` every session is a guided one."""
        self._connecting, self._workshop, self._templates = connecting, workshop, templates
        self._provider = provider
        self._interpreter = (
            Interpreter(provider, conditions or Conditions()) if provider is not None else None
        )

    # --- sessions ---------------------------------------------------------------------------------------------

    def start(
        self,
        *,
        owner: str,
        template: str | None = None,
        model: str = "",
        guided: bool = False,
        text: str = "",
    ) -> SessionView:
        """A new session, which has asked its first question. `model` is one that there has to be; empty: any there is,
        and where there is none the session is guided. `text` is said at once.

        Raises NotFound for a template, ModelMissing for a model that was named.
        """
        chosen = self._templates.named(template) if template else None
        mode, name = self._mode(model, guided)
        session = new_session(str(uuid.uuid4()), owner, mode=mode, model=name)
        if chosen is not None:
            session = replace(session, template=chosen.name)
        session = self._with_model_slots(session)
        session = next_questions(session, self._templates)
        greeting = speech.greeting(session, open_questions(session, self._templates), wanted_model=not guided)
        session = session.saying("builder", greeting, datetime.now(UTC))
        with self._connecting() as connection:
            rows.insert(connection, row_of(session))
        if text.strip():
            self.say(session.id, text, owner=owner)
        return self.session(session.id, owner=owner)

    def session(self, identity: str, *, owner: str | None = None) -> SessionView:
        """Raises NotFound."""
        return self._view(self._found(identity, owner))

    def list_sessions(self, *, owner: str | None = None, limit: int = 50) -> list[SessionBrief]:
        """The one last spoken in first."""
        with self._connecting() as connection:
            found = rows.listed(connection, owner=owner, limit=limit)
        return [_brief(session_of(row).at(utc_now())) for row in found]

    def resume(
        self, identity: str, *, owner: str | None = None, model: str = "", guided: bool = False
    ) -> SessionView:
        """A session to go on with, after a pause or a restart. `model` and `guided` are as for `start`; neither: as it
        was, and if its model had gone away, with the model if that is back. Raises NotFound, SessionClosed."""
        session = self._found(identity, owner)
        _require_open(session)
        if guided or model or session.fallen_back:
            mode, name = self._mode(model, guided)
            still_gone = session.fallen_back and mode == "guided" and not guided
            changed = replace(session, mode=mode, model=name, fallen_back=still_gone)
            self._save(replace(next_questions(changed, self._templates), version=session.version + 1))
        return self.session(identity, owner=owner)

    def fork(self, identity: str, *, owner: str, of: str | None = None) -> SessionView:
        """A new session of `owner` that knows all that another one (of the owner `of`, None for any) does, whatever
        became of that. Raises NotFound."""
        session = self._found(identity, of)
        now = datetime.now(UTC)
        blank = new_session(str(uuid.uuid4()), owner, mode=session.mode, model=session.model, now=now)
        copied = replace(
            session,
            id=blank.id,
            owner=owner,
            state=SessionState.COLLECTING,
            version=1,
            created_at=blank.created_at,
            updated_at=blank.updated_at,
            expires_at=blank.expires_at,
            usage=Usage(),
        )
        with self._connecting() as connection:
            rows.insert(connection, row_of(next_questions(copied, self._templates)))
        return self.session(blank.id, owner=owner)

    def delete(self, identity: str, *, owner: str | None = None) -> None:
        """Raises NotFound."""
        self._found(identity, owner)
        with self._connecting() as connection:
            rows.delete(connection, identity)

    def models(self) -> list[str]:
        """The language models that can be asked. Raises RunError where there is no server."""
        return self._provider.models(timeout=LISTING_TIMEOUT) if self._provider is not None else []

    def templates(self) -> Templates:
        return self._templates

    # --- the conversation -------------------------------------------------------------------------------------

    def say(self, identity: str, text: str, *, owner: str | None = None, version: int | None = None) -> Reply:
        """One turn. Raises NotFound, SessionClosed, SessionMoved, SourceError."""
        *_, reply = self.stream(identity, text, owner=owner, version=version)
        assert isinstance(reply, Reply)
        return reply

    def stream(
        self, identity: str, text: str, *, owner: str | None = None, version: int | None = None
    ) -> Iterator[str | Reply]:
        """The same, in pieces: those of the text as they come, and at the end the Reply, whose `text` is all of it."""
        started = time.monotonic()
        heard, moved = self._hear(identity, text, owner, version)
        said: list[str] = []
        usage = Usage()
        if heard.session.mode == "model" and heard.session.state.open and self._interpreter is not None:
            for piece in self._interpreter.propose(heard.session, self._templates):
                if isinstance(piece, Proposals):
                    heard, usage = self._interpreted(heard, piece), piece.usage
                else:
                    said.append(piece)
                    yield piece
        if moved:
            heard.notices.insert(0, "Somebody else spoke in this session meanwhile; what both said is in it.")
        draft = self._settled(heard)
        rest = speech.answer(heard, facts(heard, self._templates), self._questions(heard.session), draft)
        lead = "".join(said)
        whole = f"{lead}\n\n{rest}" if lead.strip() and rest else rest or lead
        heard.session = heard.session.saying("builder", whole, datetime.now(UTC))
        self._save(replace(heard.session, version=heard.session.version + 1), onto=True)
        yield whole[len(lead) :]
        yield self._reply(heard, whole, usage, time.monotonic() - started)

    def schema(self, identity: str, *, owner: str | None = None) -> Preview:
        """The draft as it is now, with its plan. Raises NotFound, SourceError."""
        session = self._found(identity, owner)
        template = self._templates.get(session.template)
        if template is None or completeness(session, self._templates).missing:
            return preview_of(session, Draft(), self._questions(session))
        draft = self._workshop.draft(session, template, with_plan=True)
        return preview_of(session, draft, self._questions(session))

    def finalize(
        self, identity: str, author: Author, *, owner: str | None = None, version: int | None = None
    ) -> Finalized:
        """Writes the draft as a proposal, in the author's name: it is checked once more, on what the source says now.

        Raises NotFound, SessionClosed, SessionMoved; Refused while something is missing or not sound, SourceMoved.
        """
        session = self._found(identity, owner)
        _require_open(session)
        _require_version(session, version)
        missing = completeness(session, self._templates).missing
        template = self._templates.get(session.template)
        if template is None or missing or session.conflicts:
            told = ", ".join(missing) or "a contradiction is open"
            raise Refused(f"the draft is not complete: {told}", hint="answer what is asked first")
        draft = self._workshop.draft(session, template)
        _require_sound(draft)
        summary = speech.summary(session, template, draft)
        # The session is closed first: of two who finalize at once only one writes.
        closing = replace(session, state=SessionState.FINALIZED, version=session.version + 1, asked=())
        self._save(closing)
        try:
            title = speech.title(session, template, draft)
            proposal = Proposal(title, draft.changes, author, summary)
            proposed = self._workshop.writer().propose(proposal)
        except BaseException:
            self._save(
                replace(closing, state=session.state, asked=session.asked, version=closing.version + 1)
            )
            raise
        return Finalized(self.session(identity, owner=owner), proposed, agent_of(draft), summary)

    # --- inside -----------------------------------------------------------------------------------------------

    def _hear(self, identity: str, text: str, owner: str | None, version: int | None) -> tuple[Heard, bool]:
        """Takes a message down, and keeps it: whatever happens to a model afterwards, it was said. The second value
        tells whether somebody else spoke meanwhile."""
        for attempt in range(_TRIES):
            session = self._found(identity, owner)
            _require_open(session)
            _require_version(session, version)
            if len(session.messages) >= MOST_MESSAGES:
                raise SessionClosed("the conversation has become too long", hint="finalize it, or fork it")
            heard = hear(session, text, self._templates, self._workshop.type_names, datetime.now(UTC))
            heard.session = self._with_model_slots(heard.session)
            if session.mode == "guided":
                return heard, attempt > 0
            heard.session = replace(heard.session, version=session.version + 1)
            if self._stored(heard.session):
                return heard, attempt > 0
        raise SessionMoved("others keep speaking in this session", hint="say it again")

    def _interpreted(self, heard: Heard, proposals: Proposals) -> Heard:
        session, taken = laid_over(heard.session, proposals, self._templates)
        heard.taken += [name for name in taken if name not in heard.taken]
        session = replace(session, usage=session.usage + proposals.usage)
        if proposals.failure is not None:
            notice, lost = speech.model_failed(proposals.failure)
            heard.notices.append(notice)
            if lost:
                session = replace(session, mode="guided", fallen_back=True)
        heard.session = self._with_model_slots(session)
        return heard

    def _settled(self, heard: Heard) -> Draft | None:
        """Gives the session its state and questions; with the draft, if there is nothing more to be asked."""
        session = heard.session
        if not session.state.open or session.state is SessionState.CONFIRMED:
            return None
        template = self._templates.get(session.template)
        draft: Draft | None = None
        state = SessionState.COLLECTING
        if template is not None and not session.conflicts and not self._questions(session):
            draft = self._workshop.draft(session, template)
            heard.notices += draft.left_out
            if draft.left_out and draft.kept_edits is not None:
                session = _with_edits(session, draft.kept_edits)
            record = DraftRecord(draft.digest, draft.yaml, draft.sound, tuple(str(p) for p in draft.problems))
            session = replace(session.with_draft(record), refused=dict(draft.refused or {}))
            if not self._questions(session):
                state = SessionState.PREVIEW if draft.sound else SessionState.DRAFTING
            elif session.refused:
                state = SessionState.DRAFTING
        session = next_questions(replace(session, state=state), self._templates)
        heard.session = session
        return draft

    def _questions(self, session: Session) -> tuple[Question, ...]:
        return open_questions(session, self._templates) if session.state.open else ()

    def _mode(self, model: str, guided: bool) -> tuple[Mode, str]:
        """Raises ModelMissing, or what keeps the server from answering, for a model that was named."""
        if guided or self._provider is None:
            return "guided", ""
        try:
            known = self.models()
        except RunError:
            if model:
                raise
            return "guided", ""
        if model and not {model, f"{model}:latest"} & set(known):
            hint = f"there are {', '.join(known)}" if known else f"ollama pull {model}"
            raise ModelMissing(f"there is no model `{model}`", hint=hint)
        chosen = model or (known[0] if known else "")
        return ("model", chosen.removesuffix(":latest")) if chosen else ("guided", "")

    def _with_model_slots(self, session: Session) -> Session:
        """Where a model leads the conversation, a model is what the agent is proposed to use, too."""
        template = self._templates.get(session.template)
        if session.mode != "model" or template is None or template.slot("engine") is None:
            return session
        for name, value in (("engine", "model"), ("model", session.model)):
            if name not in session.slots:
                session = session.with_slot(name, Slot(value, Source.DEFAULTED))
        return session

    def _found(self, identity: str, owner: str | None) -> Session:
        with self._connecting() as connection:
            row = rows.find(connection, identity)
        if row is None or (owner is not None and row.owner != owner):
            raise NotFound(f"there is no session {identity[:40]}", hint="reconcile build --list shows yours")
        return session_of(row).at(utc_now())

    def _save(self, session: Session, *, onto: bool = False) -> None:
        """Raises SessionMoved. `onto`: what somebody else said meanwhile is kept, and this laid over it."""
        if self._stored(session):
            return
        if not onto:
            raise SessionMoved("somebody else spoke in this session", hint="look at it again, then go on")
        for _ in range(_TRIES):
            newer = self._found(session.id, None)
            merged = _merged(newer, session)
            if self._stored(merged):
                return
        raise SessionMoved("others keep speaking in this session", hint="say it again")

    def _stored(self, session: Session) -> bool:
        """A turn does not wait for the disk; what is written to the source does."""
        durable = session.state is SessionState.FINALIZED
        with self._connecting() as connection:
            return rows.save(connection, row_of(session), durable=durable)

    def _view(self, session: Session) -> SessionView:
        template = self._templates.get(session.template)
        labels = {spec.name: spec.label for spec in template.slots} if template else {}
        return SessionView(
            id=session.id,
            state=session.state,
            owner=session.owner,
            template=session.template,
            mode=session.mode,
            model=session.model,
            version=session.version,
            created_at=session.created_at,
            updated_at=session.updated_at,
            expires_at=session.expires_at,
            messages=session.messages,
            slots=tuple(
                SlotView(name, labels.get(name, name), slot.value, slot.source)
                for name, slot in session.slots.items()
            ),
            questions=self._questions(session),
            completeness=completeness(session, self._templates),
            draft=self._summary(session),
            usage=session.usage,
        )

    def _summary(self, session: Session) -> DraftSummary | None:
        template = self._templates.get(session.template)
        if template is None:
            return None
        checked = session.state in (SessionState.PREVIEW, SessionState.CONFIRMED, SessionState.FINALIZED)
        return draft_summary(self._workshop.summary_documents(session, template), checked=checked)

    def _reply(self, heard: Heard, text: str, usage: Usage, seconds: float) -> Reply:
        session = self._found(heard.session.id, None)
        return Reply(
            session=session.id,
            version=session.version,
            state=session.state,
            text=text,
            notices=tuple(heard.notices),
            questions=self._questions(session),
            completeness=completeness(session, self._templates),
            draft=self._summary(session),
            mode=session.mode,
            usage=usage,
            seconds=seconds,
        )


def _with_edits(session: Session, kept: Sequence[Mapping[str, Any]]) -> Session:
    """Those that fit; where there are none, they are asked for again."""
    slot = session.slots["edits"]
    return session.with_slot("edits", replace(slot, value=[*kept])) if kept else session.without_slot("edits")


def _merged(newer: Session, ours: Session) -> Session:
    """What somebody else said while we were busy, with what was said to us: both stay, theirs where both filled a
    slot."""
    said = [message for message in ours.messages if message not in newer.messages]
    return replace(
        newer,
        template=newer.template or ours.template,
        slots={**ours.slots, **newer.slots},
        messages=(*newer.messages, *said),
        usage=newer.usage + ours.usage,
        version=newer.version + 1,
    )


def _require_open(session: Session) -> None:
    if not session.state.open:
        raise SessionClosed(
            f"the session is {session.state.value}", hint="fork it to go on from here, or start anew"
        )


def _require_version(session: Session, version: int | None) -> None:
    if version is not None and version != session.version:
        raise SessionMoved(
            f"the session is at version {session.version}, not {version}: somebody else spoke in it",
            hint="look at it again, then go on",
        )


def _require_sound(draft: Draft) -> None:
    """Raises ManifestsInvalid, Refused."""
    if draft.errors:
        raise ManifestsInvalid(draft.errors, hint="say what shall be different")
    failed = [v.test for r in draft.rehearsals for v in r.verdicts if not v.passed]
    if failed:
        raise Refused(f"the draft fails its own test `{failed[0]}`", hint="say what shall be different")
    if not draft.changes:
        raise Refused("nothing would change", hint="the source says all of this already")


def _brief(session: Session) -> SessionBrief:
    name, purpose = session.value("name") or session.value("type"), session.value("purpose")
    title = str(purpose or name or "not yet said")
    return SessionBrief(
        session.id,
        session.state,
        session.owner,
        session.template,
        title[:80],
        session.version,
        session.updated_at,
        session.expires_at,
    )


__all__ = ["AgentBuilderService", "Connecting", "change"]

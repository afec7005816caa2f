"""AgentBuilderService: from a conversation to a proposal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.builder import speech
from reconciler.builder.modelling import Conditions, Interpreter
from reconciler.builder.overview import brief_of, view_of
from reconciler.builder.preview import agent_of, preview_of
from reconciler.builder.questions import completeness, next_questions, open_questions
from reconciler.builder.session import new_session
from reconciler.builder.store import Connecting, SessionStore, require_open, require_version
from reconciler.builder.templates.installed import Templates
from reconciler.builder.turns import Turns
from reconciler.builder.views import (
    Finalized,
    Mode,
    Preview,
    Reply,
    SessionBrief,
    SessionState,
    SessionView,
    Usage,
)
from reconciler.builder.workshop import Draft, Workshop
from reconciler.control.proposals import Author, Proposal
from reconciler.control.proposing import HazardsStop
from reconciler.errors import ManifestsInvalid, ModelMissing, Refused, RunError
from reconciler.llm.provider import LLMProvider
from reconciler.plans.plan import stopping

LISTING_TIMEOUT = 3.0
"""Seconds that a server has to name its models, before somebody goes on without."""


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
        self._workshop, self._templates, self._provider = workshop, templates, provider
        self._store, conditions = SessionStore(connecting), conditions or Conditions()
        self._usual_model = conditions.model
        interpreter = Interpreter(provider, conditions) if provider is not None else None
        self._turns = Turns(self._store, workshop, templates, interpreter)

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
        session = self._turns.with_model_slots(session)
        session = next_questions(session, self._templates)
        greeting = speech.greeting(session, open_questions(session, self._templates), wanted_model=not guided)
        session = session.saying("builder", greeting, datetime.now(UTC))
        self._store.insert(session)
        if text.strip():
            self.say(session.id, text, owner=owner)
        return self.session(session.id, owner=owner)

    def session(self, identity: str, *, owner: str | None = None) -> SessionView:
        """Raises NotFound."""
        return view_of(self._store.find(identity, owner), self._templates, self._workshop)

    def list_sessions(self, *, owner: str | None = None, limit: int = 50) -> list[SessionBrief]:
        """The one last spoken in first."""
        return [brief_of(session) for session in self._store.listed(owner, limit)]

    def resume(
        self, identity: str, *, owner: str | None = None, model: str = "", guided: bool = False
    ) -> SessionView:
        """A session to go on with, after a pause or a restart. `model` and `guided` are as for `start`; neither: as it
        was, and if its model had gone away, with the model if that is back. Raises NotFound, SessionClosed."""
        session = self._store.find(identity, owner)
        require_open(session)
        if guided or model or session.fallen_back:
            mode, name = self._mode(model, guided, session.model)
            still_gone = session.fallen_back and mode == "guided" and not guided
            changed = replace(session, mode=mode, model=name, fallen_back=still_gone)
            self._store.save(replace(next_questions(changed, self._templates), version=session.version + 1))
        return self.session(identity, owner=owner)

    def fork(self, identity: str, *, owner: str, of: str | None = None) -> SessionView:
        """A new session of `owner` that knows all that another one (of the owner `of`, None for any) does, whatever
        became of that. Raises NotFound."""
        session = self._store.find(identity, of)
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
        self._store.insert(next_questions(copied, self._templates))
        return self.session(blank.id, owner=owner)

    def delete(self, identity: str, *, owner: str | None = None) -> None:
        """Raises NotFound."""
        self._store.find(identity, owner)
        self._store.delete(identity)

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
        return self._turns.stream(identity, text, owner=owner, version=version)

    def schema(self, identity: str, *, owner: str | None = None) -> Preview:
        """The draft as it is now, with its plan. Raises NotFound, SourceError."""
        session = self._store.find(identity, owner)
        template = self._templates.get(session.template)
        if template is None or completeness(session, self._templates).missing:
            return preview_of(session, Draft(), open_questions(session, self._templates))
        draft = self._workshop.draft(session, template, with_plan=True)
        return preview_of(session, draft, open_questions(session, self._templates))

    def finalize(
        self,
        identity: str,
        author: Author,
        *,
        owner: str | None = None,
        version: int | None = None,
        allow: Sequence[str] | None = None,
    ) -> Finalized:
        """Writes the draft as a proposal, in the author's name: it is checked once more, on what the source says now.
        Where the caller applies it at once, `allow` are the hazards that may pass; None: people look at it first.

        Raises NotFound, SessionClosed, SessionMoved; Refused while something is missing or not sound, HazardsStop,
        SourceMoved. Nothing is written then, and the session is open still.
        """
        session = self._store.find(identity, owner)
        require_open(session)
        require_version(session, version)
        missing = completeness(session, self._templates).missing
        template = self._templates.get(session.template)
        if template is None or missing or session.conflicts:
            told = ", ".join(missing) or "a contradiction is open"
            raise Refused(f"the draft is not complete: {told}", hint="answer what is asked first")
        draft = self._workshop.draft(session, template, with_plan=allow is not None)
        _require_sound(draft)
        if allow is not None and draft.plan is not None and stopping(draft.plan.hazards, allow):
            raise HazardsStop(draft.plan, allow)
        summary = speech.summary(session, template, draft)
        # The session is closed first: of two who finalize at once only one writes.
        closing = replace(session, state=SessionState.FINALIZED, version=session.version + 1, asked=())
        self._store.save(closing)
        try:
            title = speech.title(session, template, draft)
            proposal = Proposal(title, draft.changes, author, summary)
            proposed = self._workshop.writer().propose(proposal)
        except BaseException:
            self._store.save(
                replace(closing, state=session.state, asked=session.asked, version=closing.version + 1)
            )
            raise
        return Finalized(self.session(identity, owner=owner), proposed, agent_of(draft), summary)

    # --- inside -----------------------------------------------------------------------------------------------

    def _mode(self, model: str, guided: bool, before: str = "") -> tuple[Mode, str]:
        """With the model that was named; else, if it is there, the one `before`, the usual one, or any. Raises
        ModelMissing, or what keeps the server from answering, for a model that was named."""
        if guided or self._provider is None:
            return "guided", ""
        try:
            known = [name.removesuffix(":latest") for name in self.models()]
        except RunError:
            if model:
                raise
            return "guided", ""
        wanted = model.removesuffix(":latest")
        if wanted and wanted not in known:
            hint = f"there are {', '.join(known)}" if known else f"ollama pull {model}"
            raise ModelMissing(f"there is no model `{model}`", hint=hint)
        preferred = [name.removesuffix(":latest") for name in (wanted, before, self._usual_model)]
        chosen = next((name for name in (*preferred, *known) if name in known), "")
        return ("model", chosen) if chosen else ("guided", "")


def _require_sound(draft: Draft) -> None:
    """Raises ManifestsInvalid, Refused."""
    if draft.errors:
        raise ManifestsInvalid(draft.errors, hint="say what shall be different")
    failed = [v.test for r in draft.rehearsals for v in r.verdicts if not v.passed]
    if failed:
        raise Refused(f"the draft fails its own test `{failed[0]}`", hint="say what shall be different")
    if not draft.changes:
        raise Refused("nothing would change", hint="the source says all of this already")

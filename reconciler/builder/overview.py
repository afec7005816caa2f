"""What callers are shown of a session: all of it, a line of a list, the draft in short."""

from __future__ import annotations

from reconciler.builder.preview import draft_summary
from reconciler.builder.questions import completeness, open_questions
from reconciler.builder.session import Session
from reconciler.builder.templates.installed import Templates
from reconciler.builder.views import DraftSummary, SessionBrief, SessionState, SessionView, SlotView
from reconciler.builder.workshop import Workshop

_LONGEST_TITLE = 80


def view_of(session: Session, templates: Templates, workshop: Workshop) -> SessionView:
    template = templates.get(session.template)
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
        questions=open_questions(session, templates),
        completeness=completeness(session, templates),
        draft=summary_of(session, templates, workshop),
        usage=session.usage,
    )


def summary_of(session: Session, templates: Templates, workshop: Workshop) -> DraftSummary | None:
    """None while too little is known for a draft."""
    template = templates.get(session.template)
    if template is None:
        return None
    checked = session.state in (SessionState.PREVIEW, SessionState.CONFIRMED, SessionState.FINALIZED)
    return draft_summary(workshop.summary_documents(session, template), checked=checked)


def brief_of(session: Session) -> SessionBrief:
    name, purpose = session.value("name") or session.value("type"), session.value("purpose")
    title = str(purpose or name or "not yet said")
    return SessionBrief(
        session.id,
        session.state,
        session.owner,
        session.template,
        title[:_LONGEST_TITLE],
        session.version,
        session.updated_at,
        session.expires_at,
    )

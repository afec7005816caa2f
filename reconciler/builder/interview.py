"""One turn: what a person said -> the session that knows it. By rules alone, and a pure function of its arguments.

What a model understands besides is laid over the result by `modelling`; it never takes back what is understood here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from reconciler.builder import amending
from reconciler.builder.questions import TEMPLATE, in_words
from reconciler.builder.session import Conflict, Session
from reconciler.builder.slots import EMPTY, Slot, SlotKind, SlotSpec, effective
from reconciler.builder.templates import change
from reconciler.builder.templates.installed import Templates
from reconciler.builder.templates.template import Template
from reconciler.builder.understanding import limits, wording
from reconciler.builder.understanding.answers import answer_to
from reconciler.builder.understanding.editing import edits_in
from reconciler.builder.understanding.fields import fields_of_sample
from reconciler.builder.understanding.free_text import said_in, template_in
from reconciler.builder.understanding.pasted import Parts, parted
from reconciler.builder.understanding.secrets import without_secrets
from reconciler.builder.views import SessionState, Source

LONGEST_TEXT = 20_000
"""Characters of one message that are read."""
_LAX = frozenset({SlotKind.NAME, SlotKind.TEXT, SlotKind.FIELDS, SlotKind.CATEGORIES})
"""Kinds that would find an answer in nearly any text."""
_SAYS_PURPOSE = 4
"""Words that a first message has at least if it says what the agent is for."""

_HOW_TO_ANSWER = (
    "Answer in your own words, or leave it empty where there is something to fall back on. Nothing is final: whatever "
    "was said can be changed by saying so, and nothing is written before you say yes."
)

KnownTypes = Callable[[], Collection[str]]
"""Names of the agent types that the source has."""


@dataclass(slots=True)
class Heard:
    """What came of a message so far. `taken` are slots that got a value by it."""

    session: Session
    notices: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def take(self, name: str, value: Any, source: Source = Source.SAID, *, loose: bool = False) -> None:
        self.session = self.session.with_slot(name, Slot(value, source, loose))
        self.taken.append(name)


def hear(session: Session, text: str, templates: Templates, known_types: KnownTypes, now: datetime) -> Heard:
    """The session after a message. Its state is left to the turn, but for yes and goodbye."""
    cleaned = without_secrets(text[:LONGEST_TEXT], secret_variable(session, text))
    heard = Heard(session.saying("user", cleaned.text, now))
    if cleaned.nouns:
        _note_secret(heard, cleaned.nouns, secret_variable(session, text))
    parts = parted(cleaned.text)
    if wording.is_quit(parts.own):
        heard.session = replace(heard.session, state=SessionState.ABANDONED, asked=())
        return heard
    if session.state in (SessionState.PREVIEW, SessionState.CONFIRMED) and wording.is_yes(parts.own):
        heard.session = replace(heard.session, state=SessionState.CONFIRMED)
        return heard
    heard.notices += limits.refusals(parts.own)
    if session.conflicts and _decide(heard, parts.own):
        return heard
    _understand(heard, parts, templates, known_types)
    return heard


def secret_variable(session: Session, text: str) -> str:
    """The environment variable for a secret that was just said, by what the talk is about."""
    return _secret_names(session, text)[1]


# --- inside ---------------------------------------------------------------------------------------------------------


def _understand(heard: Heard, parts: Parts, templates: Templates, known_types: KnownTypes) -> None:
    if not heard.session.template:
        _find_template(heard, parts.own, templates, known_types)
    template = templates.get(heard.session.template)
    if _asked_back(heard, parts, template) or template is None:
        return
    question = next((spec for name in heard.session.asked if (spec := template.slot(name))), None)
    if question is not None and not parts.pasted and _leaves_open(question, parts.own):
        _take_default(heard, question, template)
        return
    before = heard.session.slots
    if template.name == change.NAME:
        amending.note_edits(heard, edits_in(parts.own))
    else:
        amending.amend(heard, edits_in(parts.own), template)
    amended = heard.session.slots is not before
    answered = not amended and question is not None and _answer(heard, question, parts, template)
    if not amended:
        _listen(heard, parts.own, template, question, answered=answered)
        _take_list(heard, parts.own, template)
    _learn_from_pasted(heard, parts, template)
    _note_purpose(heard, parts.own, template)
    if limits.wants_clock(parts.own) and template.slot("schedule") is None:
        heard.notices.append(
            "An agent of this kind works when something is handed to it; there is nothing it could fetch by the clock."
        )


def _asked_back(heard: Heard, parts: Parts, template: Template | None) -> bool:
    """Whether the text is a question that says nothing; it is answered with how to go on."""
    if heard.taken or parts.pasted or not wording.asks_back(parts.own):
        return False
    if template is not None and any(said_in(parts.own, template)):
        return False
    heard.notices.append(_HOW_TO_ANSWER)
    return True


def _find_template(heard: Heard, own: str, templates: Templates, known_types: KnownTypes) -> None:
    wanted = change.wanted_type(own, known_types) if change.speaks_of_change(own) else ""
    if wanted:
        heard.session = replace(heard.session, template=change.NAME)
        heard.take("type", wanted)
        return
    options = templates.names()
    chosen = options[int(own) - 1] if own.isdigit() and 0 < int(own) <= len(options) else ""
    found = chosen or template_in(own, templates.all())
    if found:
        heard.session = replace(heard.session, template=found)
        heard.taken.append(TEMPLATE)


def _leaves_open(question: SlotSpec, own: str) -> bool:
    """Whether the choice is left to the default; a yes is one to a default that is something."""
    agreed = wording.is_yes(own) and question.offered and question.kind not in EMPTY
    return agreed or wording.is_default(own)


def _take_default(heard: Heard, question: SlotSpec, template: Template) -> None:
    values = effective(template.slots, heard.session.slots)
    if question.default is not None and question.name not in heard.session.refused:
        heard.take(question.name, question.default(values), Source.DEFAULTED)
    else:
        heard.notices.append(f"There is no default for {question.label}.")


def _answer(heard: Heard, question: SlotSpec, parts: Parts, template: Template) -> bool:
    """Whether the text answered the question."""
    said = {name for name, _ in said_in(parts.own, template)}
    if question.kind in _LAX and (wording.is_yes(parts.own) or (said and question.name not in said)):
        return False
    values = effective(template.slots, heard.session.slots)
    answer = answer_to(question, parts.own, values)
    if answer is None:
        return False
    if parts.pasted and question.kind in _LAX and question.name not in said:
        return False
    conflicting = question.name in said and question.kind not in _LAX
    heard.take(question.name, answer.value, loose=answer.loose and not conflicting)
    return True


def _listen(heard: Heard, own: str, template: Template, question: SlotSpec | None, *, answered: bool) -> None:
    """Takes everything else that is said. An answer of a kind leaves nothing for other slots of this kind; what makes
    the question meaningless answers it as well, and is no contradiction."""
    changes = wording.changes_mind(own)
    for name, value in said_in(own, template):
        spec = template.slot(name)
        assert spec is not None, "a slot of this template"
        values = effective(template.slots, heard.session.slots)
        if answered and question is not None and (name == question.name or spec.kind is question.kind):
            continue
        if spec.open_options is not None and value not in spec.choices(values):
            continue
        settles = question is not None and not question.asked_if({**values, name: value})
        _merge(heard, spec, value, overrides=changes or settles)


def _take_list(heard: Heard, own: str, template: Template) -> None:
    """A bare list, where nothing else was heard and fields are known by guesswork alone, names them."""
    spec, known = template.slot("details"), heard.session.slots.get("details")
    if spec is None or known is None or not known.loose or heard.taken:
        return
    answer = answer_to(spec, own, {})
    if answer is not None and not answer.loose and len(answer.value) > 1:
        heard.take("details", answer.value)


def _merge(heard: Heard, spec: SlotSpec, value: Any, *, overrides: bool) -> None:
    known = heard.session.slots.get(spec.name)
    if known is None or known.source is not Source.SAID or known.loose or overrides:
        if known is None or known.value != value:
            heard.take(spec.name, value)
        return
    if known.value == value:
        return
    joined = _joined(spec, known.value, value)
    if joined is not None:
        if joined != known.value:
            heard.take(spec.name, joined)
        return
    conflict = Conflict(spec.name, known.value, value)
    heard.session = replace(heard.session, conflicts=(*heard.session.conflicts, conflict))


def _joined(spec: SlotSpec, before: Any, now: Any) -> Any:
    """What two sayings come to that do not contradict each other; None where they do."""
    if spec.kind is SlotKind.FIELDS:
        clashing = [name for name in now if name in before and before[name]["type"] != now[name]["type"]]
        return None if clashing else {**before, **{name: now[name] for name in now if name not in before}}
    if spec.kind is SlotKind.CATEGORIES:
        return now if set(now) >= set(before) else before if set(now) <= set(before) else None
    if spec.kind is SlotKind.HOSTS:
        return [*dict.fromkeys([*before, *now])] if before else None
    return None


def _decide(heard: Heard, own: str) -> bool:
    """Whether the text decides the oldest contradiction."""
    conflict, *others = heard.session.conflicts
    lowered = own.lower().strip(" .!")
    before, now = in_words(conflict.before).lower(), in_words(conflict.now).lower()
    says_first = wording.has_cue(
        lowered, ("first", "former", "old", "earlier", "before", "keep", "1", "erste", "premier")
    )
    says_now = wording.has_cue(
        lowered, ("second", "latter", "new", "now", "last", "later", "2", "zweite", "second")
    )
    chosen = conflict.now if wording.is_default(own) or lowered == now else None
    if lowered == before or (before in lowered and now not in lowered):
        chosen = conflict.before
    elif now in lowered and before not in lowered:
        chosen = conflict.now
    elif says_first != says_now:
        chosen = conflict.before if says_first else conflict.now
    if chosen is None:
        return False
    heard.session = replace(heard.session, conflicts=tuple(others))
    heard.take(conflict.slot, chosen)
    return True


def _learn_from_pasted(heard: Heard, parts: Parts, template: Template) -> None:
    """A pasted document shows fields, where none were named. It is an example: it says nothing else."""
    spec = template.slot("details")
    if spec is None or not parts.pasted or "details" in heard.session.slots or not spec.needed:
        return
    fields = fields_of_sample("\n".join(parts.pasted))
    if fields:
        heard.take("details", fields, Source.INFERRED)
        heard.notices.append(
            f"The document shows these fields: {', '.join(fields)}. Say what is wrong or missing."
        )


def _note_purpose(heard: Heard, own: str, template: Template) -> None:
    if template.slot("purpose") is None or "purpose" in heard.session.slots:
        return
    if len(own.split()) >= _SAYS_PURPOSE and len(heard.session.messages) <= 2:
        heard.session = heard.session.with_slot(
            "purpose", Slot(" ".join(own.split())[:500], Source.INFERRED, True)
        )


def _note_secret(heard: Heard, nouns: Collection[str], variable: str) -> None:
    told = " and ".join(nouns)
    heard.notices.append(
        f"That was {told}: it was taken out and is kept nowhere. Put it into the environment variable {variable}, which"
        " is all that a manifest names; have it renewed if others could read along."
    )
    secret, _ = _secret_names(heard.session, " ".join(message.text for message in heard.session.messages))
    known = heard.session.value("secrets") or {}
    if secret:
        heard.session = heard.session.with_slot("secrets", Slot({**known, secret: variable}, Source.INFERRED))


def _secret_names(session: Session, text: str) -> tuple[str, str]:
    """Secret as the template calls it, empty where it has no use for one, and the variable for it."""
    lowered = text.lower()
    about_mailbox = wording.has_cue(lowered, ("imap", "mailbox", "inbox", "postfach", "posteingang"))
    match session.template:
        case "email" if about_mailbox or session.value("intake") == "mailbox":
            return "imap_password", "IMAP_PASSWORD"
        case "email":
            return "smtp_password", "SMTP_PASSWORD"
        case "knowledge-base":
            return "http_token", "HTTP_TOKEN"
        case "":
            return ("imap_password", "IMAP_PASSWORD") if about_mailbox else ("", "SECRET_VALUE")
        case _:
            return "", "SECRET_VALUE"

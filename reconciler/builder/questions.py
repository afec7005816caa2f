"""What to ask next: by what decides most of the draft, never what has been answered; and how complete it all is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.builder.session import Conflict, Session
from reconciler.builder.slots import SlotKind, SlotSpec, effective
from reconciler.builder.templates.installed import Templates
from reconciler.builder.templates.template import Template
from reconciler.builder.views import Completeness, Question, SessionState

TEMPLATE = "template"
"""The slot of the first question of all."""
_TEMPLATE_WEIGHT = 10
_TELLABLE = frozenset({SlotKind.CHOICE, SlotKind.ADDRESS, SlotKind.HOST, SlotKind.SCHEDULE})
"""Kinds of which an answer can be told from the answer to another question."""


def open_questions(session: Session, templates: Templates) -> tuple[Question, ...]:
    """One, or two where a model listens that can tell two answers apart; none where nothing is left to be asked, or
    nobody may answer any more."""
    if not session.state.open:
        return ()
    if session.conflicts:
        return (_decision(session.conflicts[0], templates.get(session.template)),)
    template = templates.get(session.template)
    if template is None:
        return (_which_template(templates),)
    values = effective(template.slots, session.slots)
    specs = [*unanswered(session, template)]
    chosen = specs[:1]
    if session.mode == "model" and len(specs) > 1 and not session.refused:
        chosen += [spec for spec in specs[1:] if spec.kind in _TELLABLE and spec.kind is not specs[0].kind][
            :1
        ]
    return tuple(_question(spec, values, session.refused.get(spec.name, "")) for spec in chosen)


def next_questions(session: Session, templates: Templates) -> Session:
    """With the questions that are open now."""
    asked = tuple(question.slot for question in open_questions(session, templates))
    return replace(session, asked=asked)


def unanswered(session: Session, template: Template) -> Iterator[SlotSpec]:
    """Refused slots first, then what weighs most."""
    values = effective(template.slots, session.slots)
    refused = [spec for spec in template.slots if spec.name in session.refused]
    yield from refused
    left = [
        spec
        for spec in template.slots
        if spec.asked and spec.name not in session.slots and spec.asked_if(values) and spec not in refused
    ]
    yield from sorted(left, key=lambda spec: (not spec.needed, -spec.weight))


def completeness(session: Session, templates: Templates) -> Completeness:
    template = templates.get(session.template)
    if template is None:
        return Completeness(0.0, ("what kind of agent it is",))
    values = effective(template.slots, session.slots)
    asked = [spec for spec in template.slots if spec.asked and spec.asked_if(values)]
    left = [*unanswered(session, template)]
    whole = _TEMPLATE_WEIGHT + sum(spec.weight for spec in asked)
    missing = sum(spec.weight for spec in left if spec in asked) + len(session.conflicts)
    share = 1.0 if session.state is SessionState.FINALIZED else max(0.0, 1 - missing / whole)
    return Completeness(round(share, 2), tuple(spec.label for spec in left))


def in_words(value: Any) -> str:
    """A value of a slot as one would say it."""
    match value:
        case "" | None:
            return "none"
        case dict() | list() if not value:
            return "none"
        case dict():
            return ", ".join(str(key) for key in value)
        case [{"operation": _}, *_]:
            return "; ".join(map(_edit, value))
        case list():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


def _edit(edit: dict[str, Any]) -> str:
    verb, _, noun = str(edit["operation"]).partition("_")
    to = f" to {edit['value']}" if verb == "rename" else ""
    return f"{verb} the {noun} {edit['name']}{to}"


def _which_template(templates: Templates) -> Question:
    told = "\n".join(f"  {template.name}: {template.description}" for template in templates.all())
    return Question(
        TEMPLATE,
        f"What shall the agent do? In your own words, or one of these:\n{told}",
        options=templates.names(),
        example=templates.all()[0].example,
    )


def _decision(conflict: Conflict, template: Template | None) -> Question:
    spec = template.slot(conflict.slot) if template else None
    label = spec.label if spec else conflict.slot
    before, now = in_words(conflict.before), in_words(conflict.now)
    return Question(
        conflict.slot,
        f"Two things were said of {label}: first {before}, now {now}. Which shall it be?",
        options=(before, now),
    )


def _question(spec: SlotSpec, values: dict[str, Any], refused: str) -> Question:
    text = f"{refused} {spec.question}" if refused else spec.question
    default = ""
    if spec.offered and not refused and spec.default is not None:
        default = spec.default_words or in_words(spec.default(values))
    return Question(spec.name, text, spec.choices(values), default, spec.example)

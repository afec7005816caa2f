"""What the builder says, put together by code: greetings, answers, notices, summaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.builder.interview import Heard
from reconciler.builder.questions import TEMPLATE, in_words
from reconciler.builder.session import Session
from reconciler.builder.templates import change
from reconciler.builder.templates.installed import Templates
from reconciler.builder.templates.template import Template
from reconciler.builder.views import Question, SessionState, Source
from reconciler.builder.workshop import Draft
from reconciler.errors import InvalidOutput, RunError, Truncated

_GUIDED = "No language model answers, so I go by fixed questions and rules."
_READY = "The draft is complete and passes every check. Say yes to have it written, or say what shall be different."


def greeting(session: Session, questions: Sequence[Question], *, wanted_model: bool) -> str:
    lines = []
    if session.mode == "model":
        lines.append(f"I listen with the language model {session.model}.")
    elif wanted_model:
        lines.append(_GUIDED)
    return "\n".join([*lines, *map(question_text, questions)])


def question_text(question: Question) -> str:
    lines = [question.text]
    if question.options and "\n" not in question.text:
        lines.append(f"  one of: {', '.join(question.options)}")
    if question.default:
        lines.append(f"  without an answer: {question.default}")
    if question.example and question.example != question.default:
        lines.append(f"  such as: {question.example}")
    return "\n".join(lines)


def answer(heard: Heard, templates: Templates, questions: Sequence[Question], draft: Draft | None) -> str:
    """What is said after a turn, model or none."""
    state = heard.session.state
    if state is SessionState.ABANDONED:
        return "The conversation is over; nothing was written."
    lines = [*facts(heard, templates), *heard.notices]
    if not heard.taken and not heard.notices and questions and state is SessionState.COLLECTING:
        lines.append("I could not make out an answer to that.")
    if state is SessionState.CONFIRMED:
        return "\n".join([*lines, "Confirmed: the draft can be written now."])
    if state is SessionState.PREVIEW:
        if not heard.taken and not heard.notices:
            lines.append("I could not make out what shall be different: the draft is as it was.")
        return "\n".join([*lines, _READY])
    if state is SessionState.DRAFTING and not questions:
        lines += _unsound(draft)
    return "\n".join([*lines, *map(question_text, questions)])


def facts(heard: Heard, templates: Templates) -> Iterator[str]:
    """What was understood, a sentence for each slot."""
    template = templates.get(heard.session.template)
    for name in dict.fromkeys(heard.taken):
        spec = template.slot(name) if template else None
        if name == TEMPLATE and template is not None:
            yield f"{template.title}: {template.description}."
        elif spec is not None and name in heard.session.slots:
            yield f"{spec.label.capitalize()}: {in_words(heard.session.value(name))}."


def model_failed(failure: RunError) -> tuple[str, bool]:
    """What to say of it, and whether the model is lost to the conversation."""
    if isinstance(failure, (InvalidOutput, Truncated)):
        return "The language model's answer could not be used; rules have read what you said.", False
    told = failure.message.rstrip(".")
    return (
        f"The language model does not answer ({told}). Nothing you said is lost; I go on by fixed questions and rules.",
        True,
    )


def title(session: Session, template: Template, draft: Draft) -> str:
    name = session.value("type") if template.name == change.NAME else draft.documents[0]["metadata"]["name"]
    verb = "Change" if template.name == change.NAME else "Add"
    return f"{verb} agent type {name}"


def summary(session: Session, template: Template, draft: Draft) -> str:
    """Markdown for whoever reviews the proposal: what was wanted, and where each answer comes from."""
    lines = [
        session.value("purpose") or f"{template.title}: {template.description}.",
        "",
        "What it is made of:",
        "",
    ]
    for name, slot in session.slots.items():
        spec = template.slot(name)
        if spec is not None and name != "purpose":
            lines.append(f"- {spec.label}: {in_words(slot.value)} ({_SOURCES[slot.source]})")
    questions = sum(message.role == "builder" for message in session.messages)
    tests = sum(len(rehearsal.verdicts) for rehearsal in draft.rehearsals)
    drafted = f"Drafted in a conversation of {questions} answers ({session.mode})."
    lines += ["", f"{drafted} It passes every check and its {tests} tests."]
    return "\n".join(lines)


_SOURCES = {Source.SAID: "said", Source.INFERRED: "inferred", Source.DEFAULTED: "default"}


def _unsound(draft: Draft | None) -> list[str]:
    if draft is None:
        return []
    lines = ["A check does not take this draft:"]
    lines += [
        f"- {problem.message}" + (f" ({problem.hint})" if problem.hint else "") for problem in draft.errors
    ]
    lines += [
        f"- the test `{verdict.test}` fails: {'; '.join(d.message for d in verdict.differences)}"
        for rehearsal in draft.rehearsals
        for verdict in rehearsal.verdicts
        if not verdict.passed
    ]
    if not draft.changes and not draft.errors:
        lines = ["Nothing would change: the source says all of this already."]
    return [*lines, "Say what shall be different."]

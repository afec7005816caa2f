"""The answer to one question, read by the kind of its slot."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from reconciler.builder.slots import EMPTY, Option, SlotKind, SlotSpec, Values
from reconciler.builder.understanding import wording
from reconciler.builder.understanding.addresses import addresses_in, hosts_in
from reconciler.builder.understanding.categories import categories_in, categories_said
from reconciler.builder.understanding.fields import fields_in
from reconciler.builder.understanding.naming import agent_name, said_name
from reconciler.builder.understanding.timing import schedule_in

_LONGEST_NAME = 4
"""Words of an answer that is taken for a name as it stands."""
_TALK = re.compile(
    r"\b(?:i|we|they|them|think|somewhere|maybe|perhaps|usually|actually|our)\b", re.IGNORECASE
)


class Answer(NamedTuple):
    """`loose`: no firm rule gave the value."""

    value: Any
    loose: bool = False


def answer_to(spec: SlotSpec, text: str, values: Values) -> Answer | None:
    """What the text answers; None where it answers nothing that fits the slot."""
    if spec.kind in EMPTY and not spec.needed and wording.is_none(text):
        return Answer(EMPTY[spec.kind])
    match spec.kind:
        case SlotKind.NAME:
            return _name(text)
        case SlotKind.CHOICE:
            return _choice(spec, text, values)
        case SlotKind.TEXT:
            return Answer(text.strip(), loose=True) if text.strip() else None
        case SlotKind.NUMBER:
            found = re.search(r"\d{1,7}", text.replace(",", "").replace(".", ""))
            return Answer(int(found[0])) if found else None
        case SlotKind.CATEGORIES:
            categories = categories_said(text) or categories_in(text)
            return Answer(categories, loose=len(categories) < 2) if categories else None
        case SlotKind.FIELDS:
            fields = fields_in(text)
            return Answer(fields, loose=_is_prose(text, len(fields))) if fields else None
        case SlotKind.ADDRESS:
            return next((Answer(address) for address in addresses_in(text)), None)
        case SlotKind.HOST:
            return next((Answer(host) for host in hosts_in(text) if not host.startswith("*.")), None)
        case SlotKind.HOSTS:
            hosts = hosts_in(text)
            return Answer(hosts) if hosts else None
        case SlotKind.SCHEDULE:
            schedule = schedule_in(text)
            return Answer(schedule) if schedule else None
        case _:
            return None


def option_in(options: tuple[Option, ...], text: str) -> str:
    """The option that a text means: by its value, else by most of its cues; empty where it is not clear."""
    lowered = text.lower()
    for option in options:
        if lowered.strip(" .!\"'") == option.value:
            return option.value
    scores = {option.value: wording.count_cues(lowered, (option.value, *option.cues)) for option in options}
    best = max(scores.values(), default=0)
    winners = [value for value, score in scores.items() if score == best]
    return winners[0] if best and len(winners) == 1 else ""


def _is_prose(text: str, fields: int) -> bool:
    """Whether fields were picked out of a sentence rather than read off a list."""
    return len(text.split()) > 5 * fields + 2 or bool(_TALK.search(text))


def _name(text: str) -> Answer | None:
    name = said_name(text) or (agent_name(text) if len(text.split()) <= _LONGEST_NAME else "")
    return Answer(name) if name else None


def _choice(spec: SlotSpec, text: str, values: Values) -> Answer | None:
    if spec.options and (value := option_in(spec.options, text)):
        return Answer(value)
    choices, lowered = spec.choices(values), text.lower()
    number = re.fullmatch(r"\W*(\d{1,2})\W*", text)
    if number and 0 < int(number[1]) <= len(choices):
        return Answer(choices[int(number[1]) - 1])
    if "none" in choices and wording.is_none(text):
        return Answer("none")
    named = [c for c in choices if wording.has_cue(lowered.replace("_", " "), (c.replace("_", " "),))]
    return Answer(named[0]) if len(named) == 1 else None

"""What a template asks for: slots, each of a kind that says which values it takes and how an answer is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.builder.views import Source

Values = Mapping[str, Any]
"""Slot -> value, of those that have one."""


class SlotKind(StrEnum):
    """The values are JSON: a text unless said otherwise. From FIELDS on, an empty value means none."""

    NAME = "name"
    """As agents are called: `support-mail`."""
    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    """An integer."""
    CATEGORIES = "categories"
    """Category -> words that speak for it; at least one."""
    FIELDS = "fields"
    """Field name -> what a manifest says of it."""
    ADDRESS = "address"
    HOST = "host"
    HOSTS = "hosts"
    """A list of hosts."""
    SCHEDULE = "schedule"
    """A cron expression."""
    SECRETS = "secrets"
    """Secret -> environment variable that holds it."""
    EDITS = "edits"
    """A list of changes of an existing type."""


EMPTY: Mapping[SlotKind, Any] = {
    SlotKind.FIELDS: {},
    SlotKind.ADDRESS: "",
    SlotKind.HOST: "",
    SlotKind.HOSTS: [],
    SlotKind.SCHEDULE: "",
    SlotKind.SECRETS: {},
    SlotKind.EDITS: [],
}
"""Kinds for which `none` is an answer, and the value it gives."""

PRIVILEGED = frozenset({SlotKind.ADDRESS, SlotKind.HOST, SlotKind.HOSTS, SlotKind.SCHEDULE, SlotKind.SECRETS})
"""What widens what an agent may reach or do by itself: set by the person's own words alone, never by a document they
paste, nor by a model."""


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers to a closed question. `cues` are words and phrases that mean it, in lower case."""

    value: str
    label: str
    cues: tuple[str, ...] = ()


Filled = Callable[[Values], Any]


def _always(values: Values) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SlotSpec:
    """`weight` is how much an answer decides of the draft: what weighs most is asked first.

    `needed`: without a value there is no draft. `offered`: it is asked about once, and its default is taken by an empty
    answer; any other slot takes its default silently. `default` may depend on the values that are known. `asked_if`
    says for which values the slot means anything at all.
    """

    name: str
    label: str
    kind: SlotKind
    question: str
    weight: int = 1
    needed: bool = False
    offered: bool = False
    default: Filled | None = None
    default_words: str = ""
    options: tuple[Option, ...] = ()
    example: str = ""
    asked_if: Callable[[Values], bool] = field(default=_always)
    open_options: Callable[[Values], tuple[str, ...]] | None = None
    """Options that depend on what is known, such as the categories named before."""
    own_words: bool = False
    """Decides what the agent may reach, whatever its kind."""

    @property
    def asked(self) -> bool:
        return self.needed or self.offered

    @property
    def privileged(self) -> bool:
        return self.own_words or self.kind in PRIVILEGED

    def choices(self, values: Values) -> tuple[str, ...]:
        if self.open_options is not None:
            return self.open_options(values)
        return tuple(option.value for option in self.options)


@dataclass(frozen=True, slots=True)
class Slot:
    """A value and where it comes from. `loose`: it was read out of an answer by no firm rule, so that a model may put
    it better."""

    value: Any
    source: Source
    loose: bool = False


def effective(specs: tuple[SlotSpec, ...], slots: Mapping[str, Slot]) -> dict[str, Any]:
    """The values a draft is made of: what is known, and the defaults of the rest. Slots that mean nothing given the
    others are left out."""
    known = {name: slot.value for name, slot in slots.items()}
    for spec in specs:
        if spec.name not in known and spec.default is not None and spec.asked_if(known):
            known[spec.name] = spec.default(known)
    meaningless = {spec.name for spec in specs if not spec.asked_if(known)}
    return {name: value for name, value in known.items() if name not in meaningless}

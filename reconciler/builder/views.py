"""What callers are shown of a conversation. Frozen values, ready to be made into JSON or lines of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from reconciler.control.proposals import Proposed
    from reconciler.errors import Problem
    from reconciler.plans.plan import Plan


class SessionState(StrEnum):
    """`collecting`: something is missing. `drafting`: nothing is missing, but a check says no. `preview`: the draft is
    sound and waits for a yes. The last four take no more answers."""

    COLLECTING = "collecting"
    DRAFTING = "drafting"
    PREVIEW = "preview"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"
    ABANDONED = "abandoned"
    EXPIRED = "expired"

    @property
    def open(self) -> bool:
        return self in (self.COLLECTING, self.DRAFTING, self.PREVIEW, self.CONFIRMED)


class Source(StrEnum):
    """Where the value of a slot comes from."""

    SAID = "said"
    INFERRED = "inferred"
    DEFAULTED = "defaulted"


Mode = Literal["model", "guided"]


@dataclass(frozen=True, slots=True)
class Message:
    """`at` is a time as the catalog keeps them. Secrets have been taken out of `text`."""

    role: Literal["user", "builder"]
    text: str
    at: str


@dataclass(frozen=True, slots=True)
class Question:
    """`options` are all there are where the answer is closed. `default` is what an empty answer means, in words."""

    slot: str
    text: str
    options: tuple[str, ...] = ()
    default: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Completeness:
    """`share` lies between 0 and 1; `missing` are the slots still to be filled, in words."""

    share: float
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotView:
    name: str
    label: str
    value: Any
    source: Source


@dataclass(frozen=True, slots=True)
class DraftSummary:
    """`fields` are names by table; `checked`: every check has passed on exactly this draft."""

    type: str
    agent: str
    version: str
    tools: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What language models cost. `seconds` is the time waited for them."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.calls - other.calls,
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.seconds - other.seconds,
        )


@dataclass(frozen=True, slots=True)
class SessionView:
    """A conversation as it stands. `version` counts its writes: who says what they saw is told if it moved on."""

    id: str
    state: SessionState
    owner: str
    template: str
    mode: Mode
    model: str
    version: int
    created_at: str
    updated_at: str
    expires_at: str
    messages: tuple[Message, ...]
    slots: tuple[SlotView, ...]
    questions: tuple[Question, ...]
    completeness: Completeness
    draft: DraftSummary | None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True)
class Reply:
    """What one turn came to. `text` is all that is said, questions and notices included; `usage` is of this turn."""

    session: str
    version: int
    state: SessionState
    text: str
    notices: tuple[str, ...]
    questions: tuple[Question, ...]
    completeness: Completeness
    draft: DraftSummary | None
    mode: Mode
    usage: Usage = Usage()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Risk:
    """Something to think about before saying yes. `stops`: the draft cannot be written, or not applied, like this."""

    code: str
    text: str
    hint: str = ""
    stops: bool = False


@dataclass(frozen=True, slots=True)
class TestVerdict:
    name: str
    passed: bool
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """All there is to look at before a yes. `files` are the paths that would be written with their content; `documents`
    what is in them of this draft. `sample_output` is what the first test's run gives, None where it has none."""

    session: str
    version: int
    state: SessionState
    yaml: str
    documents: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]
    plan: Plan | None
    plan_text: str
    docs: str
    sample_input: Mapping[str, Any]
    sample_output: Mapping[str, Any] | None
    tests: tuple[TestVerdict, ...] = ()
    risks: tuple[Risk, ...] = ()
    problems: tuple[Problem, ...] = ()
    ready: bool = False
    agent: str = ""
    questions: tuple[Question, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Finalized:
    """`summary` is what the proposal says of the conversation, as Markdown."""

    session: SessionView
    proposed: Proposed
    agent: str
    summary: str


@dataclass(frozen=True, slots=True)
class SessionBrief:
    """A line of a list of sessions. `title` is what it is about, in a few words."""

    id: str
    state: SessionState
    owner: str
    template: str
    title: str
    version: int
    updated_at: str
    expires_at: str

"""A task: one run of an agent, and what comes of it. Plain frozen values that cross process boundaries as JSON.

Values of inputs, rows and outputs are JSON-like throughout: texts, numbers, booleans, None, lists, dicts. Dates,
datetimes and UUIDs are ISO texts, binaries base64; a decimal is a Decimal in memory and its digits as a text in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Values = Mapping[str, Any]


class TaskState(StrEnum):
    """`failed` is an end nobody should retry, `dead_letter` one that used up its attempts and can be re-driven."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD_LETTER = "dead_letter"

    @property
    def ended(self) -> bool:
        return self not in (TaskState.PENDING, TaskState.RUNNING)


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is asked to do. `id` is a UUIDv7 as text, `created_at` ISO 8601 in UTC, `attempt` counts from 1.

    `settings` are overrides of the agent's settings for this one run.
    """

    id: str
    agent: str
    input: Values
    created_at: str
    settings: Values = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that it takes to build an agent, in any process: its name, the canonical texts of its type and of itself,
    and the digest of both together, by which built agents are kept.

    A static agent has `kind` "static" and no texts.
    """

    agent: str
    digest: str
    kind: Literal["dynamic", "static"] = "dynamic"
    type_text: str = ""
    agent_text: str = ""


WriteMode = Literal["insert", "upsert", "update"]


@dataclass(frozen=True, slots=True)
class Write:
    """One row that a task wants written: an effect, committed with the task's end or not at all.

    `values` are the fields given, validated but without defaults; `key` the fields that say which row. `row_id` is
    the id the row will have: reserved beforehand where it is new, found where it exists (`found`). A commit that
    meets another id than this one is a Conflict: the task ran on what is no longer so.
    """

    type: str
    model: str
    agent: str
    type_version: str
    mode: WriteMode
    values: Values
    row_id: int
    key: tuple[str, ...] = ()
    found: bool = False


StepStatus = Literal["succeeded", "failed", "skipped", "fallback", "continued", "cancelled"]


@dataclass(slots=True)
class StepTrace:
    """One attempt of one step. `step` is its id, in a loop with the item's number behind it (`actions[2]`), in a
    sub-agent with the step that called it before it (`enrich/extract`). Times: `started` in seconds since the epoch,
    `duration` in seconds. Sizes are bytes of JSON, 0 where nothing measured them.

    `fallback`: the fallback answered for it; `continued`: it failed and the task went on.
    """

    step: str
    call: str
    attempt: int
    status: StepStatus
    started: float
    duration: float
    error_code: str = ""
    error: str = ""
    input_bytes: int = 0
    output_bytes: int = 0
    tokens: int = 0
    model: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A RunError as a value."""

    code: str
    message: str
    where: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a run ended: with an output and writes to commit, or with a failure and nothing to commit.

    `output_row` is the position in `writes` of the row that is the output, where the type says `output: {model: ...}`:
    its stored form then replaces `output`. `model` is the language model that answered last, `tokens` all it counted.
    """

    output: Values | None = None
    writes: tuple[Write, ...] = ()
    trace: tuple[StepTrace, ...] = ()
    failure: Failure | None = None
    output_row: int | None = None
    model: str = ""
    prompt_digest: str = ""
    tokens: int = 0

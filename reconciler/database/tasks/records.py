"""What is said about tasks, to the database and by it. Times are as in `database.clock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.database.incidents import NewIncident
from reconciler.spec.limits import Limits
from reconciler.spec.task import Blueprint, Failure, Task, TaskResult, TaskState, Values

TaskKind = Literal["dynamic", "static"]


@dataclass(frozen=True, slots=True)
class NewTask:
    """To be run by an agent, not before a time if one is given. `settings` override the agent's for this run.

    A second task of the same agent and `idempotency_key` is none: the first one is meant. `origin` says where it came
    from (`cli`, `api`, `schedule`), `actor` who asked. An `id` is only given where one was promised already.
    """

    agent: str
    input: Values
    settings: Values = field(default_factory=dict)
    idempotency_key: str = ""
    max_attempts: int = 3
    not_before: str = ""
    origin: str = ""
    actor: str = ""
    id: str = ""
    kind: TaskKind = "dynamic"


@dataclass(frozen=True, slots=True)
class Submitted:
    """`created` is False where a task of that key had been submitted before, and `id` is that one's."""

    id: str
    created: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that a worker may run until its claim expires, and what it takes to run it.

    `limits` are the type's, tightened by the agent's. `revision` made the agent or its type what it is now;
    `manifest_digest` is that of the type, by which its text is found for ever. `token` proves the claim. `policies`
    are the digests of the policies that were recorded at the moment of the claim, None where nobody asked.
    """

    task: Task
    blueprint: Blueprint
    token: int
    limits: Limits
    revision: int = 0
    type: str = ""
    type_version: str = ""
    manifest_digest: str = ""
    max_attempts: int = 3
    policies: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a claimed task, and what was seen of it that nobody should do: recorded together or not at all."""

    claimed: Claimed
    result: TaskResult
    incident: NewIncident | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """What a task is now. `pending`: it will be tried again. `lost`: the claim was no longer held, nothing was written,
    and `state` is what others made of the task."""

    id: str
    state: TaskState
    output: Values | None = None
    failure: Failure | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Ids of tasks a worker took for its own: those that no longer are, and those somebody wants cancelled."""

    lost: frozenset[str]
    cancelled: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task in a list."""

    id: str
    agent: str
    kind: TaskKind
    type: str
    type_version: str
    state: TaskState
    attempts: int
    max_attempts: int
    submitted_at: str
    not_before: str
    started_at: str | None
    finished_at: str | None
    worker: str | None
    error_code: str | None
    error_message: str | None
    tokens: int
    origin: str
    actor: str


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """All that is known of a task. `cancel_requested` says who wants it cancelled and why."""

    line: TaskLine
    input: Mapping[str, Any]
    settings: Mapping[str, Any]
    output: Mapping[str, Any] | None
    trace: Sequence[Mapping[str, Any]]
    failure: Failure | None
    idempotency_key: str | None
    cancel_requested: str | None
    expires_at: str | None
    token: int
    revision: int
    manifest_digest: str
    prompt_digest: str
    model: str


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Each part narrows the list; empty ones do not. `since` and `until` are times of submission."""

    agent: str = ""
    type: str = ""
    states: tuple[TaskState, ...] = ()
    error_code: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Newest first. `next` is the cursor of what follows, empty at the end."""

    tasks: tuple[TaskLine, ...]
    next: str

"""What control tells: outcomes, revisions, archives, status. Plain values, made to be shown or sent.

Times are ISO 8601 in UTC (`2026-11-22T16:00:00Z`). Nothing here loads the spec models or the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

RevisionState = Literal["applying", "applied", "partial", "failed", "interrupted"]
UnitState = Literal["pending", "applied", "failed"]
ArchiveState = Literal["parked", "restored", "purged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply did. `applied` and `failed` name units, the failed ones with what went wrong.

    `revision` is None where nothing was recorded, as there was nothing to do.
    """

    plan_id: str
    revision: int | None = None
    applied: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeCounts:
    add: int = 0
    change: int = 0
    remove: int = 0


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """One apply. `parent` is the revision it was planned against, None for the first; `finished_at` is None
    while it runs or if it never ended.
    """

    number: int
    state: RevisionState
    started_at: str
    finished_at: str | None = None
    actor: str = ""
    reason: str = ""
    plan_id: str = ""
    commit: str = ""
    summary: ChangeCounts = ChangeCounts()
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One unit of a revision. `changes` are as in a plan's JSON document, `sql` the statements in order."""

    name: str
    state: UnitState
    changes: tuple[dict[str, Any], ...] = ()
    sql: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class RevisionDetail:
    summary: RevisionSummary
    units: tuple[UnitRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """A parked table (`column` is None) or column. `purge_after` is None where only a hand purges it."""

    id: int
    kind: Literal["table", "column"]
    owner: str
    table: str
    column: str | None
    stored_as: str
    revision: int
    rows: int
    archived_at: str
    purge_after: str | None = None
    state: ArchiveState = "parked"


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    """`address` is `type/NAME`, `agent/NAME` or `policy/NAME`; `version` is empty for what has none.

    `state` is what a plan made now says. The rest is what the newest pass of a controller found, empty where none ever
    looked: `condition` is Ready, Reconciling or Stalled, with a `reason` from a closed set and a `message` for people;
    `sync` and `health` are the two axes it sums up; `generation` is the digest of what was wanted, `revision` and
    `commit` those that the pass saw.
    """

    address: str
    version: str
    state: str
    condition: str = ""
    reason: str = ""
    message: str = ""
    sync: str = ""
    health: str = ""
    generation: str = ""
    revision: int = 0
    commit: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class DriftStatus:
    """What others changed in the tables and is still so; `treatment` is heal or report, as policies say."""

    address: str
    message: str
    first_seen: str
    treatment: str


@dataclass(frozen=True, slots=True)
class SuspensionStatus:
    """`until` is None where only a hand resumes it."""

    address: str
    owner: str
    reason: str
    since: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each are in place."""

    types: int = 0
    agents: int = 0
    policies: int = 0
    tables: int = 0
    archives: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Where things stand. `pending` tells whether a plan would find changes, None where nobody could tell.

    `drift` and `problems` are counts; `next_command` is the sensible thing to type next; `policy` is the file with the
    policies that are pinned, if any are.
    """

    source: str
    database: str
    revision: RevisionSummary | None
    counts: Counts
    pending: bool | None
    drift: int
    problems: int
    next_command: str
    policy: str = ""
    objects: tuple[ObjectStatus, ...] = ()
    source_condition: ObjectStatus | None = None
    """Of the source as a whole, as a controller saw it last."""
    controller: str = ""
    """Who leads; empty: nobody does at the moment."""
    drifted: tuple[DriftStatus, ...] = ()
    suspensions: tuple[SuspensionStatus, ...] = ()

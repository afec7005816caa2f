"""Rows of the catalog as values. JSON stays text; times are as in `database.clock`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.spec.state import TableStatus

RevisionState = Literal["applying", "applied", "partial", "failed", "interrupted"]
UnitState = Literal["pending", "applied", "failed"]
TypeStatus = Literal["active", "deprecated", "retired"]
ParkedKind = Literal["table", "column"]


@dataclass(frozen=True, slots=True)
class TypeRegistration:
    """One version of a type. `deprecated` says why and what to use instead; None where it is not."""

    name: str
    version: str
    digest: str
    spec: str
    deprecated: str | None = None
    sunset: str | None = None


@dataclass(frozen=True, slots=True)
class TypeVersion:
    """A version of a type as it stands in the catalog. `current`: it is the live one; `registered_at` is when
    it first came, `revision` what made it current, or retired it, last."""

    name: str
    version: str
    digest: str
    status: TypeStatus
    current: bool
    deprecated: str | None
    registered_at: str
    revision: int


@dataclass(frozen=True, slots=True)
class AgentDeployment:
    name: str
    type: str
    digest: str
    spec: str
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class PolicyRegistration:
    name: str
    digest: str
    spec: str


@dataclass(frozen=True, slots=True)
class StoredSpec:
    """A spec by content; `kind` is `type`, `agent` or `policy`."""

    digest: str
    kind: str
    spec: str


@dataclass(frozen=True, slots=True)
class TableHead:
    """What is known of a table without loading its definition."""

    name: str
    owner: str
    fingerprint: str
    status: TableStatus


@dataclass(frozen=True, slots=True)
class TableRecord:
    """`definition` is what was asked for, `observed` the database's description of what it made of that;
    `digest` and `fingerprint` are their digests."""

    name: str
    owner: str
    model: str
    definition: str
    digest: str
    observed: str
    fingerprint: str
    status: TableStatus
    revision: int


@dataclass(frozen=True, slots=True)
class NewArchive:
    """`column` is None for a whole table; `rows` counts what was parked."""

    owner: str
    table: str
    column: str | None
    stored_as: str
    definition: str
    revision: int
    rows: int
    purge_after: str | None = None
    became: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """Open while neither restored nor purged."""

    id: int
    kind: ParkedKind
    owner: str
    table: str
    column: str | None
    stored_as: str
    definition: str
    revision: int
    rows: int
    archived_at: str
    purge_after: str | None
    restored_revision: int | None
    purged_at: str | None
    became: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionRecord:
    """`parent` is the revision before it; `finished_at` is None while it runs, for ever if it was killed."""

    number: int
    plan_id: str
    parent: int | None
    state: RevisionState
    desired_digest: str
    source: str
    commit: str
    actor: str
    reason: str
    started_at: str
    finished_at: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """`position` counts from 0 in the order of the plan; `error` is empty unless the unit failed."""

    position: int
    name: str
    state: UnitState
    changes: str = "[]"
    sql_up: str = "[]"
    error: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`before` and `after` are digests or short texts, empty where there was or is nothing."""

    actor: str
    action: str
    address: str
    before: str = ""
    after: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    id: int
    at: str
    entry: AuditEntry
    previous_hash: str
    hash: str

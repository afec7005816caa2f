"""What was done: revisions as values, and the state each of them left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.control.reports import ChangeCounts, RevisionDetail, RevisionSummary, UnitRecord
from reconciler.database import records
from reconciler.errors import NotFound
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.state import Entry, State

if TYPE_CHECKING:
    from reconciler.database.connection import Connection


def summaries(connection: Connection, limit: int) -> list[RevisionSummary]:
    """The newest revisions, newest first."""
    return [_summary(record) for record in records.revisions(connection, limit)]


def detail(connection: Connection, number: int) -> RevisionDetail:
    """Raises NotFound."""
    summary = _summary(records.revision(connection, number))
    units = tuple(
        UnitRecord(
            unit.name, unit.state, tuple(json.loads(unit.changes)), tuple(json.loads(unit.sql_up)), unit.error
        )
        for unit in records.units(connection, number)
    )
    return RevisionDetail(summary, units)


def revision_before(connection: Connection) -> int:
    """The revision before the newest that changed anything; 0 where that was the first."""
    newest = records.newest_effective(connection)
    if newest is None:
        raise NotFound("there is no revision to roll back", hint="reconcile history")
    return newest - 1


def state_of_revision(connection: Connection, number: int) -> State:
    """The state after a revision; 0: the empty state. Raises NotFound."""
    digests = records.state_at(connection, number) if number else {}
    stored = records.stored_specs(connection, digests.values())

    def text(address: str) -> str:
        return stored[digests[address]].spec

    return State(
        {address: Entry(digest) for address, digest in digests.items()},
        lambda address: parse_canonical(address.partition("/")[0], text(address)),
        text=text,
    )


_AS_SOURCE = "revision "


def as_source(number: int) -> str:
    """What a plan that goes back to a revision has for a source."""
    return f"{_AS_SOURCE}{number}"


def undone_to(source: str) -> int | None:
    """The revision that a plan with this source goes back to; None for any other source."""
    number = source.removeprefix(_AS_SOURCE)
    return int(number) if number != source and number.isdigit() else None


def lineage(connection: Connection, name: str, since: int) -> list[AgentType]:
    """The specs a type was given after revision `since`, newest first."""
    digests = records.digests_since(connection, f"type/{name}", since)
    stored = records.stored_specs(connection, digests)
    specs = (parse_canonical("type", stored[digest].spec) for digest in digests)
    return [spec for spec in specs if isinstance(spec, AgentType)]


def _summary(record: records.RevisionRecord) -> RevisionSummary:
    return RevisionSummary(
        number=record.number,
        state=record.state,
        started_at=record.started_at,
        finished_at=record.finished_at,
        actor=record.actor,
        reason=record.reason,
        plan_id=record.plan_id,
        commit=record.commit,
        summary=ChangeCounts(**json.loads(record.summary)),
        parent=record.parent,
    )

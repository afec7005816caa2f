"""What the newest pass of a controller found: a condition for each object, and drift with when it was first seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from reconciler.database.clock import now_text
from reconciler.database.connection import Connection
from reconciler.spec.state import Drift

SOURCE = "source"
"""The address of the condition of the source as a whole."""
LEADER = "controller"
"""The lease of the controller that makes the passes."""

_COLUMNS = "address, condition, reason, message, sync, health, generation, revision, source_commit, since"
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])


@dataclass(frozen=True, slots=True)
class Condition:
    """`condition` is Ready, Reconciling or Stalled; `sync` synced, out-of-sync or unknown; `health` healthy, degraded,
    suspended or unknown. `generation` is the digest of what is wanted; `revision` and `commit` are those that the pass
    saw; `since` is when the row came to say this, set where it is written."""

    address: str
    condition: str
    reason: str
    message: str = ""
    sync: str = "synced"
    health: str = "unknown"
    generation: str = ""
    revision: int = 0
    commit: str = ""
    since: str = ""

    def says_as(self, other: Condition) -> bool:
        """Whether nothing of it would be news to somebody who knows the other."""
        return self._news() == other._news()

    def _news(self) -> tuple[str, ...]:
        return (
            self.address,
            self.condition,
            self.reason,
            self.message,
            self.sync,
            self.health,
            self.generation,
        )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A drift that is there now; `treatment` is heal or report."""

    drift: Drift
    first_seen: str
    treatment: str


def recorded(connection: Connection, address: str = "") -> dict[str, Condition]:
    """All conditions by address, or that of one."""
    where, params = (" WHERE address = ?", (address,)) if address else ("", ())
    rows = connection.execute(f"SELECT {_COLUMNS} FROM object_conditions{where}", params)
    return {row[0]: Condition(*row) for row in rows}


def put(connection: Connection, conditions: Iterable[Condition], gone: Collection[str]) -> list[Condition]:
    """Inside a transaction. The conditions as they were written: each with its time."""
    now = now_text(connection)
    written = [replace(condition, since=now) for condition in conditions]
    connection.execute_many(
        f"INSERT INTO object_conditions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        f" ON CONFLICT (address) DO UPDATE SET {_SET}",
        [
            (
                one.address,
                one.condition,
                one.reason,
                one.message,
                one.sync,
                one.health,
                one.generation,
                one.revision,
                one.commit,
                one.since,
            )
            for one in written
        ],
    )
    connection.execute_many(
        "DELETE FROM object_conditions WHERE address = ?", [(address,) for address in gone]
    )
    return written


def sightings(connection: Connection) -> list[Sighting]:
    """By address."""
    rows = connection.execute(
        "SELECT address, recorded, live, first_seen, treatment FROM drift_sightings ORDER BY address"
    )
    return [Sighting(Drift(*row[:3]), row[3], row[4]) for row in rows]


def sight(connection: Connection, drift: Iterable[Drift], treatment: str) -> None:
    """Inside a transaction. What was seen before keeps its time; what is not there any more goes."""
    known = {one.drift: one for one in sightings(connection)}
    now = now_text(connection)
    connection.execute("DELETE FROM drift_sightings")
    connection.execute_many(
        "INSERT INTO drift_sightings (address, recorded, live, first_seen, treatment) VALUES (?, ?, ?, ?, ?)",
        [
            (
                found.address,
                found.recorded,
                found.live,
                known[found].first_seen if found in known else now,
                treatment,
            )
            for found in drift
        ],
    )

"""Whether what several writers have left in a database can have come about one after the other."""

from __future__ import annotations

from itertools import pairwise

from reconciler.database.connection import Connection, connect


def faults_of(database: str) -> list[str]:
    """What a history of applies must not show. Every content that was ever wanted is one of its own: what an object was
    set to tells by which revision."""
    with connect(database, create=False) as connection:
        return [*_set_twice(connection), *_interleaved(connection), *_beside_the_revisions(connection)]


def _set_twice(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT address, digest, count(*) FROM revision_objects GROUP BY address, digest HAVING count(*) > 1"
    )
    return [f"{address} was set to {digest[:8]} {count} times" for address, digest, count in rows]


def _interleaved(connection: Connection) -> list[str]:
    """A revision that writes after a later one has: its writer did not know that it had lost the lease."""
    rows = connection.execute(
        "SELECT o.revision, r.actor, a.actor, a.address FROM audit a"
        " JOIN revision_objects o ON o.address = a.address AND o.digest = a.after"
        " JOIN revisions r ON r.number = o.revision ORDER BY a.id"
    )
    assert rows, "an audit that tells of no object proves nothing"
    late = [
        f"revision {b} wrote {address} after {a}" for (a, *_), (b, _, _, address) in pairwise(rows) if b < a
    ]
    foreign = [
        f"{who} wrote {address} in {whose}'s revision {n}" for n, whose, who, address in rows if who != whose
    ]
    return late + foreign


def _beside_the_revisions(connection: Connection) -> list[str]:
    """What is in place without any revision having put it there."""
    rows = connection.execute(
        "SELECT name FROM agent_types t WHERE current AND NOT EXISTS (SELECT 1 FROM revision_objects o"
        " WHERE o.address = 'type/' || t.name AND o.digest = t.digest AND o.revision = t.revision)"
    )
    return [f"type/{name} is in place by no revision" for (name,) in rows]

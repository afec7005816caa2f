"""Agents as they stand in the catalog, those that were removed included."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.database.connection import Connection


@dataclass(frozen=True, slots=True)
class DeployedAgent:
    """`type_digest` is that of the live version of its type, None where the type is retired. `removed_at` is None for
    an agent that is in place."""

    name: str
    type: str
    digest: str
    type_digest: str | None
    enabled: bool
    deployed_at: str
    revision: int
    removed_at: str | None


def deployed_agents(
    connection: Connection, *, name: str | None = None, removed: bool = False
) -> list[DeployedAgent]:
    """By name; one of them with `name`, removed ones only with `removed`."""
    conditions, params = ["TRUE"], []
    if name is not None:
        conditions.append("a.name = ?")
        params.append(name)
    if not removed:
        conditions.append("a.deleted_at IS NULL")
    rows = connection.execute(
        "SELECT a.name, a.type, a.digest, t.digest, a.enabled, a.deployed_at, a.revision, a.deleted_at"
        " FROM agents AS a LEFT JOIN agent_types AS t ON t.name = a.type AND t.current"
        f" WHERE {' AND '.join(conditions)} ORDER BY a.name",
        params,
    )
    return [
        DeployedAgent(name, of_type, digest, type_digest, bool(enabled), deployed_at, revision, removed_at)
        for name, of_type, digest, type_digest, enabled, deployed_at, revision, removed_at in rows
    ]

"""Types as they stand in the catalog."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.database.connection import Connection


@dataclass(frozen=True, slots=True)
class RegisteredType:
    """The live version of a type, or the last one of a type that was removed (`current` is False)."""

    name: str
    version: str
    digest: str
    current: bool
    deprecated: str
    sunset: str
    registered_at: str
    revision: int
    agents: int
    spec: str


def registered_types(
    connection: Connection, *, name: str | None = None, removed: bool = False
) -> list[RegisteredType]:
    """By name; one of them with `name`, removed ones only with `removed`."""
    conditions, params = ["t.current"], []
    if removed:
        conditions = [
            (
                "(t.current OR (NOT EXISTS (SELECT 1 FROM agent_types AS c WHERE c.name = t.name AND c.current)"
                " AND t.id = (SELECT max(m.id) FROM agent_types AS m WHERE m.name = t.name)))"
            )
        ]
    if name is not None:
        conditions.append("t.name = ?")
        params.append(name)
    rows = connection.execute(
        "SELECT t.name, t.version, t.digest, t.current, t.deprecated, t.sunset, t.registered_at, t.revision,"
        " (SELECT count(*) FROM agents AS a WHERE a.type = t.name AND a.deleted_at IS NULL), s.spec"
        " FROM agent_types AS t JOIN spec_store AS s ON s.digest = t.digest"
        f" WHERE {' AND '.join(conditions)} ORDER BY t.name",
        params,
    )
    return [
        RegisteredType(
            of, version, digest, bool(current), deprecated or "", sunset or "", at, revision, agents, spec
        )
        for of, version, digest, current, deprecated, sunset, at, revision, agents, spec in rows
    ]

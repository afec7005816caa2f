"""Types and agents put in place by the catalog's own statements, for tests of what runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.database.operations import create_all_sql
from reconciler.database.records import AgentDeployment, StoredSpec, TypeRegistration
from reconciler.database.upgrade import ensure_catalog
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import canonical
from reconciler.spec.state import digest_of
from reconciler.spec.tables import tables_of


def type_of(name: str, models: dict[str, Any] | None = None, **spec: Any) -> AgentType:
    """A type; each model is the fields of one, or under `fields` the whole of it."""
    bodies = {model: body if "fields" in body else {"fields": body} for model, body in (models or {}).items()}
    return AgentType.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "AgentType",
            "metadata": {"name": name},
            "spec": {"version": "1.0.0", "models": bodies, **spec},
        }
    )


def agent_of(name: str, type_name: str, **spec: Any) -> Agent:
    return Agent.model_validate(
        {
            "apiVersion": "reconciler/v1",
            "kind": "Agent",
            "metadata": {"name": name},
            "spec": {"type": type_name, **spec},
        }
    )


def deploy(
    connection: Connection,
    types: Sequence[AgentType],
    agents: Sequence[Agent] = (),
    *,
    revision: int = 1,
    build: bool = True,
) -> None:
    """Make them live, as an apply would; `build`: with their tables."""
    ensure_catalog(connection)
    of_types = [(spec, canonical(spec)) for spec in types]
    of_agents = [(spec, canonical(spec)) for spec in agents]
    with connection.transaction():
        records.put_specs(connection, [StoredSpec(digest_of(t), "type", t) for _, t in of_types])
        records.put_specs(connection, [StoredSpec(digest_of(t), "agent", t) for _, t in of_agents])
        registrations = [TypeRegistration(s.name, s.spec.version, digest_of(t), t) for s, t in of_types]
        records.register_types(connection, registrations, revision)
        deployments = [
            AgentDeployment(s.name, s.spec.type, digest_of(t), t, s.spec.enabled) for s, t in of_agents
        ]
        records.deploy_agents(connection, deployments, revision)
        if build:
            tables = [table for one in types for table in tables_of(one).values()]
            connection.script(create_all_sql(tables, connection.dialect))

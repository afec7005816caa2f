"""The stage of one test: the type's tables in a database in memory, and doors that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from reconciler.database.connection import Connection, connect
from reconciler.database.operations import create_all_sql
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.rows.effects import Effects
from reconciler.database.rows.host import DatabaseHost
from reconciler.database.rows.live_models import LiveModels
from reconciler.errors import NotFound
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import canonical
from reconciler.spec.findings import did_you_mean
from reconciler.spec.state import digest_of
from reconciler.spec.tables import table_name, tables_of
from reconciler.spec.task import Blueprint, TaskResult

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When every test runs: one that passes today passes for ever."""


class Stage:
    """`host` is a real one over real tables, which are gone when the test ends."""

    def __init__(self, connection: Connection, types: Sequence[AgentType], agents: Sequence[Agent]) -> None:
        cipher = _cipher_for(types)
        self._connection = connection
        self._models = LiveModels.of(connection, types, cipher)
        self.host = _StageHost(connection, types, agents, cipher)

    def commit(self, task_id: str, result: TaskResult) -> Mapping[str, Any] | None:
        """Write what the task wants written, as the end of a real one would; its output. Raises RunError."""
        with self._connection.transaction():
            row = Effects(self._connection, self._models, NOW).apply(
                task_id, result.writes, result.output_row
            )
        return result.output if row is None else row

    def rows(self, agent_type: AgentType) -> dict[str, int]:
        """Number of rows by model."""
        return {model: self._count(agent_type.name, model) for model in agent_type.spec.models}

    def _count(self, type_name: str, model: str) -> int:
        ((count,),) = self._connection.execute(f'SELECT count(*) FROM "{table_name(type_name, model)}"')
        return int(count)


class Theatre:
    """Sets up a stage for each test of a type: `types` are that type, all that its tables refer to, and those of the
    `agents` that its steps call."""

    def __init__(self, types: Sequence[AgentType], agents: Sequence[Agent]) -> None:
        self._types, self._agents = types, agents
        tables = [table for agent_type in types for table in tables_of(agent_type).values()]
        self._statements = create_all_sql(tables, "sqlite")

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        with connect("sqlite://") as connection:
            connection.script(self._statements)
            yield Stage(connection, self._types, self._agents)


class _StageHost(DatabaseHost):
    """Knows the agents on stage and no others, and keeps no count of calls: a test is alone in its world."""

    def __init__(
        self, connection: Connection, types: Sequence[AgentType], agents: Sequence[Agent], cipher: Cipher
    ) -> None:
        super().__init__(connection, types=types, cipher=cipher)
        self._by_name = {agent_type.name: agent_type for agent_type in types}
        self._agents = {agent.name: agent for agent in agents}

    def take(self, agent: str, tool: str, rate: str) -> None:
        return

    def blueprint(self, agent: str) -> Blueprint:
        if agent not in self._agents:
            raise NotFound(f"there is no agent {agent}", hint=did_you_mean(agent, self._agents))
        own, of_type = (
            canonical(spec) for spec in (self._agents[agent], self._by_name[self._agents[agent].spec.type])
        )
        return Blueprint(agent, digest_of(f"{of_type} {own}"), "dynamic", of_type, own)


def _cipher_for(types: Sequence[AgentType]) -> Cipher:
    """Encrypted fields are written and read in a test as they would be with a key, and by no key that anybody has."""
    models = (model for agent_type in types for model in agent_type.spec.models.values())
    if not any(field.encrypted for model in models for field in model.fields.values()):
        return NO_KEY
    from reconciler.database.encryption import throwaway

    return throwaway()

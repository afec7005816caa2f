"""TaskQueue: the way in for tasks, whoever asks for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.agents.lifecycle import refuse_new_tasks_if_retired
from reconciler.agents.settings import AgentSettings
from reconciler.database import records, tasks
from reconciler.database.connection import Connection
from reconciler.database.doorbell import ring
from reconciler.database.rows.cipher import NO_KEY, Cipher
from reconciler.database.tasks import NewTask, Submitted
from reconciler.database.tasks.sealed_input import sealed_input
from reconciler.errors import InvalidInput, NotFound
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.codec import parse_canonical
from reconciler.spec.findings import did_you_mean
from reconciler.spec.validation import ValuesInvalid, validator_of

if TYPE_CHECKING:
    from reconciler.agents.static import StaticAgents


class TaskQueue:
    """Over one connection, used by one thread at a time.

    What is submitted is in the database once `submit` returns, in the transaction around it if there is one; workers
    that wait hear of it when that is committed.
    """

    def __init__(
        self, connection: Connection, static: StaticAgents | None = None, cipher: Cipher = NO_KEY
    ) -> None:
        """`static` are the agents that are Python classes; without it there are none. `cipher` seals sensitive inputs
        while they wait."""
        self._connection, self._static, self._cipher = connection, static, cipher

    def submit(
        self,
        agent: str,
        given: Mapping[str, Any],
        *,
        settings: Mapping[str, Any] | None = None,
        idempotency_key: str = "",
        max_attempts: int = 3,
        not_before: str = "",
        origin: str = "",
        actor: str = "",
    ) -> Submitted:
        """Raises NotFound; Refused where the agent's type is retired; InvalidInput or Denied, naming the place of the
        first value that does not fit the agent."""
        task = NewTask(agent, given, settings or {}, idempotency_key, max_attempts, not_before, origin, actor)
        return self.submit_all([task])[0]

    def submit_all(self, new: Sequence[NewTask]) -> list[Submitted]:
        """All of them or none. Raises what `submit` raises."""
        deployed = {name: self._deployed(name) for name in dict.fromkeys(task.agent for task in new)}
        for name, (_, agent_type) in deployed.items():
            refuse_new_tasks_if_retired(name, agent_type, datetime.now(UTC).date())
        checked = [
            self._sealed(_checked(task, *deployed[task.agent]), deployed[task.agent][1]) for task in new
        ]
        if self._connection.in_transaction:
            return self._submit(checked)
        with self._connection.transaction():
            return self._submit(checked)

    def _sealed(self, task: NewTask, agent_type: AgentType) -> NewTask:
        return sealed_input(task, agent_type.spec.input, self._cipher)

    def _submit(self, checked: Sequence[NewTask]) -> list[Submitted]:
        submitted = tasks.submit(self._connection, checked)
        ring(self._connection)
        return submitted

    def _deployed(self, name: str) -> tuple[Agent | None, AgentType]:
        """The agent and its type; no agent for a static one. Raises NotFound."""
        agent_text = records.spec_texts(self._connection, [f"agent/{name}"]).get(f"agent/{name}")
        if agent_text is None:
            if self._static is not None and name in self._static.names():
                return None, self._static.declared(name)
            raise NotFound(f"there is no agent {name}", hint=did_you_mean(name, self._known()))
        type_address = f"type/{json.loads(agent_text)['spec']['type']}"
        type_text = records.spec_texts(self._connection, [type_address]).get(type_address)
        if type_text is None:
            raise NotFound(f"the type of agent {name} is not there any more", hint="reconcile --plan")
        return _agent(agent_text), _type(type_text)

    def _known(self) -> list[str]:
        live = (address.partition("/") for address in records.entries(self._connection))
        static = self._static.names() if self._static is not None else ()
        return [*(name for kind, _, name in live if kind == "agent"), *static]


def _checked(task: NewTask, agent: Agent | None, agent_type: AgentType) -> NewTask:
    """The task with its input as the agent will see it, defaults filled in."""
    if agent is None:
        if task.settings:
            raise InvalidInput("a static agent has no settings", where="settings")
        if not agent_type.spec.input:  # it takes whatever comes
            return replace(task, kind="static")
    elif task.settings:
        AgentSettings(agent_type.spec.settings, agent.spec.settings).with_overrides(task.settings)
    try:
        given = validator_of(agent_type.spec.input).validate(task.input, noun="input")
    except ValuesInvalid as error:
        raise error.as_run_error(InvalidInput, "input") from error
    return replace(task, input=given, kind="static" if agent is None else "dynamic")


@lru_cache(256)
def _agent(text: str) -> Agent:
    agent = parse_canonical("agent", text)
    assert isinstance(agent, Agent), "the text of an agent is that of one"
    return agent


@lru_cache(256)
def _type(text: str) -> AgentType:
    agent_type = parse_canonical("type", text)
    assert isinstance(agent_type, AgentType), "the text of a type is that of one"
    return agent_type

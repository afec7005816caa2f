"""AgentRegistry: all agents there are, dynamic and static: found, described, registered, retired."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from reconciler.agents.lifecycle import Status
from reconciler.agents.listing import AgentFilter, AgentRecord, described
from reconciler.agents.schema_manager import Applied, SchemaManager
from reconciler.agents.static import StaticAgents
from reconciler.database import records
from reconciler.database.records import TypeVersion
from reconciler.database.records.deployed import DeployedAgent, deployed_agents
from reconciler.errors import NotFound, ReconcilerError
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType, Deprecation, semver_key
from reconciler.spec.codec import parse_canonical
from reconciler.spec.findings import did_you_mean
from reconciler.tools.registry import ToolRegistry


def _today() -> date:
    return datetime.now(UTC).date()


class AgentRegistry:
    """Over one database, which need not exist yet, and what is installed beside the program.

    What it changes it changes through a plan, with every check and gate on the way. It lasts as long as the manifests
    say the same: where they are the truth, deprecate by `spec.deprecated` and retire by deleting a file.
    """

    def __init__(
        self,
        schemas: SchemaManager,
        static: StaticAgents,
        tools: ToolRegistry,
        *,
        today: Callable[[], date] = _today,
    ) -> None:
        """`today` gives the day in UTC."""
        self._schemas, self._static, self._tools, self._today = schemas, static, tools, today
        self._described = lru_cache(1024)(self._describe)

    # --- finding --------------------------------------------------------------------------------------------

    def list(self, wanted: AgentFilter | None = None) -> Sequence[AgentRecord]:
        """By name, dynamic ones first where a name is both."""
        wanted = wanted or AgentFilter()
        found = [*self._dynamic(removed=wanted.status is Status.RETIRED), *self._installed()]
        return sorted(filter(wanted.matches, found), key=lambda agent: (agent.name, agent.kind))

    def get(self, name: str) -> AgentRecord:
        """One agent; also one that was removed, which is retired. Raises NotFound."""
        found = next(self._dynamic(name=name, removed=True), None)
        if found is None or found.status is Status.RETIRED:
            found = next((agent for agent in self._installed() if agent.name == name), found)
        if found is None:
            raise NotFound(f"there is no agent {name}", hint=did_you_mean(name, self._names()))
        return found

    def agent_type(self, name: str) -> AgentType:
        """The type of an agent, or what the class of a static one says of itself. Raises NotFound."""
        agent = self.get(name)
        return self._schemas.current(agent.type) if agent.kind == "dynamic" else self._static.declared(name)

    def versions(self, type_name: str) -> Sequence[TypeVersion]:
        """Every version of a type that was ever registered, newest first."""
        return self._schemas.versions(type_name)

    # --- changing -------------------------------------------------------------------------------------------

    def register(
        self,
        manifest: str | Mapping[str, Any] | AgentType | Agent,
        *,
        allow: Sequence[str] = (),
        actor: str = "",
        reason: str = "",
    ) -> Applied:
        """Put types and agents in place, as `reconcile --apply` would. Raises what that raises, ManifestsInvalid and
        Refused among it."""
        return self._schemas.put(manifest, allow=allow, actor=actor, reason=reason)

    def deprecate(
        self, type_name: str, message: str, *, sunset: str | None = None, actor: str = "", reason: str = ""
    ) -> Applied:
        """Say of a type why and by what to replace it, and from which day on (`2027-01-31`) it takes no new tasks. That
        makes the next patch version. Raises NotFound."""
        current = self._schemas.current(type_name)
        major, minor, patch = semver_key(current.spec.version)
        told = Deprecation(message=message, sunset=sunset)
        spec = current.spec.model_copy(update={"version": f"{major}.{minor}.{patch + 1}", "deprecated": told})
        changed = current.model_copy(update={"spec": spec})
        return self._schemas.register(changed, actor=actor, reason=reason or f"deprecated: {message}")

    def retire(
        self, address: str, *, allow: Sequence[str] = (), actor: str = "", reason: str = ""
    ) -> Applied:
        """Take `agent/NAME` or `type/NAME` out. What happens to a type's tables its deletion policy says. Raises
        NotFound, Refused."""
        return self._schemas.remove(address, allow=allow, actor=actor, reason=reason)

    # --- describing -----------------------------------------------------------------------------------------

    def _dynamic(self, *, name: str | None = None, removed: bool = False) -> Iterator[AgentRecord]:
        with self._schemas.reading() as connection:
            if connection is None:
                return
            deployed = deployed_agents(connection, name=name, removed=removed)
            digests = {d for agent in deployed for d in (agent.digest, agent.type_digest) if d is not None}
            texts = {d: stored.spec for d, stored in records.stored_specs(connection, digests).items()}
        for agent in deployed:
            yield self._deployed(agent, texts)

    def _deployed(self, agent: DeployedAgent, texts: Mapping[str, str]) -> AgentRecord:
        # Read as JSON: of thousands of agents nothing else is wanted, and a type is described once for all of its own.
        own = json.loads(texts[agent.digest])
        if agent.type_digest is not None:
            record = replace(self._described(texts[agent.type_digest], self._today()), name=agent.name)
        else:
            record = AgentRecord(agent.name, "dynamic", agent.type, status=Status.RETIRED)
        gone = agent.removed_at is not None
        return replace(
            record,
            labels=tuple(sorted((dict(record.labels) | own["metadata"].get("labels", {})).items())),
            enabled=agent.enabled and not gone,
            status=Status.RETIRED if gone else record.status,
            schedule=own["spec"].get("schedule", ""),
            deployed_at=agent.deployed_at,
            revision=agent.revision,
        )

    def _describe(self, type_text: str, today: date) -> AgentRecord:
        """An agent of a type, without a name."""
        found = parse_canonical("type", type_text)
        assert isinstance(found, AgentType), "what is registered as a type is one"
        return described("", "dynamic", found, self._tools, today)

    def _installed(self) -> Iterator[AgentRecord]:
        for name in sorted(self._static.names()):
            try:
                declared = self._static.declared(name)
            except ReconcilerError as error:
                yield AgentRecord(name, "static", enabled=False, status=Status.BROKEN, problem=error.message)
                continue
            yield described(name, "static", declared, self._tools, self._today())

    def _names(self) -> set[str]:
        with self._schemas.reading() as connection:
            live = deployed_agents(connection) if connection is not None else []
        return {agent.name for agent in live} | self._static.names()

"""Agents as lists and searches show them, and what is asked of such a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Literal

from reconciler.agents.lifecycle import Status, status_of
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.steps import called_agents
from reconciler.spec.tables import table_name
from reconciler.tools.base import Capability, EffectClass, ToolDeclaration
from reconciler.tools.registry import ToolRegistry

AgentKind = Literal["dynamic", "static"]


@dataclass(frozen=True, slots=True)
class Reach:
    """What an agent can do, by what its type grants. `tools` by name; `models` are language models; `writes` and
    `reads` are tables; `hosts` and `recipients` as the grants bound them; `agents` are those its steps call."""

    tools: tuple[str, ...] = ()
    capabilities: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """One agent. `type` is empty for a static one. `deprecated` and `sunset` are empty where nothing is said;
    `problem` says why a static agent is broken. `deployed_at` is ISO 8601 in UTC, empty for a static agent."""

    name: str
    kind: AgentKind
    type: str = ""
    version: str = ""
    title: str = ""
    description: str = ""
    owner: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    enabled: bool = True
    status: Status = Status.ACTIVE
    deprecated: str = ""
    sunset: str = ""
    schedule: str = ""
    deployed_at: str = ""
    revision: int = 0
    reach: Reach = field(default_factory=Reach)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """All that is given must hold. `name` may hold `*` and `?`; `label` is `key` or `key=value`; `text` occurs in
    name, title or description; `model` is a language model, `table` a table's name or `type.model`. Without a status
    agents that were removed are not looked at."""

    name: str = ""
    text: str = ""
    label: str = ""
    owner: str = ""
    tool: str = ""
    capability: str = ""
    model: str = ""
    table: str = ""
    type: str = ""
    kind: AgentKind | None = None
    status: Status | None = None
    enabled: bool | None = None

    def matches(self, agent: AgentRecord) -> bool:
        return all(self._conditions(agent))

    def _conditions(self, agent: AgentRecord) -> Iterable[bool]:
        reach = agent.reach
        yield not self.name or fnmatchcase(agent.name, self.name)
        yield (
            not self.text or self.text.lower() in f"{agent.name}\n{agent.title}\n{agent.description}".lower()
        )
        yield not self.label or self._has_label(agent)
        yield not self.owner or agent.owner == self.owner
        yield not self.tool or self.tool in reach.tools
        yield not self.capability or self.capability in reach.capabilities
        yield not self.model or self.model in reach.models
        yield not self.table or self._table() in (*reach.writes, *reach.reads)
        yield not self.type or agent.type == self.type
        yield self.kind is None or agent.kind == self.kind
        yield self.status is None or agent.status is self.status
        yield self.enabled is None or agent.enabled is self.enabled

    def _has_label(self, agent: AgentRecord) -> bool:
        key, given, value = self.label.partition("=")
        return any(own == key and (not given or of == value) for own, of in agent.labels)

    def _table(self) -> str:
        of_type, dot, model = self.table.partition(".")
        return table_name(of_type, model) if dot else self.table


def described(
    name: str, kind: AgentKind, agent_type: AgentType, tools: ToolRegistry, today: date
) -> AgentRecord:
    """What a type says of its agents; `today` is the day in UTC."""
    spec, told = agent_type.spec, agent_type.spec.deprecated
    return AgentRecord(
        name=name,
        kind=kind,
        type=agent_type.name if kind == "dynamic" else "",
        version=spec.version,
        title=spec.title or "",
        description=spec.description or "",
        owner=spec.owner or "",
        labels=tuple(sorted(agent_type.metadata.labels.items())),
        status=status_of(agent_type, today),
        deprecated=told.message if told else "",
        sunset=(told.sunset or "") if told else "",
        reach=reach_of(agent_type, tools),
    )


def reach_of(agent_type: AgentType, tools: ToolRegistry) -> Reach:
    """A tool that is not installed grants nothing but its name."""
    grants = [(grant, tools.get(grant.name)) for grant in agent_type.spec.tools]
    installed = [(grant, tool) for grant, tool in grants if tool is not None]
    return Reach(
        tools=tuple(grant.name for grant, _ in grants),
        capabilities=frozenset(c.value for _, tool in installed for c in tool.capabilities),
        models=_names(g.models for g, t in installed if Capability.LANGUAGE_MODEL in t.capabilities),
        writes=_tables(agent_type, installed, EffectClass.WRITE),
        reads=_tables(agent_type, installed, EffectClass.READ),
        hosts=_names(grant.hosts for grant, _ in installed),
        recipients=_names(grant.recipients for grant, _ in installed),
        agents=tuple(called_agents(agent_type.spec.pipeline)),
    )


def _names(lists: Iterable[list[str] | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for names in lists for name in names or ()))


def _tables(
    agent_type: AgentType, installed: list[tuple[Grant, ToolDeclaration]], effect: EffectClass
) -> tuple[str, ...]:
    grants = [g for g, tool in installed if Capability.TABLES in tool.capabilities and tool.effect is effect]
    return tuple(table_name(agent_type.name, model) for model in _names(grant.models for grant in grants))

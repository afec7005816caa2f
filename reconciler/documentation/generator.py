"""DocumentationGenerator: documents about one state, or about single types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.documentation.calls import BASE_URL, examples_of
from reconciler.documentation.diagrams import entity_diagram, flow_diagram
from reconciler.documentation.document import Document
from reconciler.documentation.drawings import entity_drawing, flow_drawing
from reconciler.documentation.endpoints import checked_base_url
from reconciler.documentation.index_page import index_page
from reconciler.documentation.markdown import code, fence, prose
from reconciler.documentation.type_page import type_data, type_page
from reconciler.errors import NotFound
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.findings import did_you_mean
from reconciler.spec.state import State


class DocumentationGenerator:
    """Documents about a state: desired or actual, both are one. `base_url` is where examples find the API.

    `versions` gives all versions of a type that are known, where more than the state's own are.
    """

    def __init__(
        self,
        state: State,
        *,
        base_url: str = BASE_URL,
        versions: Callable[[str], Sequence[AgentType]] = lambda name: (),
    ) -> None:
        self.state = state
        self.base_url = checked_base_url(base_url)
        self._versions = versions

    def types(self) -> list[AgentType]:
        """All types, by name."""
        names = sorted(a.removeprefix("type/") for a in self.state.entries if a.startswith("type/"))
        return [self.agent_type(name) for name in names]

    def agent_type(self, name: str) -> AgentType:
        """The type of this name. Raises NotFound."""
        found = self.state.agent_type(name)
        if found is None:
            known = [a.removeprefix("type/") for a in self.state.entries if a.startswith("type/")]
            raise NotFound(f"there is no type {name}", hint=did_you_mean(name, known))
        return found

    def agents(self, agent_type: str | None = None) -> list[Agent]:
        """All agents, or those of one type, by name."""
        names = sorted(a.removeprefix("agent/") for a in self.state.entries if a.startswith("agent/"))
        found = [agent for name in names if (agent := self.state.agent(name)) is not None]
        return [agent for agent in found if agent_type in (None, agent.spec.type)]

    def type(self, name: str) -> Document:
        """The page of one type. Raises NotFound."""
        found = self.agent_type(name)
        return type_documentation(found, self._versions(name), self.agents(name), self.base_url)

    def index(self, link: Callable[[str], str] = lambda name: "") -> Document:
        """All types and agents on one page. `link` gives the address of a type's own page."""
        types, agents = self.types(), self.agents()
        markdown = index_page(types, agents, self.state.policies(), link)
        data = {
            "types": [{"name": found.name, "version": found.spec.version} for found in types],
            "agents": [{"name": agent.name, "type": agent.spec.type} for agent in agents],
        }
        return Document("Agents", markdown, data)

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1 with the schemas of every type."""
        from reconciler.documentation.openapi import openapi_document

        return openapi_document(self.types(), self.agents(), self.base_url)

    def site(self) -> dict[str, str]:
        """Everything as a folder of pages: texts by file name."""
        from reconciler.documentation.site import site_files

        return site_files(self)


def agent_creation_guide() -> Document:
    """How to write an agent: the whole language, told by its own models."""
    from reconciler.documentation.guide import guide

    return guide()


def type_documentation(
    agent_type: AgentType,
    versions: Sequence[AgentType] = (),
    agents: Sequence[Agent] = (),
    base_url: str = BASE_URL,
) -> Document:
    """The page of a type in one of its versions; `versions` are the others, `agents` those deployed of it."""
    return Document(
        agent_type.spec.title or agent_type.name,
        type_page(agent_type, versions, agents, checked_base_url(base_url)),
        type_data(agent_type, versions, agents, checked_base_url(base_url)),
        {
            entity_diagram(agent_type): entity_drawing(agent_type),
            flow_diagram(agent_type): flow_drawing(agent_type),
        },
    )


def frontend_integration(
    types: Sequence[AgentType], base_url: str = BASE_URL, agents: Sequence[Agent] = ()
) -> Document:
    """How a frontend uses these types: the package made for them, its client, validators and hooks."""
    from reconciler.documentation.integration import integration

    return integration(types, agents, checked_base_url(base_url))


def examples(types: Sequence[AgentType], agents: Sequence[Agent] = (), base_url: str = BASE_URL) -> Document:
    """Worked examples of all types, in every language."""
    lines = ["# Examples", ""]
    data: dict[str, Mapping[str, str]] = {}
    for agent_type in types:
        agent = next((a.name for a in agents if a.spec.type == agent_type.name), agent_type.name)
        found = examples_of(agent_type, agent, checked_base_url(base_url))
        data[agent_type.name] = {example.title.lower(): example.code for example in found}
        lines += [f"## {prose(agent_type.spec.title or agent_type.name)}", ""]
        lines += [f"Type {code(agent_type.name)}, agent {code(agent)}.", ""]
        for example in found:
            lines += [f"### {example.title}", "", *fence(example.code, example.language)]
    return Document("Examples", "\n".join(lines).rstrip() + "\n", data)

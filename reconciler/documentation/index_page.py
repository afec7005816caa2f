"""The page of a whole state: its types, its agents, its policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from reconciler.documentation.diagrams import system_diagram
from reconciler.documentation.markdown import code, fence, prose, table
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.policy import Policy


def index_page(
    types: Sequence[AgentType],
    agents: Sequence[Agent],
    policies: Sequence[Policy],
    link: Callable[[str], str],
) -> str:
    """`link` gives where the page of a type is, empty where it has none."""
    lines = ["# Agents", ""]
    lines += _types(types, link)
    lines += _agents(agents)
    lines += _policies(policies)
    return "\n".join(lines).rstrip() + "\n"


def _types(types: Sequence[AgentType], link: Callable[[str], str]) -> Iterator[str]:
    if not types:
        yield "There are no types yet."
        yield ""
        return
    yield "## Types"
    yield ""
    rows = [
        (
            f"[{found.name}]({link(found.name)})" if link(found.name) else code(found.name),
            found.spec.version,
            prose(found.spec.title or ""),
            prose(found.spec.description or ""),
        )
        for found in types
    ]
    yield from table(("Type", "Version", "Title", "What it does"), rows)
    yield from fence(system_diagram(types), "mermaid")


def _agents(agents: Sequence[Agent]) -> Iterator[str]:
    if agents:
        yield "## Agents"
        yield ""
    rows = [
        (
            code(agent.name),
            code(agent.spec.type),
            code(agent.spec.schedule or "") or "when asked",
            "yes" if agent.spec.enabled else "no",
        )
        for agent in agents
    ]
    yield from table(("Agent", "Type", "Runs", "Enabled"), rows)


def _policies(policies: Sequence[Policy]) -> Iterator[str]:
    if policies:
        yield "## Policies"
        yield ""
        yield from (f"- {code(policy.name)}" for policy in policies)
        yield ""

"""Program: what runs in children, made once in the zygote and inherited by all of them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.execution import child
from reconciler.spec.hosts import is_address

if TYPE_CHECKING:
    from reconciler.agents.factory import AgentFactory
    from reconciler.execution.zygote import Setup
    from reconciler.llm.provider import LLMProvider
    from reconciler.tools.egress import Network


@dataclass(frozen=True, slots=True)
class Program:
    """Agents, and the two ways out that they have."""

    factory: AgentFactory
    llm: LLMProvider
    network: Network
    endpoint: tuple[str, int] | None = None
    """Host and port of the language models, which are reached past the network of tools."""

    def permitted(self, address: str, port: int) -> bool:
        """Whether a connection goes where it may: to what was checked, or to the language models."""
        if self.network.has_checked(address, port):
            return True
        return self.endpoint is not None and port == self.endpoint[1] and _may_be(address, self.endpoint[0])

    def live(self, connection: socket.socket, folder: Path, permits: int) -> None:
        """A child's whole life."""
        child.live(self, connection, folder, permits)


def installed(setup: Setup) -> Program:
    """The program of every worker: all installed tools and agents. What their first task would have to load is loaded
    here, once for all children."""
    from reconciler.agents.factory import AgentFactory
    from reconciler.agents.static import installed_agents
    from reconciler.llm.ollama import Ollama
    from reconciler.tools.registry import builtin_registry

    program = program_of(AgentFactory(builtin_registry(), installed_agents()), setup)
    Ollama.prepare()
    _ = program.network.tls  # a child may not read the files of certificates any more
    return program


def program_of(factory: AgentFactory, setup: Setup) -> Program:
    from reconciler.llm.ollama import Ollama
    from reconciler.tools.egress import Network

    return Program(
        factory,
        Ollama(setup.ollama_url, api_key=setup.ollama_api_key),
        Network(setup.private, certificates=setup.certificates),
        endpoint_of(setup.ollama_url),
    )


def endpoint_of(url: str) -> tuple[str, int] | None:
    parts = urlsplit(url)
    return (
        (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)) if parts.hostname else None
    )


def _may_be(address: str, host: str) -> bool:
    """A name's addresses may change at any time: whichever it is, the port is that of the language models."""
    return address == host or not is_address(host)

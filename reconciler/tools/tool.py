"""Tool: what a step calls. Third parties subclass it and name the class in the entry points `reconciler.tools`."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.errors import TimedOut
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.task import Task
from reconciler.tools.base import EffectClass, Parameter, ToolDeclaration
from reconciler.tools.host import Host

if TYPE_CHECKING:
    from reconciler.llm.provider import LLMProvider
    from reconciler.tools.egress import Network
    from reconciler.tools.rows import TaskRows


@dataclass(slots=True)
class Usage:
    """What the calls of one tool have used up within one task; the guard compares it with the grant's limits."""

    calls: int = 0
    tokens: int = 0
    bytes: int = 0


@dataclass(slots=True)
class ToolContext:
    """One call's surroundings. `step` is for messages; `deadline` is in seconds of `time.monotonic()`.

    `grant` is the type's grant of this tool with its expressions evaluated. A tool that waits for anything must give up
    by the deadline: `remaining()` is what to hand to a socket.
    """

    task: Task
    agent_type: AgentType
    agent: str
    step: str
    grant: Grant
    host: Host
    rows: TaskRows
    llm: LLMProvider
    network: Network
    deadline: float
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    """Set by a tool that asked a language model: which one answered."""

    def remaining(self) -> float:
        """Seconds left, more than 0. Raises TimedOut."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimedOut("the step took longer than it may", where=self.step)
        return left

    def secret(self, name: str) -> str:
        return self.host.secret(self.agent, name)


class Tool(ABC):
    """Made once per process and used by many calls, also at the same time: it keeps no state of a call.

    `honours_deadline`: it never works past `context.deadline`, so that a step with a timeout need not be watched from
    another thread. `dependencies` are the tools that its declaration depends on, by name: called within its own grant.
    """

    declaration: ClassVar[ToolDeclaration]
    honours_deadline: ClassVar[bool] = False
    dependencies: Mapping[str, Tool] = MappingProxyType({})

    @property
    def name(self) -> str:
        return self.declaration.name

    @property
    def description(self) -> str:
        return self.declaration.description

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        return self.declaration.parameters

    @property
    def effect(self) -> EffectClass:
        return self.declaration.effect

    @abstractmethod
    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> Any:
        """One call. `params` are evaluated, checked against the declaration, defaults filled in. Gives JSON-like values
        in the shape that the declaration says. Raises RunError."""

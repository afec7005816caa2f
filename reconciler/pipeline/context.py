"""What a run of an agent is given from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.errors import Denied
from reconciler.spec.task import StepTrace, Task, TaskResult
from reconciler.tools.host import Host

if TYPE_CHECKING:
    from reconciler.llm.provider import LLMProvider
    from reconciler.tools.egress import Network
    from reconciler.tools.rows import TaskRows


class Runnable(Protocol):
    """An agent, as far as a step that calls one has to know."""

    def run(self, task: Task, context: RunContext) -> TaskResult: ...


NOT_MOCKED: Any = object()


def never() -> bool:
    """Nobody can cancel the task."""
    return False


def untold(trace: StepTrace) -> None:
    """Nobody wants to know before the task has ended."""


def no_tool(name: str, params: Mapping[str, Any]) -> Any:
    raise Denied(f"tool {name} is not granted", hint="only a static agent that runs calls tools by itself")


@dataclass(frozen=True, slots=True)
class RunContext:
    """`deadline` is in seconds of `time.monotonic()`. `cancelled` is asked between steps. `agent` builds another agent
    by name (raises NotFound, Denied). `traced` is told of every attempt of a step as it ends. `mock` answers for the
    call of a step (its id, its parameters or None for an agent), or gives NOT_MOCKED. `depth` counts sub-agents.
    `measured`: traces carry the sizes of what goes in and comes out, which costs as much as writing it as JSON.
    `call` calls a tool (its name, its parameters) for an agent that is Python and not a pipeline. `rows` are those of
    the agent of which this one is a step.
    """

    host: Host
    llm: LLMProvider
    network: Network
    deadline: float
    agent: Callable[[str], Runnable]
    cancelled: Callable[[], bool] = never
    traced: Callable[[StepTrace], None] = untold
    mock: Callable[[str, Mapping[str, Any] | None], Any] | None = None
    depth: int = 0
    call: Callable[[str, Mapping[str, Any]], Any] = no_tool
    measured: bool = False
    rows: TaskRows | None = None

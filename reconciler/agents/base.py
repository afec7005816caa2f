"""BaseAgent: what every agent is, dynamic or static."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reconciler.errors import Crashed, Denied, RunError
from reconciler.pipeline.context import RunContext
from reconciler.spec.task import Failure, Task, TaskResult


class BaseAgent(ABC):
    """One agent, built once and run by many tasks, also at the same time: it keeps no state of a task.

    What is below is what a static agent says of itself, in the words of a manifest; of a dynamic one its manifests
    say it. `input` and `output` are field specs (`{"text": "text", "limit": {"type": "integer", "max": 10}}`), None:
    anything goes. `tools` are grants (`{"name": "llm_processor", "models": ["llama3.2"]}`) or bare names.
    """

    name: str
    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    owner: ClassVar[str] = ""
    version: ClassVar[str] = "1.0.0"
    labels: ClassVar[Mapping[str, str]] = {}
    input: ClassVar[Mapping[str, Any] | None] = None
    output: ClassVar[Mapping[str, Any] | None] = None
    tools: ClassVar[Sequence[str | Mapping[str, Any]]] = ()

    @abstractmethod
    def process_task(self, task: Task, context: RunContext) -> TaskResult | Mapping[str, Any]:
        """Do what the task asks. A mapping is the output of a task that writes no rows. Raises RunError."""

    def call(self, context: RunContext, tool: str, params: Mapping[str, Any]) -> Any:
        """Call a granted tool, as a step would: behind the guard, within the grant, traced. Raises RunError."""
        return context.call(tool, params)

    def run(self, task: Task, context: RunContext) -> TaskResult:
        """`process_task`, every end of it a result. What a static agent's own code raises ends only its task."""
        try:
            result = self.process_task(task, context)
        except RunError as error:
            return TaskResult(failure=Failure(error.code, error.message, error.where, error.hint))
        except MemoryError:
            raise  # the process has come to its limit: who runs it says so, once there is memory again
        except PermissionError:
            told = "the system does not let the agent do what it tried"
            return TaskResult(failure=Failure(Denied.code, told))
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            return TaskResult(failure=Failure(Crashed.code, f"the agent broke: {told[:500]}"))
        return result if isinstance(result, TaskResult) else TaskResult(output=result)

"""BaseAgent: what every agent is, dynamic or static."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from reconciler.errors import Crashed, RunError
from reconciler.pipeline.context import RunContext
from reconciler.spec.task import Failure, Task, TaskResult


class BaseAgent(ABC):
    """One agent, built once and run by many tasks, also at the same time: it keeps no state of a task."""

    name: str

    @abstractmethod
    def process_task(self, task: Task, context: RunContext) -> TaskResult | Mapping[str, Any]:
        """Do what the task asks. A mapping is the output of a task that writes no rows. Raises RunError."""

    def run(self, task: Task, context: RunContext) -> TaskResult:
        """`process_task`, every end of it a result. What a static agent's own code raises ends only its task."""
        try:
            result = self.process_task(task, context)
        except RunError as error:
            return TaskResult(failure=Failure(error.code, error.message, error.where, error.hint))
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            return TaskResult(failure=Failure(Crashed.code, f"the agent broke: {told[:500]}"))
        return result if isinstance(result, TaskResult) else TaskResult(output=result)

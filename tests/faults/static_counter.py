"""A static agent for storms, as an installed package would bring it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from reconciler.agents.base import BaseAgent
from reconciler.pipeline.context import RunContext
from reconciler.spec.task import Task


class StaticCounter(BaseAgent):
    name = "static-counter"
    input = {"number": {"type": "integer", "required": True}}  # noqa: RUF012 - as every static agent says it
    output = {"double": "integer"}  # noqa: RUF012

    def process_task(self, task: Task, context: RunContext) -> Mapping[str, Any]:
        time.sleep(random.uniform(0, 0.1))  # long enough to be hit
        return {"double": 2 * task.input["number"]}

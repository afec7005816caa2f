"""What a pipeline asks language models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.spec.steps import Step, called_agents, flat
from reconciler.tools.base import Capability, ToolDeclaration
from reconciler.tools.registry import ToolRegistry


def prompt_digest(pipeline: Iterable[Step], registry: ToolRegistry) -> str:
    """SHA-256 over the templates of all calls of language models, empty where there is none: tasks that carry the same
    were asked in the same words."""
    prompts = [(step, _templates(tool, given)) for step, tool, given in _questions(pipeline, registry)]
    if not prompts:
        return ""
    return hashlib.sha256(json.dumps(prompts, sort_keys=True).encode()).hexdigest()


def asks_models(pipeline: Sequence[Step], registry: ToolRegistry) -> bool:
    """Whether a task may use tokens, itself or by an agent that it calls."""
    return bool(called_agents(pipeline)) or any(_questions(pipeline, registry))


def _questions(
    pipeline: Iterable[Step], registry: ToolRegistry
) -> Iterator[tuple[str, ToolDeclaration, Mapping[str, Any]]]:
    """All calls of language models: the step, the tool, its parameters."""
    for step in flat(pipeline):
        calls: list[tuple[str | None, Mapping[str, Any]]] = [(step.tool, step.with_)]
        if step.fallback is not None:
            calls.append((step.fallback.tool, step.fallback.with_))
        for name, given in calls:
            tool = registry.get(name) if name is not None else None
            if tool is not None and Capability.LANGUAGE_MODEL in tool.capabilities:
                yield step.id, tool, given


def _templates(tool: ToolDeclaration, given: Mapping[str, Any]) -> dict[str, Any]:
    names = {name for name, parameter in tool.parameters.items() if parameter.type == "template"}
    return {name: value for name, value in given.items() if name in names}

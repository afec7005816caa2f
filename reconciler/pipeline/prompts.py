"""The digest of what a pipeline asks language models: tasks that carry the same were asked in the same words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.spec.steps import Step, flat
from reconciler.tools.base import Capability
from reconciler.tools.registry import ToolRegistry


def prompt_digest(pipeline: Iterable[Step], registry: ToolRegistry) -> str:
    """SHA-256 over the templates of all calls of language models; empty where there is none."""
    prompts = [*_prompts(pipeline, registry)]
    if not prompts:
        return ""
    return hashlib.sha256(json.dumps(prompts, sort_keys=True).encode()).hexdigest()


def _prompts(pipeline: Iterable[Step], registry: ToolRegistry) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in flat(pipeline):
        calls: list[tuple[str | None, Mapping[str, Any]]] = [(step.tool, step.with_)]
        if step.fallback is not None:
            calls.append((step.fallback.tool, step.fallback.with_))
        for tool, given in calls:
            declaration = registry.get(tool) if tool is not None else None
            if declaration is not None and Capability.LANGUAGE_MODEL in declaration.capabilities:
                templates = {n for n, p in declaration.parameters.items() if p.type == "template"}
                yield step.id, {name: value for name, value in given.items() if name in templates}

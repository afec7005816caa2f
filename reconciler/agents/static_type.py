"""What the class of a static agent says of itself, as the value that a manifest would mean."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from reconciler.agents.base import BaseAgent
from reconciler.errors import UsageError
from reconciler.expressions.scope import shape_of_fields
from reconciler.manifests.checks.fields import check_fields
from reconciler.manifests.checks.grants import check_grants
from reconciler.spec.agent_type import API_VERSION, AgentType
from reconciler.spec.findings import Finding, pointer
from reconciler.tools.base import Capability
from reconciler.tools.registry import ToolRegistry, builtin_registry


@lru_cache(256)
def declared_type(agent: type[BaseAgent]) -> AgentType:
    """A type without tables and pipeline. Raises UsageError with all that is wrong with it."""
    try:
        declared = AgentType.model_validate(_document(agent))
    except ValidationError as error:
        told = "; ".join(f"{'/'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        raise UsageError(f"{_place(agent)} declares what no agent can be: {told}") from error
    found = [f for f in _findings(declared, builtin_registry()) if f.severity == "error"]
    if found:
        told = "; ".join(f"{pointer(finding.path)}: {finding.message}" for finding in found[:5])
        raise UsageError(f"{_place(agent)} declares what no agent can be: {told}", hint=found[0].hint)
    return declared


def _document(agent: type[BaseAgent]) -> dict[str, Any]:
    said = {"title": agent.title, "description": agent.description, "owner": agent.owner}
    spec: dict[str, Any] = {name: value for name, value in said.items() if value}
    spec["version"] = agent.version
    spec["tools"] = [{"name": grant} if isinstance(grant, str) else dict(grant) for grant in agent.tools]
    if agent.input is not None:
        spec["input"] = dict(agent.input)
    if agent.output is not None:
        spec["output"] = {"fields": dict(agent.output)}
    metadata = {"name": agent.name, "labels": dict(agent.labels)}
    return {"apiVersion": API_VERSION, "kind": "AgentType", "metadata": metadata, "spec": spec}


def _findings(declared: AgentType, registry: ToolRegistry) -> Iterator[Finding]:
    """What `check_type` finds, without what concerns a pipeline."""
    spec = declared.spec
    yield from check_fields(spec.input, ("input",), "value")
    if spec.output is not None:
        yield from check_fields(spec.output.fields or {}, ("output",), "value")
    yield from check_grants(declared, registry, {grant.name for grant in spec.tools}, shape_of_fields({}))
    for index, grant in enumerate(spec.tools):
        tool = registry.get(grant.name)
        if tool is not None and Capability.TABLES in tool.capabilities:
            message = f"`{grant.name}` works on the tables of a type, and a static agent has none"
            yield Finding(
                "no-tables", message, ("spec", "tools", index), "declare a type in YAML for its rows"
            )


def _place(agent: type[BaseAgent]) -> str:
    return f"{agent.__module__}:{agent.__qualname__}"

"""What a spec refers to outside itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldSpec, FieldType
from reconciler.spec.policy import Policy
from reconciler.spec.steps import Step


def requirements(spec: AgentType | Agent | Policy) -> frozenset[str]:
    """Addresses (`type/x`, `agent/y`) without which the spec does not stand."""
    return frozenset(_requirements(spec))


def _requirements(spec: AgentType | Agent | Policy) -> Iterator[str]:
    if isinstance(spec, Agent):
        yield f"type/{spec.spec.type}"
    elif isinstance(spec, AgentType):
        body = spec.spec
        groups = [body.settings, body.input, *(model.fields for model in body.models.values())]
        if body.output is not None and body.output.fields:
            groups.append(body.output.fields)
        for fields in groups:
            yield from _referenced_types(fields.values(), spec.name)
        yield from _called_agents(body.pipeline)


def _referenced_types(fields: Iterable[FieldSpec], own: str) -> Iterator[str]:
    for field in fields:
        if field.type is FieldType.REFERENCE and field.model:
            owner = field.model.rpartition(".")[0]
            if owner and owner != own:
                yield f"type/{owner}"


def _called_agents(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        if step.agent is not None:
            yield f"agent/{step.agent}"
        if step.parallel:
            yield from _called_agents(step.parallel)

"""All that one document decides about a type: no other document, no policy and no database is asked."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.expressions.scope import shape_of_fields
from reconciler.manifests.checks.calls import Contract
from reconciler.manifests.checks.fields import check_fields
from reconciler.manifests.checks.grants import check_grants
from reconciler.manifests.checks.models import check_models, check_references
from reconciler.manifests.checks.output import check_output
from reconciler.manifests.checks.own_tests import check_tests
from reconciler.manifests.checks.pipeline import TASK, Walk
from reconciler.spec.agent_type import AgentType, Grant
from reconciler.spec.findings import Finding
from reconciler.tools.registry import ToolRegistry, builtin_registry


def check_type(agent_type: AgentType, registry: ToolRegistry | None = None) -> list[Finding]:
    """All findings, section by section. `registry`: the tools there are; default the built-in ones."""
    registry = registry or builtin_registry()
    spec = agent_type.spec
    settings = shape_of_fields(spec.settings)
    grants: dict[str, Grant] = {}
    for grant in spec.tools:
        grants.setdefault(grant.name, grant)
    names = {"input": shape_of_fields(spec.input), "settings": settings, "task": TASK}
    walk = Walk(Contract(agent_type, registry, grants), names)
    found = [*_check_values(agent_type), *check_models(agent_type)]
    pipeline = [*walk.check()]
    found += check_output(agent_type, walk)
    found += check_grants(agent_type, registry, walk.tools, settings)
    found += pipeline
    found += check_tests(agent_type, walk)
    return found


def _check_values(agent_type: AgentType) -> Iterator[Finding]:
    """Settings, secrets and input."""
    spec = agent_type.spec
    yield from check_fields(spec.settings, ("spec", "settings"), "value")
    seen: set[str] = set()
    for index, name in enumerate(spec.secrets):
        if name in seen:
            yield Finding("secret-repeats", f"`{name}` is listed twice", ("spec", "secrets", index))
        seen.add(name)
    yield from check_fields(spec.input, ("spec", "input"), "value")
    for section, fields in (("settings", spec.settings), ("input", spec.input)):
        yield from check_references(agent_type, fields, ("spec", section))

"""Documents against each other: agents and their types, types and the models and agents they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from reconciler.expressions.template import has_expression
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType
from reconciler.spec.base import format_duration, format_size
from reconciler.spec.codec import Spec
from reconciler.spec.findings import Finding, Path, did_you_mean
from reconciler.spec.limits import Limits
from reconciler.spec.literals import check_given, check_literal
from reconciler.spec.steps import Step
from reconciler.spec.versions import satisfies

Lookup = Callable[[str], Spec | None]
"""The spec at an address such as `type/x`; None if there is none or if its manifest is broken."""

Names = Callable[[str], Iterable[str]]
"""All names of a kind (`type`, `agent`), those of broken manifests included."""


def link(address: str, spec: Spec, lookup: Lookup, names: Names) -> list[Finding]:
    """What is wrong with a spec among the others. What refers to a broken manifest is not judged.

    `address` is the spec's own; the findings' paths lead into its document.
    """
    others = _Others(lookup, names)
    match spec:
        case Agent():
            return [*_link_agent(spec, others)]
        case AgentType():
            return [*_link_type(spec, others)]
        case _:
            return []


@dataclass(frozen=True, slots=True)
class _Others:
    lookup: Lookup
    names: Names

    def type(self, name: str) -> AgentType | None:
        found = self.lookup(f"type/{name}")
        return found if isinstance(found, AgentType) else None

    def agent(self, name: str) -> Agent | None:
        found = self.lookup(f"agent/{name}")
        return found if isinstance(found, Agent) else None

    def unknown(self, kind: str, name: str, path: Path) -> Iterator[Finding]:
        """A finding, unless the object exists and is merely broken."""
        known = set(self.names(kind))
        if name not in known:
            yield Finding(f"unknown-{kind}", f"there is no {kind} `{name}`", path, did_you_mean(name, known))


# --- agents ------------------------------------------------------------------------------------------


def _link_agent(agent: Agent, others: _Others) -> Iterator[Finding]:
    spec = agent.spec
    agent_type = others.type(spec.type)
    if agent_type is None:
        yield from others.unknown("type", spec.type, ("spec", "type"))
        return
    declared = agent_type.spec
    if spec.version is not None and not satisfies(declared.version, spec.version):
        message = f"`{spec.type}` is at version {declared.version}, which `{spec.version}` does not allow"
        yield Finding("version-unsatisfied", message, ("spec", "version"))
    if declared.deprecated is not None:
        told = declared.deprecated
        until = f" and takes no new tasks from {told.sunset} on" if told.sunset else ""
        message = f"the type `{spec.type}` is deprecated{until}"
        yield Finding("type-deprecated", message, ("spec", "type"), told.message, "warning")
    yield from check_given(spec.settings, declared.settings, ("spec", "settings"), "setting")
    yield from _check_secrets(agent, declared.secrets)
    if spec.limits.model_fields_set:
        yield from _check_limits(spec.limits, declared.limits)
    if spec.schedule is not None:
        yield from _check_scheduled(agent_type)


def _check_scheduled(agent_type: AgentType) -> Iterator[Finding]:
    """The clock gives an agent nothing but the defaults of its type."""
    given = agent_type.spec.input
    missing = [name for name, field in given.items() if field.required and field.default is None]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"a task by the clock has no input, and `{agent_type.name}` requires {names}"
        hint = "give each of them a default in the type, or remove `schedule`"
        yield Finding("schedule-without-input", message, ("spec", "schedule"), hint, "warning")


def _check_secrets(agent: Agent, declared: list[str]) -> Iterator[Finding]:
    bound = agent.spec.secrets
    if bound.keys() == set(declared):
        return
    for name in declared:
        if name not in bound:
            hint = f"bind it: `secrets: {{{name}: {{env: {name.upper()}}}}}`"
            yield Finding("missing-secret", f"the secret `{name}` is not bound", ("spec", "secrets"), hint)
    for name in bound:
        if name not in declared:
            hint = did_you_mean(name, declared)
            yield Finding(
                "unknown-secret",
                f"the type has no secret `{name}`",
                ("spec", "secrets", name),
                hint,
                at_key=True,
            )


def _check_limits(limits: Limits, bounds: Limits) -> Iterator[Finding]:
    for name in Limits.model_fields:
        wanted, bound = getattr(limits, name), getattr(bounds, name)
        if wanted is not None and bound is not None and wanted > bound:
            message = f"`{name}` is {_shown(name, wanted)}, more than the type's {_shown(name, bound)}"
            hint = "an agent may only tighten the limits of its type"
            yield Finding("limit-loosened", message, ("spec", "limits", name), hint)


def _shown(limit: str, value: float) -> str:
    if limit in ("timeout", "cpu"):
        return format_duration(value)
    return format_size(int(value)) if limit in ("memory", "output_bytes") else str(value)


# --- types -------------------------------------------------------------------------------------------


def _link_type(agent_type: AgentType, others: _Others) -> Iterator[Finding]:
    for path, fields in agent_type.field_groups():
        for name, field in fields.items():
            if field.model is not None and "." in field.model:
                yield from _check_reference(agent_type, field.model, (*path, name, "model"), others)
    for path, step in agent_steps(agent_type.spec.pipeline, ("spec", "pipeline")):
        if step.agent is not None:
            yield from _check_sub_agent(agent_type, step, step.agent, path, others)


def _check_reference(agent_type: AgentType, reference: str, path: Path, others: _Others) -> Iterator[Finding]:
    owner, _, model = reference.rpartition(".")
    if owner == agent_type.name or "." in owner:
        return
    target = others.type(owner)
    if target is None:
        yield from others.unknown("type", owner, path)
    elif model not in target.spec.models:
        hint = did_you_mean(model, target.spec.models)
        yield Finding("unknown-model", f"the type `{owner}` has no model `{model}`", path, hint)


def agent_steps(steps: list[Step], path: Path) -> Iterator[tuple[Path, Step]]:
    """The steps that run another agent, nested ones included."""
    for index, step in enumerate(steps):
        where = (*path, index)
        if step.agent is not None:
            yield where, step
        elif step.parallel is not None:
            yield from agent_steps(step.parallel, (*where, "parallel"))


def _check_sub_agent(
    agent_type: AgentType, step: Step, name: str, path: Path, others: _Others
) -> Iterator[Finding]:
    agent = others.agent(name)
    if agent is None:
        yield from others.unknown("agent", name, (*path, "agent"))
        return
    if not agent.spec.enabled:
        message = f"the agent `{name}` is disabled: the step will fail"
        yield Finding("agent-disabled", message, (*path, "agent"), severity="warning")
    target = others.type(agent.spec.type)
    if target is None:
        return
    if way := _way_back(agent_type.name, agent, others):
        message = "an agent cannot end up running itself: " + " → ".join((agent_type.name, *way))
        yield Finding("agent-cycle", message, (*path, "agent"))
    yield from _check_input(step, target, (*path, "input"))


def _check_input(step: Step, target: AgentType, path: Path) -> Iterator[Finding]:
    for name, value in step.input.items():
        field = target.spec.input.get(name)
        if field is None:
            hint = did_you_mean(name, target.spec.input)
            message = f"agents of type `{target.name}` take no input `{name}`"
            yield Finding("unknown-input", message, (*path, name), hint, at_key=True)
        elif not _holds_expression(value):
            yield from check_literal(value, field, (*path, name))
    for name, field in target.spec.input.items():
        if field.required and field.default is None and name not in step.input:
            yield Finding("missing-input", f"agents of type `{target.name}` need the input `{name}`", path)


def _holds_expression(value: object) -> bool:
    if isinstance(value, str):
        return has_expression(value)
    if isinstance(value, dict):
        return any(map(_holds_expression, value.values()))
    return isinstance(value, list) and any(map(_holds_expression, value))


def _way_back(origin: str, agent: Agent, others: _Others) -> tuple[str, ...]:
    """Agents and types between an agent and another of type `origin`; empty if no way leads there."""
    pending: list[tuple[Agent, tuple[str, ...]]] = [(agent, ())]
    seen: set[str] = set()
    while pending:
        current, way = pending.pop()
        way = (*way, f"agent {current.name}", current.spec.type)
        if current.spec.type == origin:
            return way
        if current.spec.type in seen or (found := others.type(current.spec.type)) is None:
            continue
        seen.add(current.spec.type)
        for _, step in agent_steps(found.spec.pipeline, ()):
            if step.agent is not None and (following := others.agent(step.agent)) is not None:
                pending.append((following, way))
    return ()

"""The page of one type: what it is for, what goes in, what comes out, what it keeps, what it may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.documentation.calls import BASE_URL, examples_of
from reconciler.documentation.diagrams import entity_diagram, flow_diagram
from reconciler.documentation.markdown import code, fence, prose, table
from reconciler.documentation.schemas import given_schema, output_schema, row_schema
from reconciler.documentation.versions import version_steps
from reconciler.documentation.wording import fields_table
from reconciler.errors import RUN_ERRORS
from reconciler.spec.agent import Agent
from reconciler.spec.agent_type import AgentType, Grant, ModelSpec
from reconciler.spec.limits import Limits
from reconciler.spec.steps import Step, flat


def type_page(
    agent_type: AgentType,
    versions: Sequence[AgentType] = (),
    agents: Sequence[Agent] = (),
    base_url: str = BASE_URL,
) -> str:
    """Markdown. `versions` are other versions of the type, `agents` those deployed of it."""
    chapters = (
        _purpose(agent_type, agents),
        _given("Settings", "What each agent of the type fills in.", agent_type.spec.settings),
        _secrets(agent_type),
        _given("Input", "What a task is given.", agent_type.spec.input),
        _output(agent_type),
        _tables(agent_type),
        _pipeline(agent_type),
        _tools(agent_type),
        _limits(agent_type.spec.limits),
        _errors(agent_type),
        _versions(agent_type, versions),
        _examples(agent_type, agents, base_url),
    )
    lines = [line for chapter in chapters for line in chapter]
    return "\n".join(lines).rstrip() + "\n"


def type_data(
    agent_type: AgentType, versions: Sequence[AgentType], agents: Sequence[Agent], base_url: str
) -> dict[str, Any]:
    """The same for programs."""
    spec = agent_type.spec
    return {
        "name": agent_type.name,
        "version": spec.version,
        "title": spec.title,
        "description": spec.description,
        "owner": spec.owner,
        "labels": dict(agent_type.metadata.labels),
        "deprecated": spec.deprecated.model_dump() if spec.deprecated else None,
        "agents": [agent.name for agent in agents],
        "settings": given_schema(spec.settings),
        "secrets": list(spec.secrets),
        "input": given_schema(spec.input),
        "output": output_schema(agent_type),
        "models": {model: row_schema(agent_type, model) for model in spec.models},
        "tools": [grant.model_dump(mode="json", exclude_none=True) for grant in spec.tools],
        "limits": spec.limits.model_dump(mode="json", exclude_none=True),
        "steps": [step.id for step in flat(spec.pipeline)],
        "errors": sorted(RUN_ERRORS),
        "versions": [
            {
                "version": step.version,
                "level": step.level.name.lower(),
                "changes": [move.reason for move in step.moves],
            }
            for step in version_steps(agent_type, versions)
        ],
        "examples": {
            example.title.lower(): example.code
            for example in examples_of(agent_type, _agent(agent_type, agents), base_url)
        },
    }


def _purpose(agent_type: AgentType, agents: Sequence[Agent]) -> Iterator[str]:
    spec = agent_type.spec
    yield f"# {prose(spec.title or agent_type.name)}"
    yield ""
    if spec.deprecated is not None:
        until = f" It takes no new tasks from {spec.deprecated.sunset} on." if spec.deprecated.sunset else ""
        yield f"**Deprecated.** {prose(spec.deprecated.message)}{until}"
        yield ""
    if spec.description:
        yield prose(spec.description)
        yield ""
    facts = [
        ("Type", code(agent_type.name)),
        ("Version", spec.version),
        ("Owner", prose(spec.owner or "")),
        ("Labels", ", ".join(code(f"{k}={v}") for k, v in sorted(agent_type.metadata.labels.items()))),
        ("Agents", ", ".join(code(agent.name) for agent in agents)),
        ("When the type goes", f"its tables are {_FATE[spec.deletion_policy.value]}"),
    ]
    yield from table(("About", "This type"), [fact for fact in facts if fact[1]])


_FATE = {"retain": "kept", "archive": "parked in the archive", "purge": "deleted with their rows"}


def _given(title: str, about: str, fields: Any) -> Iterator[str]:
    if fields:
        yield from _chapter(title, about)
        yield from fields_table(fields)


def _secrets(agent_type: AgentType) -> Iterator[str]:
    if agent_type.spec.secrets:
        yield from _chapter("Secrets", "Bound by each agent to an environment variable or a file.")
        yield from (f"- {code(name)}" for name in agent_type.spec.secrets)
        yield ""


def _output(agent_type: AgentType) -> Iterator[str]:
    output = agent_type.spec.output
    if output is None:
        return
    if output.model is not None:
        step = f", as the step {code(output.from_)} left it" if output.from_ else ""
        yield from _chapter("Output", f"A row of {code(output.model)}{step}: see its table below.")
    else:
        source = f"Taken from the step {code(output.from_)}." if output.from_ else "What a task returns."
        yield from _chapter("Output", source)
        yield from fields_table(output.fields or {}, needed="always there")


def _tables(agent_type: AgentType) -> Iterator[str]:
    models = agent_type.spec.models
    if not models:
        return
    yield from _chapter(
        "Tables",
        "Each row also has `id`, `task_id`, `agent`, `type_version`, `created_at` and `deleted_at`.",
    )
    yield from fence(entity_diagram(agent_type), "mermaid")
    for name, model in models.items():
        yield from _model(name, model)


def _model(name: str, model: ModelSpec) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if model.description:
        yield prose(model.description)
        yield ""
    yield from fields_table(model.fields)
    rules = [f"- indexed together: {_names(index.fields)}" for index in model.indexes]
    rules += [f"- unique together: {_names(group)}" for group in model.unique]
    rules += [f"- check {code(check.name)}: {code(check.expression)}" for check in model.checks]
    yield from [*rules, ""] if rules else ()


def _names(fields: Sequence[str]) -> str:
    return ", ".join(code(field) for field in fields)


def _pipeline(agent_type: AgentType) -> Iterator[str]:
    steps = agent_type.spec.pipeline
    if not steps:
        return
    yield from _chapter("Pipeline", "What a task does, step by step.")
    yield from fence(flow_diagram(agent_type), "mermaid")
    rows = [(code(step.id), _called(step), _condition(step), _failing(step)) for step in flat(steps)]
    yield from table(("Step", "Calls", "Runs", "When it fails"), rows)


def _called(step: Step) -> str:
    if step.tool is not None:
        return code(step.tool)
    if step.agent is not None:
        return f"the agent {code(step.agent)}"
    return "side by side: " + _names([inner.id for inner in step.parallel or ()])


def _condition(step: Step) -> str:
    said = []
    if step.when is not None:
        said.append(f"if {code(str(step.when))}")
    if step.for_each is not None:
        each = code(step.for_each) if isinstance(step.for_each, str) else "a fixed list"
        said.append(f"for each of {each}")
    return ", ".join(said) or "always"


def _failing(step: Step) -> str:
    said = []
    if step.retry is not None:
        reasons = ", ".join(code(reason.value) for reason in step.retry.on)
        said.append(f"up to {step.retry.attempts} attempts on {reasons}")
    if step.fallback is not None:
        said.append(f"falls back to {code(step.fallback.tool)}")
    said.append("the task goes on" if step.on_error.value == "continue" else "the task fails")
    return ", then ".join(said)


def _tools(agent_type: AgentType) -> Iterator[str]:
    if not agent_type.spec.tools:
        return
    yield from _chapter("Tools", "What is granted, and within which bounds. Nothing else can be called.")
    rows = [(code(grant.name), _bounds(grant)) for grant in agent_type.spec.tools]
    yield from table(("Tool", "Bounds"), rows)


def _bounds(grant: Grant) -> str:
    said = [
        f"{bound}: {', '.join(code(value) for value in values)}"
        for bound in ("models", "hosts", "recipients", "paths")
        if (values := getattr(grant, bound))
    ]
    limits = grant.limits.model_dump(mode="json", exclude_none=True) if grant.limits else {}
    said += [f"{name}: {code(str(value))}" for name, value in limits.items()]
    return "; ".join(said)


def _limits(limits: Limits) -> Iterator[str]:
    said = limits.model_dump(mode="json", exclude_none=True)
    if said:
        yield from _chapter("Limits", "Of one task, and of how many tasks may run.")
        meanings = {name: field.description or "" for name, field in Limits.model_fields.items()}
        rows = [(code(name), code(str(value)), meanings[name]) for name, value in said.items()]
        yield from table(("Limit", "Value", "Meaning"), rows)


def _errors(agent_type: AgentType) -> Iterator[str]:
    yield from _chapter(
        "Errors", "The codes with which a task can end, and the HTTP status that goes with each."
    )
    retried = {
        reason.value for step in flat(agent_type.spec.pipeline) if step.retry for reason in step.retry.on
    }
    rows = [
        (code(name), str(kind.http_status), "tried again where a step says so" if name in retried else "")
        for name, kind in sorted(RUN_ERRORS.items())
    ]
    yield from table(("Code", "Status", "Note"), rows)


def _versions(agent_type: AgentType, versions: Sequence[AgentType]) -> Iterator[str]:
    yield from _chapter("Versions", "")
    for step in version_steps(agent_type, versions):
        level = f" ({step.level.name.lower()})" if step.level else ""
        yield f"- **{step.version}**{level}"
        yield from (f"  - {prose(move.reason)}" for move in step.moves)
    yield ""


def _examples(agent_type: AgentType, agents: Sequence[Agent], base_url: str) -> Iterator[str]:
    examples = examples_of(agent_type, _agent(agent_type, agents), base_url)
    if examples:
        yield from _chapter("Examples", "")
    for example in examples:
        yield f"### {example.title}"
        yield ""
        yield from fence(example.code, example.language)


def _agent(agent_type: AgentType, agents: Sequence[Agent]) -> str:
    """The agent that examples speak of: a deployed one, else one named as the type."""
    return agents[0].name if agents else agent_type.name


def _chapter(title: str, about: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    if about:
        yield about
        yield ""

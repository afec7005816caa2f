"""Mermaid: the tables of a type and how they refer to each other; its pipeline as a flow.

Every identifier is one of ours or a name that the language confines; every label is quoted, and whatever could end a
quote or begin a directive is written as a character code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.documentation.markdown import one_line
from reconciler.spec.agent_type import AgentType
from reconciler.spec.fields import FieldType
from reconciler.spec.steps import Step

LABEL_LENGTH = 60
_PLAIN = re.compile(r"[^A-Za-z0-9 _.,:-]")


def entity_diagram(agent_type: AgentType) -> str:
    """The models and their references; empty for a type without tables."""
    models = agent_type.spec.models
    if not models:
        return ""
    lines = ["erDiagram"]
    for name, model in models.items():
        lines.append(f"    {name} {{")
        lines.append("        integer id PK")
        for field_name, field in model.fields.items():
            key = " FK" if field.type is FieldType.REFERENCE else " UK" if field.unique else ""
            lines.append(f"        {field.type.value} {field_name}{key}")
        lines.append("    }")
    for name, model in models.items():
        for field_name, field in model.fields.items():
            if field.type is FieldType.REFERENCE and field.model:
                # A model of another type is drawn by its whole name, in which a dot or dash would end it.
                target = re.sub(r"[^A-Za-z0-9_]", "_", field.model)
                least = "||" if field.required else "|o"
                lines.append(f"    {target} {least}--o{{ {name} : {field_name}")
    return "\n".join(lines)


def flow_diagram(agent_type: AgentType) -> str:
    """The pipeline from input to output; empty for a type without steps."""
    steps = agent_type.spec.pipeline
    if not steps:
        return ""
    lines = ["flowchart TD", '    begin(["input"])']
    last = "begin"
    for number, step in enumerate(steps):
        node = f"s{number}"
        lines += [f"    {line}" for line in _node(node, step)]
        lines.append(f"    {last} --> {node}")
        lines += [f"    {line}" for line in _aside(node, step)]
        last = node
    lines += ['    finish(["output"])', f"    {last} --> finish"]
    return "\n".join(lines)


def system_diagram(types: Sequence[AgentType]) -> str:
    """Which type's tables refer to those of another."""
    numbers = {found.name: f"t{number}" for number, found in enumerate(types)}
    lines = ["flowchart LR"]
    lines += [f"    {numbers[found.name]}[{_quoted(found.name)}]" for found in types]
    for found in types:
        for other in sorted(_referred(found)):
            if other in numbers:
                lines.append(f"    {numbers[found.name]} --> {numbers[other]}")
    return "\n".join(lines)


def _referred(agent_type: AgentType) -> set[str]:
    """Names of the other types that its tables point at."""
    fields = (field for model in agent_type.spec.models.values() for field in model.fields.values())
    owners = {field.model.rpartition(".")[0] for field in fields if field.model}
    return owners - {"", agent_type.name}


def _node(node: str, step: Step) -> Iterator[str]:
    if step.parallel is None:
        yield f"{node}[{_quoted(step_label(step))}]"
        return
    yield f"subgraph {node} [{_quoted(step_label(step))}]"
    for number, inner in enumerate(step.parallel):
        yield from (f"    {line}" for line in _node(f"{node}_{number}", inner))
    yield "end"


def _aside(node: str, step: Step) -> Iterator[str]:
    if step.fallback is not None:
        yield f"{node} -. fails .-> {node}f[{_quoted(step.fallback.tool)}]"


def step_label(step: Step) -> str:
    """`extract: llm_processor`, with a note where the step is conditional or a loop."""
    called = step.tool or (f"agent {step.agent}" if step.agent else "side by side")
    notes = [
        note for note, said in (("conditional", step.when), ("per item", step.for_each)) if said is not None
    ]
    return f"{step.id}: {called}" + (f", {' and '.join(notes)}" if notes else "")


def _quoted(text: str) -> str:
    line = one_line(text)[:LABEL_LENGTH]
    return '"' + _PLAIN.sub(lambda match: f"#{ord(match[0])};", line) + '"'

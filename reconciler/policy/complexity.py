"""How large a type is, in the measures that policies bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from reconciler.spec.agent_type import AgentType, ModelSpec
from reconciler.spec.fields import FieldSpec
from reconciler.spec.findings import Path
from reconciler.spec.steps import Step

Measure = Literal["fields", "models", "steps", "nesting", "enum_values", "text_bytes", "indexes"]
Measured = tuple[Measure, int, Path]

_TEXTS = ("title", "description", "owner", "deprecated")


def measures(agent_type: AgentType) -> Iterator[Measured]:
    """Everything a policy can bound, each with its place. Sizes are in bytes of UTF-8."""
    spec = agent_type.spec
    for name in _TEXTS:
        yield from _of_value(getattr(spec, name), ("spec", name))
    yield "models", len(spec.models), ("spec", "models")
    for section, fields in (("settings", spec.settings), ("input", spec.input)):
        yield "fields", len(fields), ("spec", section)
        yield from _of_fields(fields, ("spec", section))
    for name, model in spec.models.items():
        yield from _of_model(model, ("spec", "models", name))
    if spec.output is not None and spec.output.fields is not None:
        yield "fields", len(spec.output.fields), ("spec", "output", "fields")
        yield from _of_fields(spec.output.fields, ("spec", "output", "fields"))
    yield "steps", _count(spec.pipeline), ("spec", "pipeline")
    yield from _of_steps(spec.pipeline, ("spec", "pipeline"), 1)
    for index, test in enumerate(spec.tests):
        for part in ("input", "settings", "mocks"):
            yield from _of_value(getattr(test, part), ("spec", "tests", index, part))
        yield from _of_value(test.expect.output, ("spec", "tests", index, "expect", "output"))


def _of_model(model: ModelSpec, path: Path) -> Iterator[Measured]:
    yield "fields", len(model.fields), (*path, "fields")
    single = sum(1 for field in model.fields.values() if field.index or field.unique or field.model)
    yield "indexes", single + len(model.indexes) + len(model.unique), path
    yield from _of_value(model.description, (*path, "description"))
    yield from _of_fields(model.fields, (*path, "fields"))


def _of_fields(fields: Mapping[str, FieldSpec], path: Path) -> Iterator[Measured]:
    for name, field in fields.items():
        if field.values is not None:
            yield "enum_values", len(field.values), (*path, name, "values")
        if field.items is not None and field.items.values is not None:
            yield "enum_values", len(field.items.values), (*path, name, "items", "values")
        if field.description is not None:
            yield from _of_value(field.description, (*path, name, "description"))
        if field.default is not None:
            yield from _of_value(field.default, (*path, name, "default"))


def _count(steps: list[Step]) -> int:
    return len(steps) + sum(_count(step.parallel) for step in steps if step.parallel)


def _of_steps(steps: list[Step], path: Path, depth: int) -> Iterator[Measured]:
    for index, step in enumerate(steps):
        where = (*path, index)
        yield "nesting", depth, where
        yield from _of_value(step.with_, (*where, "with"))
        yield from _of_value(step.input, (*where, "input"))
        yield from _of_value(step.when, (*where, "when"))
        yield from _of_value(step.for_each, (*where, "for_each"))
        if step.fallback is not None:
            yield from _of_value(step.fallback.with_, (*where, "fallback", "with"))
        if step.parallel is not None:
            yield from _of_steps(step.parallel, (*where, "parallel"), depth + 1)


def _of_value(value: Any, path: Path) -> Iterator[Measured]:
    """Texts inside a free value, and how deep it nests: a text is 0 deep, a list of texts 1."""
    if isinstance(value, str):
        yield "text_bytes", _bytes(value), path
        return
    if not isinstance(value, (dict, list)) or not value:
        return
    depth = 0
    pending: list[tuple[Any, Path, int]] = [(value, path, 1)]
    while pending:
        holder, where, level = pending.pop()
        depth = max(depth, level)
        for key, item in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(item, str):
                yield "text_bytes", _bytes(item), (*where, key)
            elif isinstance(item, (dict, list)):
                pending.append((item, (*where, key), level + 1))
    yield "nesting", depth, path


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
